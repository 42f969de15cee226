"""Where stress is going: window statistics, peaks, trajectory and bands over the smoothed values.

Peak: s > mean + 1.5 sd of the window and a local maximum; trajectory: regression slope over five samples, +-0.02.
The reference formulas of docs/stress.md.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.types import Band, Trajectory

WINDOW_S = 30.0
MIN_PEAK_SAMPLES = 10
"""Mean and standard deviation of fewer values say nothing about what is unusual."""
MIN_PEAK_SD = 0.005
"""On a flat curve every ripple would be a peak (and 0 would make each value one)."""
PEAK_SDS = 1.5
NEIGHBOUR_S = 1.5
"""Two estimates further apart than this are not neighbours: a peak needs both of its neighbours."""
TRAJECTORY_SAMPLES = 5
TRAJECTORY_SLOPE = 0.02
"""Per sample."""
MAX_TRAJECTORY_S = 10.0
"""Five samples spread over more time than this are no trajectory."""
MODERATE_FROM = 0.3
HIGH_FROM = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendState:
    """Known estimates of the last WINDOW_S, oldest first."""

    t_s: tuple[float, ...] = ()
    stress: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """What the window says at one tick."""

    mean: float | None
    """None when no estimate is known in the window."""
    sd: float | None
    """Population standard deviation."""
    peak_t_s: float | None
    """Time of the peak that this tick confirms, else None."""
    trajectory: Trajectory | None


def follow_trend(state: TrendState, t_s: float, stress: float | None) -> tuple[TrendState, Trend]:
    """Add the estimate of a tick, which may be unknown, and read the window."""
    kept = [(t, s) for t, s in zip(state.t_s, state.stress, strict=True) if t > t_s - WINDOW_S]
    peak_t_s = None if stress is None else _find_peak(kept, t_s, stress)
    if stress is not None:
        kept.append((t_s, stress))
    times = tuple(t for t, _ in kept)
    values = tuple(s for _, s in kept)
    trend = Trend(
        mean=float(np.mean(values)) if values else None,
        sd=float(np.std(values)) if values else None,
        peak_t_s=peak_t_s,
        trajectory=None if stress is None else judge_trajectory(times, values),
    )
    return TrendState(t_s=times, stress=values), trend


def _find_peak(kept: list[tuple[float, float]], t_s: float, stress: float) -> float | None:
    """Time of the last kept estimate if the new one (t_s, stress) shows that it was a peak."""
    if len(kept) < MIN_PEAK_SAMPLES:
        return None
    (before_t_s, before), (peak_t_s, peak) = kept[-2:]
    if t_s - peak_t_s > NEIGHBOUR_S or peak_t_s - before_t_s > NEIGHBOUR_S:
        return None
    values = [s for _, s in kept]
    mean, sd = float(np.mean(values)), float(np.std(values))
    is_peak = before < peak >= stress and sd >= MIN_PEAK_SD and peak > mean + PEAK_SDS * sd
    return peak_t_s if is_peak else None


def judge_trajectory(times_s: tuple[float, ...], stress: tuple[float, ...]) -> Trajectory | None:
    """Judge the slope of the last five values; None when there are fewer or they lie too far apart."""
    if len(stress) < TRAJECTORY_SAMPLES or times_s[-1] - times_s[-TRAJECTORY_SAMPLES] > MAX_TRAJECTORY_S:
        return None
    x = np.arange(TRAJECTORY_SAMPLES) - (TRAJECTORY_SAMPLES - 1) / 2
    slope = float((x * np.array(stress[-TRAJECTORY_SAMPLES:])).sum() / (x**2).sum())
    if slope > TRAJECTORY_SLOPE:
        return Trajectory.ASCENDING
    return Trajectory.DESCENDING if slope < -TRAJECTORY_SLOPE else Trajectory.STABLE


def judge_band(stress: float) -> Band:
    """Return the band of a stress value."""
    if stress < MODERATE_FROM:
        return Band.LOW
    return Band.MODERATE if stress < HIGH_FROM else Band.HIGH
