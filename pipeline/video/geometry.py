"""The shape of a face in one frame: pose of the head, opening of the eyes, direction of the gaze, and shape features.

Axes: x to the right of the picture (the person's own left), y up, z toward the camera. Angles are in degrees: yaw and
gaze above 0 are to the person's own left, pitch above 0 is up, roll above 0 is toward their own left shoulder.

The mean face was measured with FaceMesh on 30 s of ten talkers and on the portrait of scikit-image: points aligned,
mirrored and averaged, scaled to 8.9 cm between the outer corners of the eyes (Farkas 1994, adults). Its y axis runs
from chin to forehead, which says what pitch 0 is.
"""

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.types import FaceFrame, FloatArray, Reason
from pipeline.video.crop import LEFT_EYE, RIGHT_EYE
from pipeline.video.face import DARK_LEVEL, SCORE_LIMITS, ramp

Doubles = npt.NDArray[np.float64]

CAMERA_TO_FACE = np.array((1.0, -1.0, -1.0))
"""FaceMesh and OpenCV count y down and z away from the camera."""

OUTER_CORNERS = (33, 263)
OUTER_CORNERS_CM = 8.9

RIGID_POINTS = (33, 133, 362, 263, 168, 6, 197, 2, 98, 327, 9, 151, 127, 356)
"""Corners of the eyes, bridge and wings of the nose, middle of the forehead, temples: what no expression moves much."""

RIGID_FACE_CM: Doubles = np.array(
    (
        (-4.45, 0.00, 0.00), (-1.69, -0.12, 0.54), (1.69, -0.12, 0.54), (4.45, 0.00, 0.00),
        (0.00, 0.60, 2.18), (0.00, -0.15, 2.67), (0.00, -0.85, 3.23), (0.00, -4.62, 3.11),
        (-1.75, -4.50, 2.29), (1.75, -4.50, 2.29), (0.00, 2.29, 2.23), (0.00, 4.07, 1.80),
        (-6.95, -1.00, -4.94), (6.95, -1.00, -4.94),
    )
)  # fmt: skip
"""Shape (14, 3): the mean face at RIGID_POINTS, from the middle between the outer corners of the eyes."""

IRISES = (468, 473)
"""Centres, right and left as the person's own."""
UPPER_LIDS = (159, 386)
EYEBALL_CM = 1.0
"""From the middle of the eyeball to the plane of the iris."""
IRIS_GAIN = 0.9
"""FaceMesh moves the iris less than it moves: 0.7 for a head that faces the camera, 0.9 to 1 for a turned one
(scripts/evaluate_blink_gaze)."""
IRIS_LEAD_CM = 0.45
"""How far the iris of an eye that looks straight ahead stands before the line between its corners."""

FULL_EYES_PX = 40.0
"""Between the outer corners: from here on size takes nothing from the quality."""
MIN_EYES_PX = 16.0
"""Below it nothing is measured: a point of the lid is then not known to a tenth of its opening."""
MAX_YAW_DEG, MAX_PITCH_DEG = 35.0, 30.0
"""Beyond it the far eye is hidden, and the points there are guesses."""
TURN_LIMITS_DEG = (20.0, 40.0)
"""Quality falls between these."""

_LIDS = ((160, 144, 158, 153), (385, 380, 387, 373))
"""Upper and lower lid, twice an eye: the four middle points of the eye aspect ratio."""
_BROWS = ((105, 66, 107), (334, 296, 336))
_SHAPE_POINTS = (
    *RIGHT_EYE, *_LIDS[0], *_BROWS[0], 61, 145,
    *LEFT_EYE[::-1], *_LIDS[1], *_BROWS[1], 291, 374,
    0, 13, 14, 17,
)  # fmt: skip
_N_SIDE = 11

FEATURES = (
    "brow_right", "brow_left", "brow_gap", "squint_right", "squint_left", "corner_right", "corner_left",
    "mouth_width", "jaw", "lips",
)  # fmt: skip
"""Names of ``FaceGeometry.features``, all in distances between the outer corners of the eyes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceGeometry:
    """One frame's face reduced to what the extractors need."""

    t_s: float
    reason: Reason
    """OK; or why there is nothing (NO_FACE, SMALL_FACE, DARK, UNCLEAR), or only the head (TURNED_AWAY)."""
    quality: float = 0.0
    """In [0, 1]; 0 unless the reason is OK."""
    identity: int = 0
    n_faces: int = 0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    place_cm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """The middle between the eyes: right of, above and away from the camera. Supposes the mean face and a lens whose
    picture is as wide as it is far (53 degrees), so it is good to a quarter or so."""
    eye_opening: tuple[float, float] = (0.0, 0.0)
    """Eye aspect ratio of the right and the left eye: about 0.3 open, 0.1 closed."""
    gaze_deg: tuple[float, float] = (0.0, 0.0)
    """Yaw and pitch of the gaze, from the line to the camera; the mean of both eyes, before any per-person centre."""
    features: FloatArray = field(default_factory=lambda: np.zeros(len(FEATURES), np.float32))
    """Shape (10,), order FEATURES."""
    cover: float = 0.0
    """As in FaceFrame: those of the mouth mean nothing beneath a mask."""

    @property
    def has_head(self) -> bool:
        """True when pose and place mean something."""
        return self.reason in (Reason.OK, Reason.TURNED_AWAY)


