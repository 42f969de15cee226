"""Heart rate variability from the times of beats (Task Force of ESC and NASPE 1996)."""

from dataclasses import dataclass

import numpy as np
import scipy  # its parts load when they are first used: a server that only names signals needs none of them
from numpy.lib.stride_tricks import sliding_window_view

from pipeline.physiology.methods import Doubles

INTERVAL_LIMITS_S = (0.33, 1.5)
"""Shortest and longest time between beats that is believed: 40 to 180 bpm."""

MAX_DEVIATION = 0.2
"""An interval further than this share from the median of the five around it is a missed or a false beat (the usual
limit of 20 %)."""

LF_HZ = (0.04, 0.15)
HF_HZ = (0.15, 0.4)

TACHOGRAM_HZ = 4.0
"""Rate at which the intervals are interpolated for their spectrum."""

SEGMENT_S = 100.0
"""Welch's segment: four waves of the slowest frequency counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variability:
    """How intervals between beats vary."""

    rmssd_ms: float
    """Root mean square of the differences between neighbours."""
    sdnn_ms: float
    """Standard deviation of the intervals."""
    sd1_ms: float
    """Poincare plot: spread across the line of identity, from beat to beat."""
    sd2_ms: float
    """Poincare plot: spread along it, over longer times."""


def intervals(beats_s: Doubles) -> tuple[Doubles, float]:
    """Return the times between beats without those that cannot be.

    Args:
        beats_s: shape (n,), increasing.

    Returns:
        Shape (n - 1,), seconds, NaN in place of a missed or a false beat; and the share of intervals kept, 0 when there
        are none.
    """
    found = np.diff(beats_s)
    if not len(found):
        return found, 0.0
    padded = np.pad(found, 2, mode="edge")
    middle = np.median(sliding_window_view(padded, 5), axis=1)
    good = (found >= INTERVAL_LIMITS_S[0]) & (found <= INTERVAL_LIMITS_S[1])
    good &= np.abs(found - middle) <= MAX_DEVIATION * middle
    return np.where(good, found, np.nan), float(good.mean())


def measure_variability(intervals_s: Doubles) -> Variability | None:
    """Measure intervals in the time domain.

    Args:
        intervals_s: shape (n,), NaN where one is not known; differences are taken between neighbours that both are.

    Returns:
        The measures; None from fewer than three such differences.
    """
    now, after = intervals_s[:-1], intervals_s[1:]
    both = np.isfinite(now) & np.isfinite(after)
    if both.sum() < 3:
        return None
    now, after = now[both], after[both]
    difference = after - now
    return Variability(
        rmssd_ms=1000 * float(np.sqrt(np.mean(difference**2))),
        sdnn_ms=1000 * float(np.nanstd(intervals_s, ddof=1)),
        sd1_ms=1000 * float(np.std(difference / np.sqrt(2), ddof=1)),
        sd2_ms=1000 * float(np.std((now + after) / np.sqrt(2), ddof=1)),
    )


def lf_hf_ratio(beats_s: Doubles, intervals_s: Doubles) -> float | None:
    """Return the power of slow (0.04 to 0.15 Hz) over that of fast (0.15 to 0.4 Hz) changes of the intervals.

    Args:
        beats_s: shape (n,).
        intervals_s: shape (n - 1,), of :func:`intervals`; unknown ones are bridged.

    Returns:
        The ratio; None without fast changes, or from fewer than ten intervals or SEGMENT_S.
    """
    known = np.isfinite(intervals_s)
    if known.sum() < 10:
        return None
    t_s, values = beats_s[1:][known], intervals_s[known]
    if t_s[-1] - t_s[0] < SEGMENT_S:
        return None
    grid_s = np.arange(t_s[0], t_s[-1], 1 / TACHOGRAM_HZ)
    tachogram = scipy.signal.detrend(scipy.interpolate.CubicSpline(t_s, values)(grid_s))
    n_segment = int(SEGMENT_S * TACHOGRAM_HZ)
    frequency_hz, power = scipy.signal.welch(
        tachogram, TACHOGRAM_HZ, nperseg=n_segment, noverlap=n_segment // 2, nfft=4096
    )
    slow, fast = (float(power[(frequency_hz >= low) & (frequency_hz < high)].sum()) for low, high in (LF_HZ, HF_HZ))
    return slow / fast if fast > 0 else None
