"""Recommendations for the interviewer, each with the measurements on which it rests.

They are about what to do next in the conversation (pause, wait, mend the light), never about what somebody is like.
One new recommendation in NEW_S at most, the same one again only after REPEAT_S.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.trend import HIGH_FROM
from pipeline.types import Estimate, Reading, Reason, Signal

NEW_S = 20.0
"""Shortest time between two new recommendations."""
REPEAT_S = 120.0
"""The same one is not given again before."""
SHOW_S = 30.0
"""So long a recommendation stands."""
KEEP_S = 60.0
"""What is remembered of the past."""
LASTS_S = 20.0
"""A state has to last so long to be worth a recommendation."""
MIN_KNOWN_SHARE = 0.75
"""Of the ticks of that time."""
MIN_QUALITY = 0.5
RISE = 0.1
"""Smallest change of stress over LASTS_S that counts as a rise or a fall: a third of a band."""
MIN_CORRELATION = 0.7
"""Of stress with time; less is up and down."""
CARRIED = 0.5
"""Face or voice alone has to rise or fall by this part of RISE: else only their shares in the mixture have changed."""
LATE_S = 2.0
"""An answer that begins so much after the usual time is late; who usually cuts in has none below 0."""
FAR_Z = 3.0
"""A signal so far from the baseline is unusual for this person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The question that is being answered."""

    number: int | None
    """In the list of the interview, from 1; None for a question that is not in it."""
    t_s: float
    """When it was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A measurement behind a recommendation."""

    name: str
    """A signal of the catalogue, or ``stress``, ``stress.rise``, ``face.quality``, ``voice.quality``."""
    value: float
    z: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A recommendation."""

    id: str
    """Kind and time, for example ``rising-84``."""
    t_s: float
    """When it was given."""
    text: str
    evidence: tuple[Evidence, ...]
    """Never empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One estimate as far as recommendations need it."""

    t_s: float
    stress: Reading
    face: Reading
    voice: Reading
    signals: dict[str, Signal]
    """Those that a rule looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceState:
    """The last KEEP_S and what was recommended when."""

    moments: tuple[Moment, ...] = ()
    given: tuple[Advice, ...] = ()
    """Of the last REPEAT_S, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule found."""

    text: str
    evidence: tuple[Evidence, ...]


Rule = Callable[[tuple[Moment, ...], Asked | None], Finding | None]
"""Looks at the moments of the last LASTS_S, which are complete enough, and at the question."""


def follow_advice(
    state: AdviceState, estimate: Estimate, asked: Asked | None
) -> tuple[AdviceState, tuple[Advice, ...]]:
    """Take in an estimate and return what stands recommended now, oldest first.

    Args:
        state: what the last call returned.
        estimate: newer than those before.
        asked: the question that is being answered, None before the first.
    """
    t_s = estimate.t_s
    moment = Moment(
        t_s=t_s,
        stress=estimate.stress,
        face=estimate.face,
        voice=estimate.voice,
        signals={signal.name: signal for signal in estimate.signals if signal.name in _WATCHED},
    )
    moments = (*(old for old in state.moments if old.t_s > t_s - KEEP_S), moment)
    given = tuple(old for old in state.given if old.t_s > t_s - REPEAT_S)
    if all(old.t_s <= t_s - NEW_S for old in given):
        new = _find(moments, given, asked)
        given = given if new is None else (*given, new)
    state = AdviceState(moments=moments, given=given)
    return state, tuple(item for item in given if item.t_s > t_s - SHOW_S)


def _find(moments: tuple[Moment, ...], given: tuple[Advice, ...], asked: Asked | None) -> Advice | None:
    t_s = moments[-1].t_s
    recent = tuple(moment for moment in moments if moment.t_s > t_s - LASTS_S)
    if len(recent) < MIN_KNOWN_SHARE * LASTS_S:
        return None
    blocked = {item.id.rpartition("-")[0] for item in given}
    for kind, rule in RULES.items():
        finding = None if kind in blocked else rule(recent, asked)
        if finding is not None:
            return Advice(id=f"{kind}-{t_s:.0f}", t_s=t_s, text=finding.text, evidence=finding.evidence)
    return None


def _known(moments: tuple[Moment, ...]) -> list[tuple[float, float]] | None:
    """(time, stress) where it is known with enough quality, or None when that is too seldom."""
    return _of_quality([(moment.t_s, moment.stress) for moment in moments])


def _of_quality(readings: list[tuple[float, Reading]]) -> list[tuple[float, float]] | None:
    """(time, value) of the good readings, or None when they are too few.

    While the voice is being calibrated its share in the stress grows from nothing, so stress moves without the person.
    """
    known = [
        (t_s, reading.value)
        for t_s, reading in readings
        if reading.value is not None and reading.quality >= MIN_QUALITY and reading.reason is not Reason.CALIBRATING
    ]
    return known if len(known) >= MIN_KNOWN_SHARE * LASTS_S else None


def _change(moments: tuple[Moment, ...], known: list[tuple[float, float]]) -> float:
    """What the regression line rises over the known ticks; 0 where stress goes up and down, or the mixture alone."""
    rise, correlation = _regress(known)
    if abs(correlation) < MIN_CORRELATION:
        return 0.0
    for readings in ([(item.t_s, item.face) for item in moments], [(item.t_s, item.voice) for item in moments]):
        alone = _of_quality(readings)
        if alone is not None and np.sign(rise) * _regress(alone)[0] >= CARRIED * RISE:
            return rise
    return 0.0


def _regress(known: list[tuple[float, float]]) -> tuple[float, float]:
    """What the regression line of values on time rises from the first to the last, and their correlation."""
    t_s, values = np.array(known).T
    span_s, t_s, values = float(t_s[-1] - t_s[0]), t_s - t_s.mean(), values - values.mean()
    product, of_t, of_values = (float(part) for part in (t_s @ values, t_s @ t_s, values @ values))
    if of_values == 0:
        return 0.0, 0.0
    return product / of_t * span_s, product / (of_t * of_values) ** 0.5


def _since(asked: Asked | None, t_s: float) -> str:
    """Name the question if it is what the change may be about: asked shortly before or during it."""
    is_near = asked is not None and t_s - LASTS_S - 10.0 <= asked.t_s <= t_s
    if asked is None or not is_near:
        return ""
    return " since the last question" if asked.number is None else f" since question {asked.number}"


def _rising(moments: tuple[Moment, ...], asked: Asked | None) -> Finding | None:
    known = _known(moments)
    if known is None:
        return None
    rise = _change(moments, known)
    if rise < RISE:
        return None
    return Finding(
        text=f"The stress indicators have been rising for {LASTS_S:.0f} s{_since(asked, known[-1][0])}: "
        "consider a pause.",
        evidence=(Evidence(name="stress", value=known[-1][1]), Evidence(name="stress.rise", value=rise)),
    )


def _high(moments: tuple[Moment, ...], asked: Asked | None) -> Finding | None:
    known = _known(moments)
    if known is None or min(value for _, value in known) < HIGH_FROM:
        return None
    mean = float(np.mean([value for _, value in known]))
    return Finding(
        text=f"The stress indicators have been in the high band for {LASTS_S:.0f} s{_since(asked, known[-1][0])}: "
        "consider an easier question or a pause.",
        evidence=(Evidence(name="stress", value=mean),),
    )


def _falling(moments: tuple[Moment, ...], asked: Asked | None) -> Finding | None:
    known = _known(moments)
    if known is None:
        return None
    rise = _change(moments, known)
    if rise > -RISE:
        return None
    return Finding(
        text=f"The stress indicators have been falling for {LASTS_S:.0f} s: a good moment to go on.",
        evidence=(Evidence(name="stress", value=known[-1][1]), Evidence(name="stress.rise", value=rise)),
    )


_MENDS = {
    Reason.DARK: "ask for more light on the face",
    Reason.NO_FACE: "ask them to move into the picture",
    Reason.SMALL_FACE: "ask them to come closer to the camera",
    Reason.TURNED_AWAY: "ask them to face the camera",
    Reason.NO_VIDEO: "check whether the camera is on",
    Reason.NOISE: "ask for a quieter place or a headset",
    Reason.NO_AUDIO: "check whether the microphone is on",
}
"""What helps against a reason; others pass by themselves."""


def _unseen(moments: tuple[Moment, ...], asked: Asked | None) -> Finding | None:
    return _unmeasured("face", [moment.face for moment in moments])


def _unheard(moments: tuple[Moment, ...], asked: Asked | None) -> Finding | None:
    return _unmeasured("voice", [moment.voice for moment in moments])


def _unmeasured(name: str, readings: list[Reading]) -> Finding | None:
    reason = readings[-1].reason
    mend = _MENDS.get(reason)
    if mend is None or any(reading.reason is not reason for reading in readings):
        return None
    quality = float(np.mean([reading.quality for reading in readings]))
    return Finding(
        text=f"The {name} could not be measured well for {LASTS_S:.0f} s: {mend}.",
        evidence=(Evidence(name=f"{name}.quality", value=quality),),
    )


_FAR = {
    "turns.pause_share": (1, "There are more pauses than at the beginning: leave time for the answer."),
    "turns.speech_rate": (1, "Speech is faster than at the beginning: slow down yourself, or take a short break."),
    "eyes.blink_rate": (1, "Blinks are more frequent than at the beginning: a short break from the screen may help."),
    "head.fidgeting": (1, "The head moves more restlessly than at the beginning: a short break may help."),
    "pulse.rate": (1, "The pulse is faster than at the beginning: consider a pause."),
}
"""Signals on which a recommendation may rest, the direction that counts, and the text."""


def _far(name: str) -> Rule:
    direction, text = _FAR[name]

    def rule(moments: tuple[Moment, ...], asked: Asked | None) -> Finding | None:
        signals = (moment.signals.get(name) for moment in moments)
        known = [
            (signal.value, signal.z)
            for signal in signals
            if signal is not None and signal.quality >= MIN_QUALITY and signal.value is not None
        ]
        values, z = [value for value, _ in known], [z for _, z in known if z is not None]
        if len(z) < MIN_KNOWN_SHARE * LASTS_S or min(direction * item for item in z) < FAR_Z:
            return None
        return Finding(
            text=text, evidence=(Evidence(name=name, value=float(np.median(values)), z=float(np.median(z))),)
        )

    return rule


_LATENCIES = ("turns.response_latency", "turns.response_latency_median")
_WATCHED = frozenset((*_FAR, *_LATENCIES))


def _late(moments: tuple[Moment, ...], asked: Asked | None) -> Finding | None:
    last, usual = (moments[-1].signals.get(name) for name in _LATENCIES)
    if last is None or usual is None or min(last.quality, usual.quality) < MIN_QUALITY or last.age_s > LASTS_S:
        return None
    if last.value is None or usual.value is None or last.value < max(0.0, usual.value) + LATE_S:
        return None
    return Finding(
        text="The last answer began later than the others: leave time, or put the question again.",
        evidence=tuple(
            Evidence(name=name, value=value) for name, value in zip(_LATENCIES, (last.value, usual.value), strict=True)
        ),
    )


RULES: dict[str, Rule] = {
    "rising": _rising,
    "high": _high,
    "falling": _falling,
    "late": _late,
    **{name: _far(name) for name in _FAR},
    "face": _unseen,
    "voice": _unheard,
}
"""By kind, the most important first."""
