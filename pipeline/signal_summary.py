"""Figures of the signals over stretches of a session: the whole of it, and each question's answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.catalogue import CATALOGUE
from pipeline.summary import TICK_S
from pipeline.types import Signal

MIN_QUALITY = 0.5
"""Values below this are in no figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of session time: from_s <= t_s < to_s."""

    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalFigures:
    """One signal over one stretch. Statistics are None when it was never known with enough quality."""

    name: str
    median: float | None
    """In the unit of its definition."""
    low: float | None
    """Lower quartile."""
    high: float | None
    """Upper quartile."""
    z: float | None
    """Median distance from the person's own baseline; None without one."""
    coverage: float
    """Share of the stretch's seconds in which it was known with enough quality, in [0, 1]."""


def summarise_signals(
    ticks: Sequence[tuple[float, tuple[Signal, ...]]], spans: Sequence[Span]
) -> tuple[tuple[SignalFigures, ...], ...]:
    """Summarise the signals of a session over each of several stretches.

    Args:
        ticks: (time, signals) of the estimates, in order of time.
        spans: which may overlap and may be empty.

    Returns:
        For each span the figures of the signals that the session had at all, in the order of the catalogue, names that
        it lacks last.
    """
    found = {signal.name for _, signals in ticks for signal in signals}
    names = [name for name in CATALOGUE if name in found] + sorted(found - set(CATALOGUE))
    index = {name: i for i, name in enumerate(names)}
    times_s = np.array([t_s for t_s, _ in ticks])
    values = np.full((2, len(ticks), len(names)), np.nan)
    for row, (_, signals) in enumerate(ticks):
        for signal in signals:
            if signal.value is not None and signal.quality >= MIN_QUALITY:
                values[0, row, index[signal.name]] = signal.value
                if signal.z is not None:
                    values[1, row, index[signal.name]] = signal.z
    return tuple(_summarise(names, values[:, (times_s >= span.from_s) & (times_s < span.to_s)], span) for span in spans)


def _summarise(names: list[str], values: npt.NDArray[np.float64], span: Span) -> tuple[SignalFigures, ...]:
    n_due = max((span.to_s - span.from_s) / TICK_S, values.shape[1], 1.0)
    figures = []
    for i, name in enumerate(names):
        known, z = (column[np.isfinite(column)] for column in values[:, :, i])
        low, median, high = np.percentile(known, (25, 50, 75)).tolist() if len(known) else (None, None, None)
        figures.append(
            SignalFigures(
                name=name,
                median=median,
                low=low,
                high=high,
                z=float(np.median(z)) if len(z) else None,
                coverage=len(known) / n_due,
            )
        )
    return tuple(figures)
