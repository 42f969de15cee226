"""Which signals moved, and why there is a peak: parts that add up to the rise.

The contributions of an estimate add up to its unsmoothed stress. Smoothing is linear, so contributions that are
smoothed in the same way add up to the smoothed stress, the value that is shown; and the differences between them at the
peak and their mean over the 30 s before add up to what the peak stands above that mean.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.fusion import MAX_HOLE_S, SMOOTHING
from pipeline.trend import WINDOW_S
from pipeline.types import Contribution, Estimate, Signal

MIN_Z = 1.0
"""A signal nearer to its baseline has not moved."""
MAX_MOVED = 5
_DETAILS = ("voice.mfcc",)
"""Beginnings of names of signals that describe a spectrum together; a single one tells a person nothing."""
TOLERANCE = 1e-6
"""Parts that miss the shown stress by more began anew there: with a restart of the smoothing that no row tells of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A signal that is far from the person's baseline."""

    name: str
    value: float
    z: float
    quality: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakPoint:
    """One estimate as far as the explanation of a peak needs it."""

    t_s: float
    stress: float | None
    """Smoothed."""
    contributions: tuple[Contribution, ...]
    """Of the unsmoothed stress."""
    signals: tuple[Signal, ...]
    """Only looked at in the peak's own estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakReason:
    """Why there is a peak."""

    rise: float
    """Stress at the peak less its mean over the window up to it."""
    parts: tuple[Contribution, ...]
    """They add up to rise, the largest first; an amount may be below 0."""
    moved: tuple[Moved, ...]
    """Signals that were far from the baseline at the peak: evidence beside the score, no part of it."""


def to_peak_point(estimate: Estimate) -> PeakPoint:
    """Return what matters of an estimate."""
    return PeakPoint(
        t_s=estimate.t_s,
        stress=estimate.stress.value,
        contributions=estimate.contributions,
        signals=estimate.signals,
    )


def is_detail(name: str) -> bool:
    """Return whether a signal means something to researchers alone, and is never among what moved."""
    return name.startswith(_DETAILS)


def rank_moved(signals: Iterable[Signal], n: int = MAX_MOVED) -> tuple[Moved, ...]:
    """Return the n signals that moved most against the baseline, by |z| times quality, those within MIN_Z left out."""
    found = [
        Moved(name=signal.name, value=signal.value, z=signal.z, quality=signal.quality)
        for signal in signals
        if signal.value is not None and signal.z is not None and abs(signal.z) >= MIN_Z and signal.quality > 0
        if not is_detail(signal.name)
    ]
    return tuple(sorted(found, key=lambda item: (-abs(item.z) * item.quality, item.name))[:n])


def explain_peak(points: Sequence[PeakPoint], peak_t_s: float) -> PeakReason | None:
    """Explain a peak by the estimates around it.

    Args:
        points: in order of time; those outside the WINDOW_S up to the peak are left out.
        peak_t_s: time of the peak's own estimate.

    Returns:
        None when that estimate is not among the points, or says nothing about stress.
    """
    window = [point for point in points if peak_t_s - WINDOW_S < point.t_s <= peak_t_s]
    known = [(point, point.stress) for point in window if point.stress is not None and point.contributions]
    if not known or known[-1][0].t_s != peak_t_s:
        return None
    rows = _smooth_parts(known)
    names = dict.fromkeys(name for row in rows for name in row)
    parts = [
        Contribution(signal=name, amount=rows[-1].get(name, 0.0) - sum(row.get(name, 0.0) for row in rows) / len(rows))
        for name in names
    ]
    return PeakReason(
        rise=sum(part.amount for part in parts),
        parts=tuple(sorted((part for part in parts if part.amount != 0), key=lambda part: -abs(part.amount))),
        moved=rank_moved(known[-1][0].signals),
    )


def _smooth_parts(known: list[tuple[PeakPoint, float]]) -> list[dict[str, float]]:
    """Smooth contributions as ``pipeline.fusion.smooth`` does stress; each row adds up to the stress of its point."""
    rows: list[dict[str, float]] = []
    before: dict[str, float] = {}
    before_s: float | None = None
    for point, stress in known:
        raw = {part.signal: part.amount for part in point.contributions}
        is_continued = before_s is not None and point.t_s - before_s <= MAX_HOLE_S
        row = {
            name: SMOOTHING * raw.get(name, 0.0) + (1 - SMOOTHING) * before.get(name, 0.0) for name in {**before, **raw}
        }
        if not is_continued or abs(sum(row.values()) - stress) > TOLERANCE:
            row = _scaled(raw, stress)
        rows.append(row)
        before, before_s = row, point.t_s
    return rows


def _scaled(raw: dict[str, float], stress: float) -> dict[str, float]:
    """The first of a stretch: what was before is not known, thus its stress is split as its raw value is."""
    total = sum(raw.values())
    return {name: amount / total * stress if total > 0 else stress / len(raw) for name, amount in raw.items()}
