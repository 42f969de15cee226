"""Low, medium or high from face and voice together, and how far the two agree.

Shares of the three levels: those of the face (``pipeline.levels``) and those of the voice's emotion, averaged by their
quality, then over the last five ticks. The level is the largest share. Its confidence is that share, reduced where face
and voice disagree. Formulas: docs/evidence.md. Beside the published score, never in it.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.signals import Definition, Group
from pipeline.types import Level, Reason, Shares, Signal

N_TICKS = 5
"""Ticks averaged."""
MAX_AGE_S = 10.0
"""Ticks further back than this are left out, however few there are: a level may be unknown in between."""
WEAK_QUALITY = 0.5
"""Below it the signal says why."""
ALONE_AGREEMENT = 0.5
"""With one of the two alone it is not known whether the other agrees: as much for it as against it."""
VOICE_LEVELS = tuple(f"voice_emotion.{level}" for level in Level)


def _definition(name: str, label: str, what: str) -> Definition:
    return Definition(
        name=f"levels.{name}",
        label=label,
        unit="",
        group=Group.LEVELS,
        what=what,
        low=0.0,
        high=1.0,
        has_baseline=False,
    )


_LEVELS = tuple(
    _definition(
        level, f"{level.capitalize()} level", f"Share of the {level} level in face and voice over five seconds."
    )
    for level in Level
)
_AGREEMENT = _definition(
    "agreement", "Agreement of face and voice", "1 less half the sum of the differences between their shares, over 5 s."
)
_CONFIDENCE = _definition(
    "confidence", "Confidence of the level", "The largest share, reduced where face and voice disagree, over 5 s."
)
DEFINITIONS = (*_LEVELS, _AGREEMENT, _CONFIDENCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedLevels:
    """The three levels at one tick, before averaging."""

    t_s: float
    shares: tuple[float, ...]
    """Low, medium, high; they add up to 1."""
    agreement: float | None
    """In [0, 1]; None when one of the two was unknown."""
    quality: float
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementState:
    """The last N_TICKS ticks with a level, oldest first."""

    ticks: tuple[FusedLevels, ...] = ()


def fuse_levels(t_s: float, face: Shares, voice: Shares) -> FusedLevels | None:
    """Average the shares of face and voice by their quality; None when neither is known.

    Quality is the mean of both, with 0 for one that is unknown: half of the wanted evidence.
    """
    known = [item for item in (face, voice) if item.shares is not None and item.quality > 0]
    if not known:
        return None
    weights = np.array([item.quality for item in known])
    shares = np.array([item.shares for item in known], np.float64)
    mean = weights @ shares / weights.sum()
    agreement = 1 - float(np.abs(shares[0] - shares[1]).sum()) / 2 if len(known) > 1 else None
    return FusedLevels(
        t_s=t_s,
        shares=tuple((mean / mean.sum()).tolist()),
        agreement=agreement,
        quality=float(weights.sum()) / 2,
        age_s=min(item.age_s for item in known),
    )


def read_voice_levels(signals: tuple[Signal, ...]) -> Shares:
    """Return the voice's three levels as shares that add up to 1."""
    by_name = {signal.name: signal for signal in signals}
    found = [by_name[name] for name in VOICE_LEVELS if name in by_name]
    values = [signal.value for signal in found if signal.value is not None]
    total = sum(values)
    if len(values) < len(VOICE_LEVELS) or total <= 0:
        return Shares(shares=None, quality=0.0, reason=found[0].reason if found else Reason.NO_AUDIO, age_s=0.0)
    return Shares(
        shares=tuple(value / total for value in values),
        quality=min(signal.quality for signal in found),
        reason=found[0].reason,
        age_s=max(signal.age_s for signal in found),
    )


def follow_agreement(
    state: AgreementState, t_s: float, face: Shares, signals: tuple[Signal, ...]
) -> tuple[AgreementState, tuple[Signal, ...]]:
    """Take in a tick's levels and average the last five.

    Args:
        state: what the last call returned.
        t_s: time of the tick.
        face: the face's levels (``pipeline.levels``).
        signals: of the same tick, with the voice's levels if there are any.

    Returns:
        The new state and one signal per definition: unknown where neither face nor voice is known at this tick;
        ``levels.agreement`` also where only one of them was in all five.
    """
    voice = read_voice_levels(signals)
    fused = fuse_levels(t_s, face, voice)
    kept = tuple(tick for tick in state.ticks if tick.t_s > t_s - MAX_AGE_S)
    if fused is None:
        return AgreementState(ticks=kept), tuple(_unknown(item.name, face.reason) for item in DEFINITIONS)
    ticks = (*kept, fused)[-N_TICKS:]
    quality = float(np.mean([tick.quality for tick in ticks]))
    shares = np.mean([tick.shares for tick in ticks], axis=0)
    agreements = [tick.agreement for tick in ticks if tick.agreement is not None]
    agreement = float(np.mean(agreements)) if agreements else None
    confidence = float(shares.max()) * (1 + (ALONE_AGREEMENT if agreement is None else agreement)) / 2
    lacking = voice.reason if voice.shares is None else face.reason
    weak = lacking if lacking is not Reason.OK else Reason.WEAK
    reason = Reason.OK if quality >= WEAK_QUALITY else weak

    def say(name: str, value: float | None) -> Signal:
        if value is None:
            return _unknown(name, weak)
        return Signal(name=name, value=value, quality=quality, reason=reason, age_s=fused.age_s)

    values = (*shares.tolist(), agreement, confidence)
    return AgreementState(ticks=ticks), tuple(
        say(definition.name, value) for definition, value in zip(DEFINITIONS, values, strict=True)
    )


def _unknown(name: str, reason: Reason) -> Signal:
    return Signal(name=name, value=None, quality=0.0, reason=reason, age_s=0.0)