def measure_geometry(frame: FaceFrame) -> FaceGeometry:
    """Measure one frame.

    Eye aspect ratio: Soukupová and Čech 2016, on points turned to face the camera. Pose: solvePnP (SQPNP; Terzakis and
    Lourakis 2020). Gaze: the iris lies on a ball behind the line between the corners of its eye, which turns with the
    head; what is left of its place is where the eye looks.
    """
    points = frame.points
    if points is None or not np.isfinite(points).all():
        return FaceGeometry(t_s=frame.t_s, reason=Reason.NO_FACE, n_faces=frame.n_faces)
    eyes_px = float(np.linalg.norm(points[OUTER_CORNERS[1]] - points[OUTER_CORNERS[0]]))
    blank = FaceGeometry(t_s=frame.t_s, reason=Reason.OK, identity=frame.identity, n_faces=max(1, frame.n_faces))
    if eyes_px < MIN_EYES_PX:
        return _because(blank, Reason.SMALL_FACE)
    if frame.skin is not None and np.isfinite(frame.skin).any() and np.nanmax(frame.skin) < DARK_LEVEL:
        return _because(blank, Reason.DARK)
    seen = ramp(frame.score, SCORE_LIMITS)
    in_camera, place_cm = fit_pose(points[RIGID_POINTS, :2], frame.size)
    if seen == 0 or not np.isfinite(place_cm).all() or place_cm[2] <= 0:
        return _because(blank, Reason.UNCLEAR)
    # From the axes of the camera to those of the line to it: a face beside the middle that faces the camera has yaw 0.
    turned = _along_sight(place_cm) @ in_camera
    yaw, pitch, roll = angles_from_rotation(turned)
    is_away = abs(yaw) > MAX_YAW_DEG or abs(pitch) > MAX_PITCH_DEG
    turn = max(abs(yaw), abs(pitch) * MAX_YAW_DEG / MAX_PITCH_DEG)
    quality = seen * ramp(eyes_px, (MIN_EYES_PX / 2, FULL_EYES_PX)) * (1 - ramp(turn, TURN_LIMITS_DEG))
    shape = (points[_SHAPE_POINTS, :] - points[OUTER_CORNERS, :].mean(axis=0)) * CAMERA_TO_FACE @ turned / eyes_px
    return FaceGeometry(
        t_s=frame.t_s,
        reason=Reason.TURNED_AWAY if is_away else Reason.OK,
        quality=0.0 if is_away else quality,
        identity=frame.identity,
        n_faces=max(1, frame.n_faces),
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
        place_cm=(float(place_cm[0]), float(place_cm[1]), float(place_cm[2])),
        eye_opening=(_opening(shape[:_N_SIDE]), _opening(shape[_N_SIDE : 2 * _N_SIDE])),
        gaze_deg=_gaze(points, turned, max(frame.size) / float(place_cm[2])),
        features=_features(shape),
        cover=frame.cover,
    )


def fit_pose(points: FloatArray, size: tuple[int, int]) -> tuple[Doubles, Doubles]:
    """Find how the head is turned and where it is.

    Args:
        points: shape (14, 2), RIGID_POINTS in pixels.
        size: width and height of the frame; the longer side is taken for the focal length.

    Returns:
        The rotation, shape (3, 3), that takes the mean face to the axes of the camera; and the middle between the eyes
        in cm: right of, above and away from the camera. NaN where there is no solution.
    """
    focal = float(max(size))
    camera = np.array(((focal, 0, size[0] / 2), (0, focal, size[1] / 2), (0, 0, 1)))
    found, turn, place = cv2.solvePnP(
        _RIGID_CV, np.ascontiguousarray(points, np.float64), camera, None, flags=cv2.SOLVEPNP_SQPNP
    )
    if not found:
        return np.eye(3), np.full(3, np.nan)
    rotation = np.asarray(cv2.Rodrigues(turn)[0], np.float64)
    return rotation * np.outer(CAMERA_TO_FACE, CAMERA_TO_FACE), np.asarray(place, np.float64).ravel() * (1, -1, 1)


