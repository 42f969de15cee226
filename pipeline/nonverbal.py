"""Five indices of how somebody takes part, each a stated formula over the evidence of the same tick.

An index is not measured but computed, and it says no more than its formula. Attentiveness, engagement and composure
compare the person with their own beginning: 0.5 is as in their first minute, whoever they are. Deep thinking and
incongruence are 0 unless what they are named for happens. Formulas and weights: docs/evidence.md. The weights follow
the description of each index and were not fitted to anybody's judgement.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.signals import Definition, Group
from pipeline.thinking import ThinkingState
from pipeline.types import Reason, Signal

MAX_Z = 3.0
"""A single ingredient counts no more than at this distance from the baseline."""
ORDINARY_Z = 1.0
"""A distance within one spread is ordinary."""
MIN_COVERAGE = 0.5
"""Below this share of its ingredients, by weight and quality, an index is not given."""
WEAK_QUALITY = 0.75
"""Below it the index says which ingredient it lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredient:
    """A signal that an index uses."""

    name: str
    weight: float
    """Those of an index add up to 1."""
    direction: int = 1
    """1 where more of the signal raises the index, -1 where it lowers it; not used where any change counts."""
    is_compared: bool = True
    """It counts by its distance from the baseline, and is unknown without one."""


ATTENTIVENESS = (
    Ingredient(name="gaze.contact_share", weight=0.4),
    Ingredient(name="gaze.look_away", weight=0.2, direction=-1),
    Ingredient(name="gaze.shift_rate", weight=0.2, direction=-1),
    Ingredient(name="head.fidgeting", weight=0.2, direction=-1),
)
"""Eyes on the other person, few glances elsewhere, a quiet head."""

ENGAGEMENT = (
    Ingredient(name="gaze.contact_share", weight=0.4),
    Ingredient(name="eyes.blink_rate", weight=0.2, direction=-1),
    Ingredient(name="head.motion", weight=0.4),
)
"""Eye contact, a lively head, and few blinks: people blink less while they attend (Bentivoglio et al. 1997)."""

VOICE = (
    Ingredient(name="voice.jitter", weight=0.3, direction=-1),
    Ingredient(name="voice.shimmer", weight=0.2, direction=-1),
    Ingredient(name="voice.hnr", weight=0.2),
    Ingredient(name="voice.f0_sd", weight=0.3, direction=-1),
)
"""Steadiness of the voice: little change from period to period, little noise, an even pitch."""

FACE = (
    Ingredient(name="nonverbal.negative_share", weight=0.5),
    Ingredient(name="nonverbal.surprise_share", weight=0.25),
    Ingredient(name="head.motion", weight=0.25),
)
"""What moves in a face that is not calm."""

COMPOSURE = (
    *(Ingredient(name=item.name, weight=0.6 * item.weight, direction=item.direction) for item in VOICE),
    Ingredient(name="nonverbal.negative_share", weight=0.4, direction=-1),
)
"""A steady voice and few negative expressions."""

THINKING = (
    Ingredient(name="gaze.zone", weight=0.7, is_compared=False),
    Ingredient(name="nonverbal.surprise_share", weight=0.3),
)
"""What has to be seen for saying that somebody did not look away after surprise or a question."""

DEFINITIONS = (
    Definition(
        name="nonverbal.attentiveness",
        label="Attentiveness",
        unit="",
        group=Group.NONVERBAL,
        what="Eye contact up, looking away, gaze shifts and fidgeting down, against the person's baseline (0.5).",
        low=0.0,
        high=1.0,
        has_baseline=False,
    ),
    Definition(
        name="nonverbal.engagement",
        label="Engagement",
        unit="",
        group=Group.NONVERBAL,
        what="Eye contact and head motion up, blinks down, against the person's baseline (0.5).",
        low=0.0,
        high=1.0,
        has_baseline=False,
    ),
    Definition(
        name="nonverbal.composure",
        label="Composure",
        unit="",
        group=Group.NONVERBAL,
        what="A steady voice and few negative expressions, against the person's baseline (0.5).",
        low=0.0,
        high=1.0,
        has_baseline=False,
    ),
    Definition(
        name="nonverbal.deep_thinking",
        label="Looking away to think",
        unit="",
        group=Group.NONVERBAL,
        what="Looking away in the 8 s after a question or surprise: seconds of it over 3; 0 when that does not happen.",
        low=0.0,
        high=1.0,
        has_baseline=False,
        is_experimental=True,
    ),
    Definition(
        name="nonverbal.incongruence",
        label="Voice moved, face calm",
        unit="",
        group=Group.NONVERBAL,
        what=(
            "The voice is far from its baseline while the face stays near its own. It is no sign of lying: nothing "
            "supports such a reading."
        ),
        low=0.0,
        high=1.0,
        has_baseline=False,
        is_experimental=True,
    ),
)


