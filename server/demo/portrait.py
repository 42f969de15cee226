"""A still portrait warped into a talking, blinking face whose expression can be set.

The picture is the public-domain portrait that scikit-image ships (NASA, Eileen Collins). A face pose is a handful
of numbers in [0, 1]; each moves pixels through a smooth displacement field around fixed control points, so a frame
costs one image remap.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import skimage.data

from pipeline.types import FloatArray, ImageArray

WIDTH, HEIGHT = 640, 480
_CROP_X, _CROP_WIDTH = 60, 340
_SCALE = WIDTH / _CROP_WIDTH
_COARSE = 4
_MOUTH_INSIDE = np.array([74.0, 30.0, 30.0])

# Control points in the portrait's own pixels, measured once with a face landmark model.
_EYES = ((203.1, 101.0), (247.5, 103.2))
_EYE_OPENING = 6.9
_BROWS_INNER = ((216.7, 94.6), (234.3, 96.1))
_BROWS_OUTER = ((196.0, 87.5), (255.0, 92.0))
_MOUTH = (223.3, 146.2)
_MOUTH_CORNERS = ((201.8, 139.2), (245.0, 141.0))
_CHIN = (221.3, 172.0)
_NOSE = (223.4, 130.0)
_NECK = (222.0, 190.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """The face in one frame: 0 everywhere is the smiling portrait as it was taken, 2 the most that looks human."""

    blink: float = 0.0
    """0 open, 1 closed."""
    jaw: float = 0.0
    """0 as in the portrait, 1 wide open."""
    smile_lost: float = 0.0
    """0 the portrait's smile, 1 corners drawn down and lips together."""
    brows_up: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    """Head movement in pixels."""
    roll_deg: float = 0.0


class Portrait:
    """Renders poses; holds the picture and the displacement fields.

    The fields are smooth, so they live at a quarter of the resolution; only the mouth is worked on pixel by pixel.
    """

    def __init__(self, picture: ImageArray | None = None) -> None:
        """Prepare the portrait, or another picture of shape (480, 640, 3) that is to move as the portrait does."""
        self._image: ImageArray = load_picture() if picture is None else picture
        y, x = np.mgrid[0:HEIGHT:_COARSE, 0:WIDTH:_COARSE].astype(np.float32) + (_COARSE - 1) / 2
        self._x, self._y = x, y
        self._blink = self._bumps(_EYES, 19, 9.5) * _EYE_OPENING * _SCALE
        self._corner_y = self._bumps(_MOUTH_CORNERS, 18, 22)
        self._corner_x = self._bumps(_MOUTH_CORNERS[1:], 24, 22) - self._bumps(_MOUTH_CORNERS[:1], 24, 22)
        self._brow_up = self._bumps(_BROWS_INNER + _BROWS_OUTER, 26, 11)
        self._chin = self._bumps((_CHIN,), 70, 45)
        self._body = self._bumps((_NOSE,), 220, 260)
        mouth_x, mouth_y = (round(value) for value in _place(_MOUTH))
        self._mouth = (slice(mouth_y - 40, mouth_y + 44), slice(mouth_x - 60, mouth_x + 60))
        v, u = np.mgrid[-40:44, -60:60].astype(np.float32)
        self._mouth_v = v
        self._lips = np.sign(v) * 8.5 * np.exp(-((v / 13) ** 2)) * np.exp(-((u / 33) ** 4))
        self._mouth_width = np.exp(-((u / 34) ** 2))

    def render(self, pose: Pose) -> ImageArray:
        """Return the frame of a pose, shape (480, 640, 3), RGB."""
        x = 9.0 * pose.smile_lost * self._corner_x
        y = -pose.blink * self._blink - 11.0 * pose.smile_lost * self._corner_y - 16.0 * pose.jaw * self._chin
        y += 8.0 * pose.brows_up * self._brow_up
        angle = np.deg2rad(pose.roll_deg) * self._body
        pivot_x, pivot_y = _place(_NECK)
        x += self._x - pose.shift[0] * self._body + angle * (self._y - pivot_y)
        y += self._y - pose.shift[1] * self._body - angle * (self._x - pivot_x)
        map_x = cv2.resize(np.asarray(x, dtype=np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        map_y = cv2.resize(np.asarray(y, dtype=np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        # Lips together: each row near the mouth's line reads from further out, which hides the teeth.
        map_y[self._mouth] += min(max(pose.smile_lost - 1.5 * pose.jaw, 0.0), 1.2) * self._lips
        frame = cv2.remap(self._image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        self._open_mouth(frame, pose)
        return np.asarray(frame, dtype=np.uint8)

    def _open_mouth(self, frame: npt.NDArray[np.generic], pose: Pose) -> None:
        """Darken the inside of the mouth below the upper teeth, in place."""
        if pose.jaw <= 0.02:
            return
        opening = 15.0 * pose.jaw
        center = self._mouth_v - pose.shift[1] - 2.0 - 0.7 * opening
        hole = np.exp(-((center / max(0.75 * opening, 1.0)) ** 4)) * self._mouth_width ** (1.6 - 0.6 * pose.jaw)
        hole = (0.9 * min(1.0, 2.5 * pose.jaw) * hole)[..., None]
        frame[self._mouth] = ((1.0 - hole) * frame[self._mouth] + hole * _MOUTH_INSIDE).astype(np.uint8)

    def _bumps(self, points: tuple[tuple[float, float], ...], sigma_x: float, sigma_y: float) -> FloatArray:
        """Return the sum of Gaussian bumps around points of the portrait, at the coarse resolution."""
        total: FloatArray = np.zeros_like(self._x)
        for point in points:
            x, y = _place(point)
            total += np.exp(-0.5 * (((self._x - x) / sigma_x) ** 2 + ((self._y - y) / sigma_y) ** 2)).astype(np.float32)
        return total


def load_picture() -> ImageArray:
    """Return the portrait as it fills a frame, shape (480, 640, 3), RGB."""
    height = round(_CROP_WIDTH * HEIGHT / WIDTH)
    portrait: ImageArray = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    crop = portrait[:height, _CROP_X : _CROP_X + _CROP_WIDTH]
    return cv2.resize(crop, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def _place(point: tuple[float, float]) -> tuple[float, float]:
    """Return where a point of the portrait lies in the frame."""
    return (point[0] - _CROP_X) * _SCALE, point[1] * _SCALE
