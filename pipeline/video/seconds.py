"""Frames summed up by whole seconds, so that a minute at any frame rate is sixty rows."""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipeline.types import Reason
from pipeline.video.geometry import FaceGeometry

Doubles = npt.NDArray[np.float64]

MAX_STEP_S = 0.25
"""Frames further apart say nothing about the time between them."""
CURRENT_S = 2.0
"""Without a frame or a face for so long there is no present value."""
_PERIOD_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What has been seen of the followed face, frame by frame."""

    frame_s: float | None = None
    """Time of the last frame."""
    seen_s: float | None = None
    """Time of the last frame with a usable face."""
    head_s: float | None = None
    """Time of the last frame whose head pose is known."""
    reason: Reason = Reason.NO_VIDEO
    """Of the last frame."""
    identity: int | None = None
    """None before the first face."""
    period_s: float | None = None
    """Running mean of the time between frames; None before two of them."""

    @property
    def fps(self) -> float:
        """Frames per second, 0 when it is not known."""
        return 1 / self.period_s if self.period_s else 0.0


def watch_frame(watch: Watch, geometry: FaceGeometry) -> tuple[Watch, float, bool]:
    """Take in one frame.

    Returns:
        The new state; seconds since the frame before, 0 when that had no usable face or is more than MAX_STEP_S away;
        and whether this face is another person's than the one before.
    """
    t_s = geometry.t_s
    gap_s = math.inf if watch.frame_s is None else t_s - watch.frame_s
    period_s = watch.period_s
    if gap_s <= 1.0:
        period_s = gap_s if period_s is None else period_s + _PERIOD_SHARE * (gap_s - period_s)
    is_seen = geometry.reason is Reason.OK
    is_other = geometry.has_head and watch.identity is not None and geometry.identity != watch.identity
    step_s = gap_s if is_seen and not is_other and watch.seen_s == watch.frame_s and 0 < gap_s <= MAX_STEP_S else 0.0
    return (
        Watch(
            frame_s=t_s,
            seen_s=t_s if is_seen else watch.seen_s,
            head_s=t_s if geometry.has_head else watch.head_s,
            reason=geometry.reason,
            identity=geometry.identity if geometry.has_head else watch.identity,
            period_s=period_s,
        ),
        step_s,
        is_other,
    )


def why_absent(watch: Watch, t_s: float, *, head_only: bool = False) -> Reason:
    """Say why there is no present face, OK when there is one."""
    if watch.frame_s is None or t_s - watch.frame_s > CURRENT_S:
        return Reason.NO_VIDEO
    newest_s = watch.head_s if head_only else watch.seen_s
    if newest_s is None or t_s - newest_s > CURRENT_S:
        return Reason.NO_FACE if watch.reason is Reason.OK else watch.reason
    return Reason.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """Sums over whole seconds, the newest last."""

    rows: Doubles = field(default_factory=lambda: np.zeros((0, 1)))
    """Shape (n, 1 + k): start of the second, then the sums."""


def add_to_second(seconds: Seconds, t_s: float, amounts: npt.ArrayLike, *, keep_s: int) -> tuple[Seconds, bool]:
    """Add amounts, shape (k,), to the second in which a frame lies.

    Returns:
        The sums of the last ``keep_s`` seconds, and whether a second began.
    """
    start_s, rows, sums = math.floor(t_s), seconds.rows, np.asarray(amounts, np.float64)
    if len(rows) and rows[-1, 0] == start_s:
        rows = rows.copy()
        rows[-1, 1:] += sums
        return Seconds(rows=rows), False
    row = np.concatenate(((start_s,), sums))[None]
    rows = row if len(rows) == 0 else np.concatenate((rows[rows[:, 0] > start_s - keep_s], row))
    return Seconds(rows=rows), True


def sums_since(seconds: Seconds, from_s: float) -> Doubles:
    """Rows without their times, shape (n, k), of the seconds that begin at or after a time."""
    rows = seconds.rows
    return rows[rows[:, 0] >= from_s, 1:]


def second_means(seconds: Seconds, i_weight: int, i_values: slice, *, min_weight: float) -> Doubles:
    """Means of each second in which there is enough weight, shape (n, number of values).

    Args:
        seconds: sums of value times weight, and of weight.
        i_weight: column of the weights, counted without the time.
        i_values: columns of the values.
        min_weight: seconds with less are left out.
    """
    sums = seconds.rows[:, 1:]
    if sums.shape[1] == 0:
        return np.zeros((0, 0))
    enough = sums[:, i_weight] >= min_weight
    return np.asarray(sums[enough, i_values] / sums[enough, i_weight, None], np.float64)
