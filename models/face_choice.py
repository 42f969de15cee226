"""Which of several faces is followed, and whether it is still the same one. Boxes only: no pictures, no networks."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.types import FloatArray

CLEARLY_MORE = 2.0
"""A face that is followed is left for one that is so many times more prominent, no less: the choice must not waver."""
SAME_PLACE = 1.5
"""A face whose middle is further away than so many sides of the last one's box is another."""
PLACE_PER_LOST_CALL = 0.1
"""Each call without a face allows for so many sides more: the person has moved meanwhile."""
SAME_SIZE = 2.0
"""A face that is so many times larger or smaller is another."""
LOST_CALLS = 450
"""After so many calls without a face, 15 s at 30 frames/s, the next one gets a new number wherever it is."""


Size = tuple[int, int]
"""Width and height of a frame in pixels."""


class Box(NamedTuple):
    """An upright rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def side(self) -> float:
        """The larger side, at least 1."""
        return max(self.right - self.left, self.bottom - self.top, 1.0)

    @property
    def middle(self) -> tuple[float, float]:
        """The centre."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def holds(self, point: tuple[float, float]) -> bool:
        """Say whether a point lies in it."""
        return self.left <= point[0] <= self.right and self.top <= point[1] <= self.bottom

    def carried(self, old: Size, new: Size) -> "Box":
        """The same place in a frame of another size: from the middle outwards, as shares of the longer side."""
        scale = max(new) / max(old)
        x, y = (to / 2 - scale * of / 2 for of, to in zip(old, new, strict=True))
        return Box(self.left * scale + x, self.top * scale + y, self.right * scale + x, self.bottom * scale + y)


def box_of(points: FloatArray) -> Box:
    """The box around points of shape (n, 2 or 3)."""
    (left, top), (right, bottom) = points[:, :2].min(axis=0).tolist(), points[:, :2].max(axis=0).tolist()
    return Box(left, top, right, bottom)


def are_one_face(one: Box, other: Box) -> bool:
    """Say whether two boxes, of whichever detectors, belong to one face: the middle of either lies in the other."""
    return one.holds(other.middle) or other.holds(one.middle)


def prominence(box: Box, size: Size) -> float:
    """Area in pixels, less by up to a half toward the corners of a frame of some width and height."""
    width, height = size
    x, y = box.middle
    off_centre = math.hypot(x / width - 0.5, y / height - 0.5) / math.hypot(0.5, 0.5)
    return (box.right - box.left) * (box.bottom - box.top) * (1 - 0.5 * min(1.0, off_centre))


def choose(followed: Box, others: Sequence[Box], size: Size, *, margin: float) -> Box | None:
    """Return the face that ought to be followed instead, None when the present one is as good.

    Args:
        followed: the box of the present face, of the same detector as the others.
        others: boxes of further faces.
        size: width and height of the frame.
        margin: how many times more prominent another one has to be.
    """
    best = max(others, key=lambda box: prominence(box, size), default=None)
    if best is None or prominence(best, size) <= margin * prominence(followed, size):
        return None
    return best


class Identity:
    """Numbers the followed face: another number when it cannot be the one from before."""

    def __init__(self) -> None:
        self.number = 0
        self._last: Box | None = None
        self._size: Size = (1, 1)
        self._n_lost = 0

    def see(self, box: Box, size: Size) -> int:
        """Take in the face of this call, in a frame of this size, and return its number; the first has 0."""
        if self._last is not None and not self._can_be(box, self._last.carried(self._size, size)):
            self.number += 1
        self._last, self._size, self._n_lost = box, size, 0
        return self.number

    def miss(self) -> None:
        """Take in a call without a face."""
        self._n_lost += 1

    def forget(self) -> None:
        """Begin anew with 0."""
        self.number, self._last, self._n_lost = 0, None, 0

    def _can_be(self, box: Box, last: Box) -> bool:
        if self._n_lost > LOST_CALLS:
            return False
        reach = (SAME_PLACE + PLACE_PER_LOST_CALL * self._n_lost) * last.side
        return math.dist(box.middle, last.middle) <= reach and 1 / SAME_SIZE <= box.side / last.side <= SAME_SIZE
