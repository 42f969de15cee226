"""A still portrait given depth: a face that blinks, looks and turns its head by amounts that are known.

The picture is that of ``server.demo.portrait``. FaceMesh says how deep each of its points lies; that relief is turned
and seen again through the camera, one image remap a frame. Before that the eyes are drawn anew in the flat picture: an
iris on an eyeball that looks where it is told, and an upper lid that comes down over it.

Directions are those of ``pipeline.video.geometry``: yaw and gaze to the person's own left, pitch up and roll to the
person's own left shoulder count above 0, in degrees. The relief holds to about 35 degrees of yaw: what is further round
is not in the portrait.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import LinearNDInterpolator

from models.face_mesh import FaceMeshFinder
from pipeline.types import FloatArray, ImageArray
from pipeline.video.geometry import CAMERA_TO_FACE, OUTER_CORNERS, RIGID_FACE_CM, RIGID_POINTS, rotation_from_angles
from server.demo.portrait import HEIGHT, WIDTH, Portrait, Pose

Doubles = npt.NDArray[np.float64]

FOCAL_PX = float(WIDTH)
EYEBALL_CM = 1.0
"""From the middle of the eyeball to the iris."""
IRIS_CM = 0.585
"""Radius; 11.7 mm across in nearly every adult."""
IRIS_LEAD_CM = 0.45
"""How far the iris stands before the line between the corners of its eye."""
BACK_CM = -6.0
"""Depth of what is not face: hair, ears and the wall are one surface that joins the face's rim."""
PIVOT_CM = (0.0, -4.0, -9.0)
"""The head turns around the middle of the neck, from the middle between the outer corners of the eyes."""
LID_RANGE_PX = 26
"""Skin up to so far above the lid is drawn out when the lid comes down."""
LID_PER_PITCH = 0.018
"""The upper lid goes with the eye: share of the opening per degree."""

