"""The colour of the skin in one frame: what the pulse is read from.

Forehead and both cheeks are polygons of FaceMesh points: bare skin, little moved by speech, no eyes and no mouth.
Each is rasterised inside its own bounding box, so a frame costs a fraction of a millisecond.
"""

import cv2
import numpy as np

from pipeline.types import FloatArray, ImageArray

# FaceMesh indices; right and left are the person's own. The forehead's upper edge lies halfway between the rim of the
# mesh, where hair begins, and the middle of the forehead.
_FOREHEAD_RIM = (103, 67, 109, 10, 338, 297, 332)
_FOREHEAD_MIDDLE = (104, 69, 108, 151, 337, 299, 333)
_FOREHEAD_BASE = (334, 296, 336, 9, 107, 66, 105)
_RIGHT_CHEEK = (117, 118, 119, 100, 142, 203, 205, 187, 123)
_LEFT_CHEEK = (346, 347, 348, 329, 371, 423, 425, 411, 352)
_RIGHT_EDGE, _LEFT_EDGE, _NOSE_BRIDGE = 234, 454, 6

REGIONS = ("forehead", "right cheek", "left cheek")
"""Order of the rows of :func:`mean_skin`."""
CHEEKS = slice(1, 3)
"""Its rows of the cheeks."""

DARKEST = (20, 12, 5)
"""Red, green, blue: a darker pixel is hair, shadow or noise."""

BRIGHTEST = 249
"""A channel above it is clipped: the pulse no longer shows in it."""

MIN_PIXELS = 60
"""Usable pixels a region needs: with sensor noise of 2 levels the mean of 60 still errs by a quarter of a level."""

MIN_SHARE = 0.4
"""Share of a region's pixels that must be usable; with fewer, which pixels are counted would change from frame to
frame."""

MAX_TURN = 0.62
"""See :func:`turn`: a cheek turned further away is seen too flatly to be measured (about 35 degrees)."""

_SHIFT_BITS = 4


def mean_skin(rgb: ImageArray, points: FloatArray) -> FloatArray:
    """Average the colour of forehead, right cheek and left cheek.

    Args:
        rgb: shape (height, width, 3).
        points: shape (478, 3) or (468, 3), FaceMesh points in pixels of the frame.

    Returns:
        Shape (3, 3), rows as REGIONS, columns red, green, blue in [0, 255]. A row is NaN where the region reaches out
        of the frame, is turned away, or is mostly dark or clipped. All NaN for points that are not finite.
    """
    means = np.full((3, 3), np.nan, np.float32)
    if not np.isfinite(points[:, :2]).all():
        return means
    turned = turn(points)
    if turned >= -MAX_TURN and turned <= MAX_TURN:
        means[0] = _mean_inside(rgb, forehead(points))
    # Turned to the own left (positive), the left cheek goes out of view.
    if turned >= -MAX_TURN:
        means[1] = _mean_inside(rgb, points[_RIGHT_CHEEK, :2])
    if turned <= MAX_TURN:
        means[2] = _mean_inside(rgb, points[_LEFT_CHEEK, :2])
    return means


def forehead(points: FloatArray) -> FloatArray:
    """Return the polygon of the forehead, shape (14, 2)."""
    top = (points[_FOREHEAD_RIM, :2] + points[_FOREHEAD_MIDDLE, :2]) / 2
    return np.concatenate((top, points[_FOREHEAD_BASE, :2]))


def cheeks(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the polygons of the right and the left cheek, each of shape (9, 2)."""
    return points[_RIGHT_CHEEK, :2], points[_LEFT_CHEEK, :2]


def turn(points: FloatArray) -> float:
    """Say how far a face is turned, from the widths of its halves as they are seen.

    Returns:
        0 straight ahead, about 0.35 at 20 degrees, 1 and more in profile; positive to the person's own left.
    """
    across = points[_LEFT_EDGE, :2] - points[_RIGHT_EDGE, :2]
    length = float(np.hypot(across[0], across[1]))
    if length < 1e-6:
        return 1.0
    along = float((points[_NOSE_BRIDGE, :2] - points[_RIGHT_EDGE, :2]) @ across) / length**2
    return 2 * along - 1


def _mean_inside(rgb: ImageArray, polygon: FloatArray) -> FloatArray:
    """Return the mean colour of the usable pixels inside a polygon of shape (n, 2), or NaN."""
    unknown = np.full(3, np.nan, np.float32)
    height_px, width_px = rgb.shape[:2]
    low, high = np.floor(polygon.min(axis=0)).astype(int), np.ceil(polygon.max(axis=0)).astype(int) + 1
    if low.min() < 0 or high[0] > width_px or high[1] > height_px or (high - low).min() < 3:
        return unknown
    part = rgb[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(part.shape[:2], np.uint8)
    corners = np.rint((polygon - low) * (1 << _SHIFT_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [corners[None]], 255, shift=_SHIFT_BITS)
    n_inside = cv2.countNonZero(mask)
    usable = cv2.bitwise_and(mask, cv2.inRange(part, DARKEST, (BRIGHTEST,) * 3))
    n_usable = cv2.countNonZero(usable)
    if n_usable < max(MIN_PIXELS, MIN_SHARE * n_inside):
        return unknown
    return np.array(cv2.mean(part, mask=usable)[:3], np.float32)
