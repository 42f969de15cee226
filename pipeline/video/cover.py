"""Whether something lies over the lower half of a face: a mask, a scarf, a hand with something in it.

FaceMesh guesses the points beneath, so what is said of the mouth would mean nothing. Two things tell. A mask covers
the nose and the cheeks beside it, where no beard grows, in another colour than the skin above has; and no lips stand
out of what is around them. A mask in the colour of skin, or one below the nose, is not noticed. docs/face.md says how
often this is right.
"""

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.physiology.skin import forehead
from pipeline.types import FloatArray, ImageArray
from pipeline.video.face import ramp

Doubles = npt.NDArray[np.float64]

# Limits chosen on generated masks, beards and lights on ten talkers and a portrait; see docs/face.md.
STRANGE_LIMITS = (0.16, 0.24)
"""Distance in colour of a lower face without lips: of bare skin at most 0.15, of white, grey and black cloth 0.2 and
more in 99 of 100."""
LIPS_LIMITS = (0.03, 0.08)
"""How much redder the lips are than what is around them (log of red over green): 0.03 to 0.5, beneath a mask up to
0.04. From full to no cover."""
GARISH_LIMITS = (0.30, 0.45)
"""Distance in colour that no skin has, whatever the pattern where the lips would be."""

_USUAL = np.array((0.08, 0.0))
"""A lower face is a little redder than the upper one (log of red and of blue over green)."""
_REDDER = 0.5
"""A nose that is redder still counts half: cold and colds do that."""
_LEVEL_OFFSET = 6.0
"""Added to levels before the logarithm, so that the noise of a dark picture is no colour."""
_MIN_PX = 12.0
"""Height of the nose and the lips together: below it there are too few pixels."""

_BROW_BRIDGE = (9, 107, 55, 193, 122, 6, 351, 417, 285, 336)
_LOWER = ((5, 45, 64, 98, 2, 327, 294, 275), (142, 36, 205, 206, 203), (371, 266, 425, 426, 423))
"""The tip of the nose and the cheeks beside it."""
_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
_AROUND_LIPS = (
    (97, 2, 326, 391, 393, 269, 267, 0, 37, 39, 167, 165),
    (194, 201, 200, 421, 418, 262, 369, 396, 175, 171, 140, 32),
)
"""The upper lip's skin and the chin."""


def measure_cover(rgb: ImageArray, points: FloatArray) -> float:
    """Say how sure it is that the lower half of a face is covered.

    Args:
        rgb: shape (height, width, 3).
        points: shape (478, 3) or (468, 3), FaceMesh points in pixels of the frame.

    Returns:
        In [0, 1]; 0 also where it cannot be told: a small face, or one that reaches out of the frame.
    """
    if not np.isfinite(points[:, :2]).all() or abs(float(points[17, 1] - points[5, 1])) < _MIN_PX:
        return 0.0
    lower = _colour(rgb, *(points[region, :2] for region in _LOWER))
    strange = np.inf
    # Hair over the forehead, or glasses on the bridge, must not pass for the skin above.
    for above in (points[_BROW_BRIDGE, :2], forehead(points)):
        strange = min(strange, _distance(lower, _colour(rgb, above)))
        if not strange > STRANGE_LIMITS[0]:
            return 0.0
    lips, around = _colour(rgb, points[_LIPS, :2]), _colour(rgb, *(points[region, :2] for region in _AROUND_LIPS))
    if not np.isfinite((lips, around)).all():
        return 0.0
    without_lips = 1 - ramp(float(lips[0] - around[0]), LIPS_LIMITS)
    return max(ramp(strange, STRANGE_LIMITS) * without_lips, ramp(strange, GARISH_LIMITS))


def _distance(lower: Doubles, above: Doubles) -> float:
    """How strange a lower face looks beneath the skin above; NaN where one is not known."""
    red, blue = (lower - above - _USUAL).tolist()
    return float(np.hypot(red * _REDDER if red > 0 else red, blue))


def _colour(rgb: ImageArray, *polygons: FloatArray) -> Doubles:
    """Return log of red and of blue over green, shape (2,), of the mean inside polygons; NaN outside the frame."""
    corners = np.concatenate(polygons)
    (left, top), (right, bottom) = np.floor(corners.min(axis=0)).astype(int), np.ceil(corners.max(axis=0)).astype(int)
    if left < 0 or top < 0 or right >= rgb.shape[1] or bottom >= rgb.shape[0]:
        return np.full(2, np.nan)
    part = rgb[top : bottom + 1, left : right + 1]
    mask = np.zeros(part.shape[:2], np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [np.rint((polygon - (left, top)) * 16).astype(np.int32)[None]], 255, shift=4)
    means = np.array(cv2.mean(part, mask=mask)[:3])
    red, green, blue = np.log(means + _LEVEL_OFFSET).tolist()
    return np.array((red - green, blue - green))
