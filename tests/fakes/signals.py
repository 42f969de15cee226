"""Signals and estimates made by hand."""

from dataclasses import replace

from pipeline.types import Contribution, Estimate, Reading, Reason, Signal
from tests.fakes.rooms import estimate


def signal(name: str, value: float | None = 1.0, z: float | None = 0.0, quality: float = 1.0) -> Signal:
    """Return a signal; one without a value has no quality and no distance."""
    if value is None:
        return Signal(name=name, value=None, quality=0.0, reason=Reason.NO_FACE, age_s=0.0)
    return Signal(name=name, value=value, quality=quality, reason=Reason.OK, age_s=0.1, z=z)


def tick(
    t_s: float,
    stress: float | None,
    *signals: Signal,
    raw: float | None = None,
    parts: dict[str, float] | None = None,
    peak_t_s: float | None = None,
    face: Reading | None = None,
) -> Estimate:
    """Return an estimate with these signals; ``parts`` are its contributions."""
    made = estimate(t_s, stress, peak_t_s=peak_t_s)
    return replace(
        made,
        stress_raw=stress if raw is None else raw,
        face=face or made.face,
        signals=signals,
        contributions=tuple(Contribution(signal=name, amount=amount) for name, amount in (parts or {}).items()),
    )
