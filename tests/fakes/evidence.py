"""Made-up signals of every definition in the catalogue, as an extractor would give them after its first minute."""

import math
from dataclasses import replace

from pipeline.catalogue import CATALOGUE
from pipeline.signals import Definition
from pipeline.types import Estimate, Reason, Signal
from tests.fakes.series import a_series

BASELINE_S = 20
"""Before it there is no distance from the baseline."""
UNKNOWN = {"pulse.rmssd": Reason.MOVING, "pulse.sdnn": Reason.MOVING, "turns.overlap_share": Reason.NO_OTHER_VOICE}
USUAL = {
    "Hz": 900.0, "dB": 14.0, "LUFS": -24.0, "st": 24.0, "1/min": 14.0, "s": 0.6, "bpm": 71.0, "deg": 4.0, "ms": 42.0,
    "cm": 62.0, "syllables/s": 4.1,
}  # fmt: skip
"""A middling value by unit."""


def some_signals(t_s: float, *, n_faces: int = 1) -> tuple[Signal, ...]:
    """Return a signal for each definition; they swing, each at its own pace, and one of them is old."""
    return tuple(_signal(i, item, t_s, n_faces) for i, item in enumerate(CATALOGUE.values()))


def a_series_with_signals(n: int = 120) -> list[Estimate]:
    """Return the made-up session with signals in each of its estimates."""
    return [replace(estimate, signals=some_signals(estimate.t_s)) for estimate in a_series(n)]


def _signal(i: int, item: Definition, t_s: float, n_faces: int) -> Signal:
    if item.name in UNKNOWN:
        return Signal(name=item.name, value=None, quality=0.0, reason=UNKNOWN[item.name], age_s=0.0)
    swing = math.sin(t_s / (5 + i % 9) + i)
    z = swing * (0.6 + i % 7 * 0.75) if item.has_baseline and t_s >= BASELINE_S else None
    return Signal(
        name=item.name,
        value=float(n_faces) if item.name == "face.count" else _value(i, item, swing),
        quality=0.25 if i % 11 == 5 else 0.55 + 0.4 * (i % 5) / 5,
        reason=Reason.OK,
        age_s=12.0 if item.name == "turns.response_latency" else 0.3,
        z=z,
    )


def _value(i: int, item: Definition, swing: float) -> float:
    if item.name == "gaze.zone":
        return float(round(4 + 3.4 * swing))
    if item.low == 0 and item.high == 1:
        return 0.45 + 0.3 * swing
    usual = USUAL.get(item.unit, 3.0)
    return usual * (1 + 0.15 * swing)