def view_nonverbal(signals: tuple[Signal, ...], thinking: ThinkingState) -> tuple[Signal, ...]:
    """Compute the five indices of a tick.

    Args:
        signals: of the same tick, compared with the baseline.
        thinking: what was followed up to this tick.

    Returns:
        One signal per definition. Quality is the coverage: the share of the ingredients that is known and compared, by
        weight and quality. Below MIN_COVERAGE there is no value, and the reason is that of the heaviest ingredient
        that lacks.
    """
    by_name = {signal.name: signal for signal in signals}
    voice, face = _coverage(VOICE, by_name), _coverage(FACE, by_name)
    attentiveness, engagement, composure, deep_thinking, incongruence = (item.name for item in DEFINITIONS)
    return (
        _relative_index(attentiveness, ATTENTIVENESS, by_name),
        _relative_index(engagement, ENGAGEMENT, by_name),
        _relative_index(composure, COMPOSURE, by_name),
        _say(deep_thinking, THINKING, by_name, _coverage(THINKING, by_name), thinking.strength),
        _say(
            incongruence,
            (*VOICE, *FACE),
            by_name,
            min(voice, face),
            _disturbance(VOICE, by_name) * (1 - _disturbance(FACE, by_name)),
        ),
    )


def _relative_index(name: str, ingredients: tuple[Ingredient, ...], by_name: Mapping[str, Signal]) -> Signal:
    """1 / (1 + exp(-m)), m the mean of the distances from the baseline by direction, weight and quality."""
    total = weights = 0.0
    for item, signal, z in _known(ingredients, by_name):
        weights += item.weight * signal.quality
        total += item.weight * signal.quality * item.direction * min(max(z, -MAX_Z), MAX_Z)
    value = 1 / (1 + math.exp(-total / weights)) if weights > 0 else 0.5
    return _say(name, ingredients, by_name, _coverage(ingredients, by_name), value)


def _disturbance(ingredients: tuple[Ingredient, ...], by_name: Mapping[str, Signal]) -> float:
    """How far the ingredients are from the baseline in either direction, in [0, 1]; 0 while all are ordinary.

    Jitter and shimmer may rise or fall under stress (docs/evidence.md), thus the direction is left open.
    """
    total = weights = 0.0
    for item, signal, z in _known(ingredients, by_name):
        weights += item.weight * signal.quality
        far = min(max(abs(z) - ORDINARY_Z, 0.0) / (MAX_Z - ORDINARY_Z), 1.0)
        total += item.weight * signal.quality * far
    return total / weights if weights > 0 else 0.0


def _known(
    ingredients: tuple[Ingredient, ...], by_name: Mapping[str, Signal]
) -> tuple[tuple[Ingredient, Signal, float], ...]:
    found = ((item, by_name.get(item.name)) for item in ingredients)
    return tuple(
        (item, signal, signal.z or 0.0) for item, signal in found if signal is not None and _says(item, signal)
    )


def _says(item: Ingredient, signal: Signal) -> bool:
    return signal.value is not None and (signal.z is not None or not item.is_compared)


def _coverage(ingredients: tuple[Ingredient, ...], by_name: Mapping[str, Signal]) -> float:
    return sum(item.weight * signal.quality for item, signal, _ in _known(ingredients, by_name))


def _say(
    name: str, ingredients: tuple[Ingredient, ...], by_name: Mapping[str, Signal], coverage: float, value: float
) -> Signal:
    if coverage < MIN_COVERAGE:
        return Signal(name=name, value=None, quality=0.0, reason=_lack(ingredients, by_name), age_s=0.0)
    return Signal(
        name=name,
        value=value,
        quality=min(1.0, coverage),
        reason=Reason.OK if coverage >= WEAK_QUALITY else _lack(ingredients, by_name),
        age_s=max(signal.age_s for _, signal, _ in _known(ingredients, by_name)),
    )


def _lack(ingredients: tuple[Ingredient, ...], by_name: Mapping[str, Signal]) -> Reason:
    """Why the ingredient that costs most coverage is weak or missing."""

    def cost(item: Ingredient) -> float:
        signal = by_name.get(item.name)
        return item.weight * (1 - (signal.quality if signal is not None and _says(item, signal) else 0.0))

    heaviest = max(ingredients, key=cost)
    signal = by_name.get(heaviest.name)
    if signal is None:
        return Reason.WEAK
    if signal.value is not None and not _says(heaviest, signal):
        return Reason.CALIBRATING
    return signal.reason if signal.reason is not Reason.OK else Reason.WEAK