def rotation_from_angles(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Doubles:
    """The rotation of a head, shape (3, 3): roll first, then pitch, then yaw."""
    y, p, r = np.radians((yaw_deg, pitch_deg, roll_deg))
    about_y = np.array(((np.cos(y), 0, np.sin(y)), (0, 1, 0), (-np.sin(y), 0, np.cos(y))))
    about_x = np.array(((1, 0, 0), (0, np.cos(p), np.sin(p)), (0, -np.sin(p), np.cos(p))))
    about_z = np.array(((np.cos(r), np.sin(r), 0), (-np.sin(r), np.cos(r), 0), (0, 0, 1)))
    return np.asarray(about_y @ about_x @ about_z, np.float64)


def angles_from_rotation(turned: Doubles) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees; undoes ``rotation_from_angles``."""
    yaw = math.atan2(turned[0, 2], turned[2, 2])
    pitch = math.asin(min(1.0, max(-1.0, float(turned[1, 2]))))
    roll = math.atan2(-turned[1, 0], turned[1, 1])
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def _because(blank: FaceGeometry, reason: Reason) -> FaceGeometry:
    return FaceGeometry(t_s=blank.t_s, reason=reason, identity=blank.identity, n_faces=blank.n_faces)


def _opening(side: Doubles) -> float:
    """Eye aspect ratio of one eye from the shape's rows of its side."""
    width = max(abs(float(side[1, 0] - side[0, 0])), 1e-6)
    return float(abs(side[2, 1] - side[3, 1]) + abs(side[4, 1] - side[5, 1])) / (2 * width)


def _along_sight(place_cm: Doubles) -> Doubles:
    """The smallest rotation, shape (3, 3), that takes the direction from the face to the camera to (0, 0, 1)."""
    towards = np.array((-place_cm[0], -place_cm[1], place_cm[2])) / np.linalg.norm(place_cm)
    x, y, z = towards
    return np.array(
        ((1 - x * x / (1 + z), -x * y / (1 + z), -x), (-x * y / (1 + z), 1 - y * y / (1 + z), -y), (x, y, z))
    )


def _gaze(points: FloatArray, turned: Doubles, px_per_cm: float) -> tuple[float, float]:
    """Yaw and pitch of the gaze; the pitch still contains how high the person's lids stand."""
    corners = np.array([points[eye, :2].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE)])
    iris_cm = (points[IRISES, :2] - corners).mean(axis=0) * (1, -1) / px_per_cm
    lid_cm = (points[UPPER_LIDS, 1] - corners[:, 1]).mean() * -1 / px_per_cm
    # From the middle between the corners back to the middle of the ball, and out to the iris.
    back_cm = (IRIS_LEAD_CM - EYEBALL_CM) * turned[:, 2]
    side, up = np.arcsin(np.clip((iris_cm - (back_cm[0], 0.0)) / EYEBALL_CM, -1, 1)).tolist()
    # What the eye does in the head is more than FaceMesh shows; what the head does is not.
    head_yaw = math.asin(turned[0, 2])
    yaw = head_yaw + (side - head_yaw) / IRIS_GAIN
    # Up and down FaceMesh moves the iris by a fifth of what it does, but the upper lid goes with the eye. Nothing is
    # taken off for the head: while it nods by 10 degrees and looks on at the same point, this sum stays within 2.
    pitch = up + float(lid_cm) / EYEBALL_CM
    return math.degrees(yaw), math.degrees(pitch)


def _features(shape: Doubles) -> FloatArray:
    """Shape features: what rises is above 0."""
    right, left, (top, upper, lower, bottom) = shape[:_N_SIDE], shape[_N_SIDE : 2 * _N_SIDE], shape[2 * _N_SIDE :]
    both = (right, left)
    brows = [side[6:9, 1].mean() - side[:2, 1].mean() for side in both]
    squints = [side[10, 1] - side[:2, 1].mean() for side in both]
    lips_y = (top[1] + bottom[1]) / 2
    corners = [side[9, 1] - lips_y for side in both]
    mouth_width = abs(left[9, 0] - right[9, 0])
    lips = (top[1] - upper[1]) + (lower[1] - bottom[1])
    return np.array(
        (*brows, left[8, 0] - right[8, 0], *squints, *corners, mouth_width, upper[1] - lower[1], lips), np.float32
    )


_RIGID_CV = np.ascontiguousarray(RIGID_FACE_CM * CAMERA_TO_FACE)
