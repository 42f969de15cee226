"""Measured faces for the extractors' tests, without pictures."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from pipeline.signals import Definition
from pipeline.types import Reason, Signal
from pipeline.video.geometry import FEATURES, FaceGeometry

STEADY = FaceGeometry(
    t_s=0.0,
    reason=Reason.OK,
    quality=0.9,
    n_faces=1,
    place_cm=(0.0, 0.0, 60.0),
    eye_opening=(0.3, 0.3),
    features=np.linspace(0.1, 0.4, len(FEATURES), dtype=np.float32),
)


def opened(share: float) -> FaceGeometry:
    return replace(STEADY, eye_opening=(0.3 * share, 0.3 * share))


def times(from_s: float, to_s: float, fps: float) -> list[float]:
    return [from_s + i / fps for i in range(round((to_s - from_s) * fps))]


def run(follow, state, at: Iterable[float], face: Callable[[float], FaceGeometry]):
    for t_s in at:
        state = follow(state, replace(face(t_s), t_s=t_s))
    return state


def values(signals: Iterable[Signal]) -> dict[str, float | None]:
    return {signal.name.split(".")[1]: signal.value for signal in signals}


def reasons(signals: Iterable[Signal]) -> set[Reason]:
    return {signal.reason for signal in signals}


def assert_sane(signals: tuple[Signal, ...], definitions: tuple[Definition, ...]) -> None:
    """Every signal once, each a value within its bounds or a reason."""
    assert [signal.name for signal in signals] == [definition.name for definition in definitions]
    for signal, definition in zip(signals, definitions, strict=True):
        assert signal.age_s >= 0
        if signal.value is None:
            assert signal.reason is not Reason.OK, signal
            assert signal.quality == 0
            continue
        assert 0 <= signal.quality <= 1, signal
        assert np.isfinite(signal.value), signal
        assert definition.low is None or signal.value >= definition.low, signal
        assert definition.high is None or signal.value <= definition.high + 1e-9, signal
