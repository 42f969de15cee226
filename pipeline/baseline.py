"""The person's own baseline: how far each signal lies from what it was in their first minute.

Each signal has a robust centre and a robust spread, learnt once from the first values of good quality; the centre then
drifts very slowly. A distance in spreads means the same for every signal, and it is the only comparison the evidence
makes: a person with themselves.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.catalogue import CATALOGUE
from pipeline.signals import Definition, Group
from pipeline.types import Signal

MIN_QUALITY = 0.5
"""Values below this teach nothing."""
MIN_VALUES = 20
"""Fewer give no centre. At one value a second that is 20 s, the shortest calibration that calls itself one."""
MIN_EVENTS = 5
"""The same for signals of which a value comes with an event only."""
MAX_VALUES = 60
"""After that many the centre and the spread stay; it bounds the memory too."""
LEARN_S = 60.0
"""They stay also when this time has passed since the first value, once there are enough."""
MIN_SPEECH_S = 20.0
"""With less speech nothing about the voice is compared, and a score is not called reliable."""
DRIFT_S = 1200.0
"""Time constant with which the centre follows afterwards: a microphone that is moved stops to matter within the
interview, an answer of a minute moves it by a twentieth of the way."""
MAX_DRIFT_STEP_S = 2.0
"""A value after a long absence does not count for the absence."""
DRIFT_Z = 3.0
"""An outlier pulls the centre no harder than a value so many spreads away."""
MAX_Z = 10.0
MAD_TO_SD = 1.4826
"""The median absolute deviation of a normal distribution, times this, is its standard deviation (Rousseeuw and Croux
1993)."""
MIN_RATIO_SPREAD = 0.05
"""Smallest spread on a logarithmic scale: what differs by a twentieth from one stretch to the next is called ordinary
however steady the first minute was."""
MIN_SPREAD_SHARE = 0.02
"""Smallest spread as a share of the value, or of the range where the definition has both bounds: a signal that stood
still in the first minute must not call the first change of its last digit extreme."""

MIN_EVENT_SPREAD_SHARE = 0.2
"""The same for events, of whose spread a handful says little."""

SPEECH_GROUPS = frozenset({Group.VOICE, Group.VOICE_EMOTION})
"""These learn only while the person speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """What has been learnt of one signal: in its unit, or in natural logarithms where the definition is logarithmic."""

    values: tuple[float, ...] = ()
    """Those behind centre and spread, at most MAX_VALUES; empty once learning is over."""
    first_s: float | None = None
    """Time of the first value."""
    newest_s: float | None = None
    """Time of the newest sample that was taken in: a signal that only grows older teaches nothing."""
    centre: float | None = None
    """None before there are enough values."""
    spread: float | None = None
    """Robust standard deviation, > 0; None before there are enough values."""
    is_learnt: bool = False
    """From now on the spread stays and the centre drifts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineState:
    """What is remembered of a person; at most one Yardstick for each name in the catalogue."""

    yardsticks: Mapping[str, Yardstick] = field(default_factory=dict)
    speech_s: float = 0.0
    """Speech since the baseline was begun."""
    heard_s: float | None = None
    """``speech_s`` of the last call; None before the first."""
    from_s: float = -math.inf
    """Session time at which it was begun: a window that reaches back before it teaches nothing."""

    @property
    def is_reliable(self) -> bool:
        """True when there was enough speech for a score to be called reliable."""
        return self.speech_s >= MIN_SPEECH_S


def new_baseline(from_s: float = -math.inf) -> BaselineState:
    """Return the state that knows nothing; also what a restart by the interviewer at a session time puts in place."""
    return BaselineState(from_s=from_s)


def learn_and_compare(
    state: BaselineState,
    t_s: float,
    signals: tuple[Signal, ...],
    *,
    speech_s: float,
    catalogue: Mapping[str, Definition] = CATALOGUE,
) -> tuple[BaselineState, tuple[Signal, ...]]:
    """Take in one tick's signals and say how far each lies from the person's own beginning.

    Args:
        state: what the last call returned.
        t_s: session time of the tick.
        signals: any number; names that the catalogue lacks, or has without a baseline, pass through.
        speech_s: seconds of speech heard since the session began; only what it grows by counts.
        catalogue: what the names mean.

    Returns:
        The new state and the signals in the same order, ``z`` filled in where there is a centre and a value: robust
        distance in spreads, within +-MAX_Z, on a logarithmic scale where the definition says so.
    """
    new_speech_s = 0.0 if state.heard_s is None else max(0.0, speech_s - state.heard_s)
    state = replace(state, heard_s=speech_s, speech_s=state.speech_s + new_speech_s)
    yardsticks = dict(state.yardsticks)
    compared: list[Signal] = []
    for signal in signals:
        definition = catalogue.get(signal.name)
        if definition is None or not definition.has_baseline or signal.value is None or not math.isfinite(signal.value):
            compared.append(signal)
            continue
        x = _on_scale(definition, signal.value)
        yardstick = yardsticks.get(signal.name, Yardstick())
        is_of_voice = definition.group in SPEECH_GROUPS
        sample_s = t_s - signal.age_s
        is_new = yardstick.newest_s is None or sample_s > yardstick.newest_s + 1e-6
        is_after = sample_s - (0.0 if definition.is_event else definition.window_s) >= state.from_s
        is_comparable = state.is_reliable or not is_of_voice
        # Compared first: no value is part of its own yardstick.
        compared.append(replace(signal, z=_distance(yardstick, x) if is_comparable else None))
        if signal.quality >= MIN_QUALITY and is_new and is_after and not (is_of_voice and new_speech_s == 0):
            yardsticks[signal.name] = _learn(yardstick, definition, sample_s, x)
    return replace(state, yardsticks=yardsticks), tuple(compared)


def _on_scale(definition: Definition, value: float) -> float:
    """The value on the scale of comparison; 0 on a logarithmic one counts as the smallest difference worth showing."""
    return math.log(max(value, 10.0**-definition.digits)) if definition.is_log else value


def _learn(yardstick: Yardstick, definition: Definition, sample_s: float, x: float) -> Yardstick:
    if yardstick.is_learnt:
        return _drift(yardstick, sample_s, x)
    values = (*yardstick.values, x)
    first_s = sample_s if yardstick.first_s is None else yardstick.first_s
    if len(values) < (MIN_EVENTS if definition.is_event else MIN_VALUES):
        return replace(yardstick, values=values, first_s=first_s, newest_s=sample_s)
    centre = float(np.median(values))
    deviation = float(np.median(np.abs(np.subtract(values, centre))))
    is_learnt = len(values) >= MAX_VALUES or sample_s - first_s >= LEARN_S
    least = _min_spread(definition, centre)
    return Yardstick(
        values=() if is_learnt else values,
        first_s=first_s,
        newest_s=sample_s,
        centre=centre,
        spread=max(_widening(definition, len(values), sample_s - first_s) * MAD_TO_SD * deviation, least),
        is_learnt=is_learnt,
    )


def _widening(definition: Definition, n_values: int, length_s: float) -> float:
    """How much wider than the spread of the values the one is that a new value should be held against.

    Values whose windows overlap are worth n = 1 + length / window of values that do not. The deviations of n values
    from their own mean miss a share of 1 / n of the variance, and a new value misses that mean by 1 / n of it more;
    thus sqrt((n + 1) / (n - 1)), which goes to 1.
    """
    n = float(n_values) if definition.is_event else 1 + length_s / max(definition.window_s, length_s / (n_values - 1))
    return math.sqrt((n + 1) / (n - 1))


def _min_spread(definition: Definition, centre: float) -> float:
    share = MIN_EVENT_SPREAD_SHARE if definition.is_event else MIN_SPREAD_SHARE
    if definition.is_log:
        return max(share, MIN_RATIO_SPREAD)
    size = abs(centre)
    if definition.low is not None and definition.high is not None:
        size = definition.high - definition.low
    return max(share * size, 10.0**-definition.digits)


def _drift(yardstick: Yardstick, sample_s: float, x: float) -> Yardstick:
    assert yardstick.centre is not None
    assert yardstick.spread is not None
    assert yardstick.newest_s is not None
    share = -math.expm1(-min(sample_s - yardstick.newest_s, MAX_DRIFT_STEP_S) / DRIFT_S)
    reach = DRIFT_Z * yardstick.spread
    pull = min(max(x - yardstick.centre, -reach), reach)
    return replace(yardstick, centre=yardstick.centre + share * pull, newest_s=sample_s)


def _distance(yardstick: Yardstick, x: float) -> float | None:
    if yardstick.centre is None or yardstick.spread is None:
        return None
    return min(max((x - yardstick.centre) / yardstick.spread, -MAX_Z), MAX_Z)
