"""What a signal is: a measured quantity with a name, a meaning and a unit.

A signal is evidence that is shown beside the score and never mixed into it. The module that measures a signal defines
it (``DEFINITIONS``); ``pipeline.catalogue`` brings them together, docs/signals.md describes them for people.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pipeline.types import Reason, Signal


class Group(StrEnum):
    """What a signal belongs to; also the order in which groups are shown."""

    VOICE = "voice"
    TURNS = "turns"
    VOICE_EMOTION = "voice_emotion"
    WORDS = "words"
    EYES = "eyes"
    GAZE = "gaze"
    HEAD = "head"
    EXPRESSION = "expression"
    PULSE = "pulse"
    NONVERBAL = "nonverbal"
    LEVELS = "levels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a signal is."""

    name: str
    """Group and quantity, for example ``voice.hnr``."""
    label: str
    """In plain words for the page, for example ``Voice clarity``."""
    unit: str
    """For example ``Hz``, ``dB``, ``st``, ``1/min``, ``s``; empty for plain numbers and for shares in [0, 1]."""
    group: Group
    what: str
    """One sentence: what it is, over which window."""
    digits: int = 2
    """Decimals worth showing."""
    low: float | None = None
    """Smallest value that can occur; None when there is no bound."""
    high: float | None = None
    is_log: bool = False
    """Compared with the baseline on a logarithmic scale: levels in hertz, rates, ratios that are > 0."""
    has_baseline: bool = True
    """False where a distance from the person's own beginning means nothing: counts since the start, flags."""
    is_event: bool = False
    """A new value comes with an event, as an answer, and not each second: a few of them make a baseline."""
    window_s: float = 60.0
    """Length of the stretch of time that a value is about: values that follow more closely share a part of it, and a
    baseline must not take them for as many (``pipeline.baseline``)."""
    is_experimental: bool = False
    """Shown with that word."""


def absent(definitions: Iterable[Definition], reason: Reason) -> tuple[Signal, ...]:
    """Return each signal as one that cannot be said."""
    return tuple(Signal(name=item.name, value=None, quality=0.0, reason=reason, age_s=0.0) for item in definitions)
