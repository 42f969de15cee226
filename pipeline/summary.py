"""What remains of a session: figures over all its estimates, live ones or rows read back from storage."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.trend import judge_band
from pipeline.types import EMOTIONS, Band, Level

TICK_S = 1.0
"""Time that one estimate stands for."""
PERCENTILES = (5, 25, 75, 95)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint:
    """One estimate as far as the summary needs it."""

    t_s: float
    stress: float | None
    """Smoothed stress, None when unknown."""
    face: float | None = None
    voice: float | None = None
    emotions: tuple[float, ...] | None = None
    """Seven shares in the order EMOTIONS."""
    level: Level | None = None
    """Largest of the three levels of the face, None when unknown."""
    peak_t_s: float | None = None
    """Time of the peak that this estimate confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """A peak of stress."""

    t_s: float
    stress: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BandShare:
    """Time spent in one band."""

    band: Band
    time_s: float
    share: float
    """Of the time with known stress, in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelShare:
    """Time in which the face's expression was of one level."""

    level: Level
    time_s: float
    share: float
    """Of the time with a known level, in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSummary:
    """Figures of one session. Statistics are None when stress was never known."""

    duration_s: float
    """From the first tick's second to the last's, both included."""
    n_ticks: int
    mean: float | None
    median: float | None
    sd: float | None
    """Population standard deviation."""
    percentiles: tuple[tuple[int, float], ...]
    """(percentile, stress) for PERCENTILES; empty when stress was never known."""
    bands: tuple[BandShare, ...]
    """Low, moderate, high; all 0 when stress was never known."""
    emotions: tuple[tuple[str, float], ...]
    """(name, mean share) in the order EMOTIONS over the ticks with a face; empty without any."""
    levels: tuple[LevelShare, ...]
    """Low, medium, high; empty when no level was ever known."""
    peaks: tuple[Peak, ...]
    """In order of time."""
    highest: Peak | None
    """The highest estimate, whether or not it counts as a peak; None when stress was never known."""
    coverage: float
    """Share of the session's ticks with known stress, in [0, 1]; ticks that are missing count as unknown."""
    face_coverage: float
    voice_coverage: float


def summarise(points: Sequence[SeriesPoint]) -> SessionSummary:
    """Summarise a session's estimates, in order of time; an empty sequence gives a summary of nothing."""
    known = [(point.t_s, point.stress) for point in points if point.stress is not None]
    duration_s = points[-1].t_s - points[0].t_s + TICK_S if points else 0.0
    # A restart may leave seconds without any row: they are as unknown as a row that says so.
    n_due = max(len(points), round(duration_s / TICK_S))
    stress = np.array([value for _, value in known])
    highest = max(known, key=lambda pair: pair[1], default=None)
    return SessionSummary(
        duration_s=duration_s,
        n_ticks=len(points),
        mean=float(stress.mean()) if known else None,
        median=float(np.median(stress)) if known else None,
        sd=float(stress.std()) if known else None,
        percentiles=tuple((p, float(np.percentile(stress, p))) for p in PERCENTILES) if known else (),
        bands=_share_bands([value for _, value in known]),
        emotions=_average_emotions(points),
        levels=_share_levels(points),
        peaks=_collect_peaks(points),
        highest=Peak(t_s=highest[0], stress=highest[1]) if highest else None,
        coverage=_share(len(known), n_due),
        face_coverage=_share(sum(point.face is not None for point in points), n_due),
        voice_coverage=_share(sum(point.voice is not None for point in points), n_due),
    )


def _share(n: int, n_all: int) -> float:
    return n / n_all if n_all else 0.0


def _share_bands(stress: list[float]) -> tuple[BandShare, ...]:
    counts = dict.fromkeys(Band, 0)
    for value in stress:
        counts[judge_band(value)] += 1
    return tuple(BandShare(band=band, time_s=n * TICK_S, share=_share(n, len(stress))) for band, n in counts.items())


def _share_levels(points: Sequence[SeriesPoint]) -> tuple[LevelShare, ...]:
    counts = Counter(point.level for point in points if point.level is not None)
    n_known = counts.total()
    if not n_known:
        return ()
    return tuple(
        LevelShare(level=level, time_s=counts[level] * TICK_S, share=counts[level] / n_known) for level in Level
    )


def _average_emotions(points: Sequence[SeriesPoint]) -> tuple[tuple[str, float], ...]:
    rows = [point.emotions for point in points if point.emotions is not None]
    if not rows:
        return ()
    return tuple(zip(EMOTIONS, np.mean(rows, axis=0).tolist(), strict=True))


def _collect_peaks(points: Sequence[SeriesPoint]) -> tuple[Peak, ...]:
    by_time = {point.t_s: point.stress for point in points}
    confirmed = sorted({point.peak_t_s for point in points if point.peak_t_s is not None})
    found = ((t_s, by_time.get(t_s)) for t_s in confirmed)
    return tuple(Peak(t_s=t_s, stress=stress) for t_s, stress in found if stress is not None)
