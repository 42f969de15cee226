"""Measures of what was said over the last minute, as signals."""

from dataclasses import dataclass, replace

from pipeline.language.measures import DIVERSITY_WORDS, MIN_WORDS, measure_text
from pipeline.language.words import Transcript, Word
from pipeline.signals import Definition, Group, absent
from pipeline.types import Reason, Signal

WINDOW_S = 60.0
KEPT_WORDS = 100
"""Kept for the diversity however long ago they were said, and at most twice as many words altogether."""
FULL_WORDS = 60
"""From so many words on their number does not lower the quality."""
UNSURE = 0.5
"""Taken for the confidence of a word that comes without one."""

DEFINITIONS = (
    Definition(
        name="words.per_minute",
        label="Words per minute",
        unit="1/min",
        group=Group.WORDS,
        what="Words a minute of the person's own speaking time, over the last 60 s; silences over 2 s do not count.",
        digits=0,
        low=0.0,
        is_log=True,
    ),
    Definition(
        name="words.fillers",
        label="Fillers",
        unit="1/min",
        group=Group.WORDS,
        what="Filled pauses such as uh and um a minute of speaking time, over the last 60 s, as far as written down.",
        digits=1,
        low=0.0,
        is_experimental=True,
    ),
    Definition(
        name="words.hedges",
        label="Hedges",
        unit="per 100 words",
        group=Group.WORDS,
        what="Words and phrases that weaken a statement, such as maybe, in a hundred words of the last 60 s.",
        digits=1,
        low=0.0,
        high=100.0,
        is_experimental=True,
    ),
    Definition(
        name="words.repetitions",
        label="Repetitions",
        unit="per 100 words",
        group=Group.WORDS,
        what="Words and short phrases said twice in a row, in a hundred words of the last 60 s.",
        digits=1,
        low=0.0,
        high=100.0,
        is_experimental=True,
    ),
    Definition(
        name="words.diversity",
        label="Variety of words",
        unit="",
        group=Group.WORDS,
        what="Share of different words in windows of 50, averaged over the last 100 words (moving-average TTR).",
        low=0.0,
        high=1.0,
    ),
    Definition(
        name="words.sentence_length",
        label="Words between pauses",
        unit="words",
        group=Group.WORDS,
        what="Mean number of words between pauses of half a second, over the last 60 s.",
        digits=1,
        low=0.0,
        is_log=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsState:
    """The newest words; at most 2 * KEPT_WORDS + those of the last minute."""

    is_on: bool = False
    """Words are being written down."""
    words: tuple[Word, ...] = ()


def follow_words(state: WordsState, transcript: Transcript) -> WordsState:
    """Take in new words, or that none are to be written down any more."""
    if not transcript.is_on:
        return WordsState()
    words = (*state.words, *transcript.words)
    if words:
        since_s = words[-1].to_s - WINDOW_S
        n_recent = sum(word.to_s > since_s for word in words)
        words = words[-max(n_recent, KEPT_WORDS) :]
    return replace(state, is_on=True, words=words)


def view_words(state: WordsState, t_s: float) -> tuple[Signal, ...]:
    """Return every signal of DEFINITIONS at a tick."""
    if not state.is_on:
        return absent(DEFINITIONS, Reason.NOT_TRANSCRIBED)
    recent = [word for word in state.words if word.to_s > t_s - WINDOW_S]
    if not recent:
        return absent(DEFINITIONS, Reason.SILENCE)
    window = measure_text(recent)
    of_diversity = state.words[-KEPT_WORDS:]
    values = {
        "words.per_minute": window.per_minute,
        "words.fillers": window.fillers,
        "words.hedges": window.hedges,
        "words.repetitions": window.repetitions,
        "words.diversity": measure_text(of_diversity).diversity,
        "words.sentence_length": window.sentence_length,
    }
    age_s = max(0.0, t_s - state.words[-1].to_s)
    quality = _trust(recent) * _enough(window.n_words, MIN_WORDS, FULL_WORDS)
    diverse = _trust(of_diversity) * _enough(len(of_diversity), DIVERSITY_WORDS, KEPT_WORDS)
    return tuple(
        _signal(item.name, values[item.name], diverse if item.name == "words.diversity" else quality, age_s)
        for item in DEFINITIONS
    )


def _signal(name: str, value: float | None, quality: float, age_s: float) -> Signal:
    if value is None:
        return Signal(name=name, value=None, quality=0.0, reason=Reason.TOO_SHORT, age_s=0.0)
    reason = Reason.OK if quality >= 0.5 else Reason.WEAK
    return Signal(name=name, value=value, quality=quality, reason=reason, age_s=age_s)


def _trust(words: tuple[Word, ...] | list[Word]) -> float:
    """Return the mean confidence of the words: what a transcriber doubts it has often misheard."""
    return sum(UNSURE if word.confidence is None else word.confidence for word in words) / len(words)


def _enough(n: int, least: int, full: int) -> float:
    """Return 0.5 at the least number, rising to 1 at the full one."""
    return min(1.0, 0.5 + 0.5 * max(0, n - least) / (full - least))
