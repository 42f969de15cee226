"""Looking away after a question or after surprise: what people do while they think.

Gaze aversion grows with the difficulty of a question (Glenberg, Schroeder and Robertson 1998; Doherty-Sneddon and
Phelps 2005). Whoever looks away for another reason within the same seconds looks the same.
"""

from dataclasses import dataclass, replace

from pipeline.types import OtherVoice, QuestionAsked, Signal

CENTRE = 4.0
"""Zone of the person's own centre (``gaze.zone``); any other is away."""
AWAY_S = 3.0
"""Looking away for so many of these seconds counts 1."""
THINK_S = 8.0
"""Looking away so soon after the trigger belongs to it."""
MIN_ASKED_S = 1.0
"""What the other person says for less time is no question."""
SURPRISE_Z = 2.0
"""A share of surprise so far above the person's baseline is a trigger."""
FULL_Z = 3.0
"""A surprise so far above the baseline has the strength of a question."""
MAX_TRIGGERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """Something after which people look away to think."""

    t_s: float
    strength: float
    """1 for a question; for surprise its distance from the baseline, within [0, 1]."""
    is_open: bool = True
    """False while the person goes on looking away as they did before: that is not an answer to it."""
    n_away: int = 0
    """Ticks, one a second, at which they have looked away since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinkingState:
    """Triggers of the last THINK_S, oldest first."""

    triggers: tuple[Trigger, ...] = ()
    other_since_s: float | None = None
    """Since when the other person speaks; None while they are silent or unknown."""
    is_surprised: bool = False
    """At the last tick; a surprise that lasts is one trigger."""
    is_away: bool = False
    """The person looked away at the last tick."""

    @property
    def strength(self) -> float:
        """The strongest moment of looking away to think, in [0, 1]; 0 without any."""
        shares = (trigger.strength * min(trigger.n_away / AWAY_S, 1.0) for trigger in self.triggers)
        return max(shares, default=0.0)


def follow_thinking(state: ThinkingState, item: OtherVoice | QuestionAsked) -> ThinkingState:
    """Take in that a question was marked, or that another person speaks or stops: what they said may be a question."""
    if isinstance(item, QuestionAsked):
        return _add(state, Trigger(t_s=item.t_s, strength=1.0))
    if item.is_speaking:
        return state if state.other_since_s is not None else replace(state, other_since_s=item.t_s)
    since_s, state = state.other_since_s, replace(state, other_since_s=None)
    if since_s is None or item.t_s - since_s < MIN_ASKED_S:
        return state
    return _add(state, Trigger(t_s=item.t_s, strength=1.0))


def think(state: ThinkingState, t_s: float, signals: tuple[Signal, ...]) -> ThinkingState:
    """Take in the signals of a tick, compared with the baseline, and forget what is long ago."""
    by_name = {signal.name: signal for signal in signals}
    surprise, zone = by_name.get("nonverbal.surprise_share"), by_name.get("gaze.zone")
    surprise_z = None if surprise is None else surprise.z
    is_away = zone is not None and zone.value is not None and zone.value != CENTRE
    is_surprised = surprise_z is not None and surprise_z >= SURPRISE_Z
    if surprise_z is not None and is_surprised and not state.is_surprised:
        state = _add(state, Trigger(t_s=t_s, strength=min(surprise_z / FULL_Z, 1.0)))
    triggers = tuple(_look(trigger, is_away) for trigger in state.triggers if trigger.t_s > t_s - THINK_S)
    return replace(state, triggers=triggers, is_surprised=is_surprised, is_away=is_away)


def _look(trigger: Trigger, is_away: bool) -> Trigger:
    if not is_away:
        return replace(trigger, is_open=True)
    return replace(trigger, n_away=trigger.n_away + 1) if trigger.is_open else trigger


def _add(state: ThinkingState, trigger: Trigger) -> ThinkingState:
    return replace(state, triggers=(*state.triggers, replace(trigger, is_open=not state.is_away))[-MAX_TRIGGERS:])