# The rims of the eyes in FaceMesh, from corner to corner: upper, then lower.
_RIMS = (
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263)),
)
_SCLERA = np.array([206.0, 190.0, 182.0])
_IRIS = np.array([92.0, 70.0, 52.0])
_PUPIL = np.array([22.0, 18.0, 18.0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What one picture shows."""

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    gaze_yaw_deg: float = 0.0
    """Where the eyes look, as seen from the camera, whatever the head does: 0 is into the camera."""
    gaze_pitch_deg: float = 0.0
    lid: float = 0.0
    """0 open, 1 closed."""


class RelieffedPortrait:
    """Renders faces; holds the flat picture and its depth."""

    def __init__(self, pose: Pose | None = None) -> None:
        self._flat = Portrait().render(pose or Pose(smile_lost=0.8))
        finder = FaceMeshFinder()
        try:
            found = [finder(self._flat) for _ in range(3)][-1]
        finally:
            finder.close()
        if found is None:
            raise RuntimeError("no face is found in the portrait")
        points = found.points.astype(np.float64)
        self._points = points
        outer = points[OUTER_CORNERS, :]
        self._px_per_cm = float(np.linalg.norm(outer[1] - outer[0])) / 8.9
        self._distance_cm = FOCAL_PX / self._px_per_cm
        self._middle = outer.mean(axis=0)
        self._base = _fit_rotation(points[RIGID_POINTS, :] * CAMERA_TO_FACE)
        self._depth_cm = self._relief(points)
        self._maps: dict[tuple[float, float, float], tuple[FloatArray, FloatArray]] = {}

    def render(self, face: Face) -> ImageArray:
        """Return the picture, shape (480, 640, 3), RGB."""
        # Half a degree is finer than anything that is measured, and the maps of slow movements are used again.
        key = tuple(round(2 * angle) / 2 for angle in (face.yaw_deg, face.pitch_deg, face.roll_deg))
        yaw, pitch, roll = key
        map_x, map_y = self._map((yaw, pitch, roll))
        flat = self._flat.copy()
        turned = rotation_from_angles(yaw, pitch, roll)
        looking = rotation_from_angles(face.gaze_yaw_deg, face.gaze_pitch_deg, 0.0) @ (0.0, 0.0, 1.0)
        in_head = turned.T @ looking
        # The lid goes with the eye in the head, not with the eye in space.
        eye_pitch = math.degrees(math.asin(float(np.clip(in_head[1], -1, 1))))
        for i_eye in (0, 1):
            self._draw_eye(flat, i_eye, self._iris(i_eye, turned, in_head, (map_x, map_y)), face.lid, eye_pitch)
        frame = cv2.remap(flat, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(frame, np.uint8)

    def _relief(self, points: Doubles) -> FloatArray:
        """Depth of each pixel in cm toward the camera, 0 between the outer corners of the eyes."""
        xy, depth_cm = points[:468, :2], -(points[:468, 2] - self._middle[2]) / self._px_per_cm
        centre = xy.mean(axis=0)
        angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        ring = np.column_stack((np.cos(angles), np.sin(angles)))
        reach = np.abs(xy - centre).max(axis=0)
        far = np.concatenate((centre + ring * reach * 1.45, centre + ring * 2000))
        known = np.concatenate((xy, far))
        values = np.concatenate((depth_cm, np.full(len(far), BACK_CM)))
        y, x = np.mgrid[0:HEIGHT:2, 0:WIDTH:2] + 0.5
        relief = LinearNDInterpolator(known, values)(x, y).astype(np.float32)
        return np.asarray(cv2.GaussianBlur(relief, (0, 0), 2.0), np.float32)

    def _map(self, angles: tuple[float, float, float]) -> tuple[FloatArray, FloatArray]:
        """From each pixel of the picture to its place in the flat one."""
        if angles not in self._maps:
            turn = rotation_from_angles(*angles) @ self._base.T
            y, x = np.mgrid[0:HEIGHT:2, 0:WIDTH:2].astype(np.float32) + 0.5
            p_x, p_y = x.copy(), y.copy()
            for _ in range(14):
                # Where does the present guess come to lie, and by how much does it miss?
                depth = cv2.remap(
                    self._depth_cm, p_x / 2 - 0.25, p_y / 2 - 0.25, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
                )
                seen_x, seen_y = self._see(p_x, p_y, np.asarray(depth, np.float32), turn)
                p_x = np.asarray(p_x + 0.8 * (x - seen_x), np.float32)
                p_y = np.asarray(p_y + 0.8 * (y - seen_y), np.float32)
            size = (WIDTH, HEIGHT)
            self._maps[angles] = (
                np.asarray(cv2.resize(p_x, size, interpolation=cv2.INTER_LINEAR), np.float32),
                np.asarray(cv2.resize(p_y, size, interpolation=cv2.INTER_LINEAR), np.float32),
            )
        return self._maps[angles]

    def _see(self, x: FloatArray, y: FloatArray, depth_cm: FloatArray, turn: Doubles) -> tuple[FloatArray, FloatArray]:
        """Where points of the flat picture come to lie after a turn of the head, in pixels."""
        away = self._distance_cm - depth_cm
        head = np.stack(
            (
                (x - self._middle[0]) * away / FOCAL_PX - PIVOT_CM[0],
                -(y - self._middle[1]) * away / FOCAL_PX - PIVOT_CM[1],
                depth_cm - PIVOT_CM[2],
            )
        )
        turned = np.tensordot(turn.astype(np.float32), head, axes=1)
        scale = FOCAL_PX / (self._distance_cm - (turned[2] + PIVOT_CM[2]))
        return (
            self._middle[0] + (turned[0] + PIVOT_CM[0]) * scale,
            self._middle[1] - (turned[1] + PIVOT_CM[1]) * scale,
        )

    def _iris(
        self, i_eye: int, turned: Doubles, in_head: Doubles, maps: tuple[FloatArray, FloatArray]
    ) -> tuple[float, float]:
        """Where in the flat picture the iris has to be drawn, so that it is seen in its place on the turned head."""
        upper, _ = _RIMS[i_eye]
        corners = self._points[[upper[0], upper[-1]], :] * CAMERA_TO_FACE
        middle_cm = self._base.T @ (corners.mean(axis=0) - self._middle * CAMERA_TO_FACE) / self._px_per_cm
        iris_cm = middle_cm + (0.0, 0.0, IRIS_LEAD_CM - EYEBALL_CM) + EYEBALL_CM * in_head
        # The pivot stays where it is while the head turns from its pose in the picture.
        pivot = np.array(PIVOT_CM)
        held = self._base.T @ pivot
        place = turned @ (iris_cm - held) + pivot
        scale = FOCAL_PX / (self._distance_cm - place[2])
        x, y = self._middle[0] + place[0] * scale, self._middle[1] - place[1] * scale
        column, row = (int(np.clip(round(v), 0, n - 1)) for v, n in ((x, WIDTH), (y, HEIGHT)))
        return float(maps[0][row, column] + x - column), float(maps[1][row, column] + y - row)

    def _draw_eye(
        self, flat: ImageArray, i_eye: int, iris: tuple[float, float], lid: float, eye_pitch_deg: float
    ) -> None:
        """Draw the eyeball into the flat picture and bring the lid down over it, in place."""
        upper, lower = (self._points[rim, :2] for rim in _RIMS[i_eye])
        left, right = math.floor(upper[0, 0]), math.ceil(upper[-1, 0])
        columns = np.arange(left, right + 1)
        top, bottom = np.interp(columns, *upper.T), np.interp(columns, *lower.T)
        first, last = math.floor(top.min()) - LID_RANGE_PX, math.ceil(bottom.max()) + 4
        y, x = np.mgrid[first:last, left : right + 1].astype(np.float32)
        opening = bottom - top
        rest = -LID_PER_PITCH * eye_pitch_deg
        edge = top + np.clip(rest + (1 - rest) * lid, -0.35, 1.0) * opening * 0.97
        brow = top - LID_RANGE_PX
        from_y = np.where(y < edge, brow + (y - brow) * (top - brow) / (edge - brow), np.maximum(y, bottom + 0.5))
        skin = cv2.remap(
            flat, x, np.asarray(from_y, np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.float64)
        inside = _soft(y - edge) * _soft(bottom - y)
        flat[first:last, left : right + 1] = (
            skin + inside[..., None] * (self._eyeball(x, y, iris, edge) - skin)
        ).astype(np.uint8)

    def _eyeball(self, x: FloatArray, y: FloatArray, iris: tuple[float, float], edge: Doubles) -> Doubles:
        radius = IRIS_CM * self._px_per_cm
        r = np.hypot(x - iris[0], y - iris[1])
        colour = np.broadcast_to(_SCLERA, (*x.shape, 3)).astype(np.float64)
        limbus = 0.55 + 0.45 * np.clip((radius - r) / 2.5, 0, 1)
        colour += _soft(radius - r)[..., None] * (_IRIS * limbus[..., None] - colour)
        colour += _soft(0.4 * radius - r)[..., None] * (_PUPIL - colour)
        glint = _soft(0.16 * radius - np.hypot(x - iris[0] + 0.25 * radius, y - iris[1] + 0.3 * radius))
        colour += glint[..., None] * (235.0 - colour)
        shadow = 0.72 + 0.28 * np.clip((y - edge) / 4.0, 0, 1)
        return np.asarray(colour * shadow[..., None], np.float64)


def _soft(distance_px: npt.NDArray[np.floating]) -> Doubles:
    """1 well inside, 0 well outside of an edge, rising over one pixel."""
    return np.asarray(np.clip(distance_px + 0.5, 0.0, 1.0), np.float64)


def _fit_rotation(points: Doubles) -> Doubles:
    """The rotation that takes the mean face to points in space (Kabsch 1976), from their depth too."""
    a, b = RIGID_FACE_CM - RIGID_FACE_CM.mean(axis=0), points - points.mean(axis=0)
    u, _, vt = np.linalg.svd(b.T @ a)
    return np.asarray(u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blink:
    """One blink of the script."""

    start_s: float
    duration_s: float
    depth: float = 1.0
    """1 a full blink, less a partial one."""

    def lid(self, t_s: float) -> float:
        """How far the lid is down: it closes in a third of the time, and opens more slowly."""
        share = (t_s - self.start_s) / self.duration_s
        if not 0 < share < 1:
            return 0.0
        closing, opening = min(share / 0.33, 1.0), min((1 - share) / 0.5, 1.0)
        return self.depth * math.sin(math.pi / 2 * min(closing, opening)) ** 2


def frame_times(duration_s: float, fps: float, *, dropped: float = 0.0, seed: int = 0) -> tuple[float, ...]:
    """Times of a camera's frames, of which a share is lost at random."""
    random = np.random.default_rng(seed)
    times = np.arange(round(duration_s * fps)) / fps
    return tuple(float(t) for t in times[random.random(len(times)) >= dropped])


def random_blinks(
    duration_s: float, *, per_min: float = 24.0, first_s: float = 4.0, seed: int = 0
) -> tuple[Blink, ...]:
    """Blinks at random intervals of at least 0.9 s, 0.15 to 0.4 s long."""
    random = np.random.default_rng(seed)
    blinks, t_s = [], first_s
    while t_s < duration_s - 1:
        blinks.append(Blink(start_s=t_s, duration_s=float(random.uniform(0.15, 0.4))))
        t_s += 0.9 + float(random.exponential(60 / per_min - 0.9))
    return tuple(blinks)


def lid_at(blinks: Sequence[Blink], t_s: float) -> float:
    """How far the lid is down at a time."""
    return max((blink.lid(t_s) for blink in blinks), default=0.0)


def film(portrait: RelieffedPortrait, faces: Sequence[tuple[float, Face]]) -> Iterator[tuple[float, ImageArray]]:
    """Render faces one after the other."""
    for t_s, face in faces:
        yield t_s, portrait.render(face)
