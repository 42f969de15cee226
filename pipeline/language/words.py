"""A word with its times, and what makes words of sound."""

from dataclasses import dataclass
from typing import Protocol

from pipeline.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of the person whose track was heard."""

    text: str
    """As the transcriber writes it, without spaces around it."""
    from_s: float
    """Session time at which it begins; in a transcriber's answer, seconds from the first sample."""
    to_s: float
    """When it ends, > from_s."""
    confidence: float | None
    """The transcriber's own, in [0, 1]; transcribers differ in what they mean by it. None where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """News of what was said; an item of the analyser."""

    is_on: bool
    """False when words are not to be written down any more: what was known of them is forgotten."""
    words: tuple[Word, ...] = ()
    """New words in order of time, none of them before those that came earlier."""


class Transcriber(Protocol):
    """A loaded transcriber."""

    version: str
    """Engine and model, at most 80 characters."""

    def __call__(self, samples: FloatArray, /) -> tuple[Word, ...]:
        """Write down one utterance.

        Args:
            samples: shape (n,), 16 kHz mono, full scale [-1, 1].

        Returns:
            Its words in order, times from the first sample; none when nothing was understood.
        """
