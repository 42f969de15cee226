"""What a stretch of text is like: pace, fillers, hedges, repetitions, diversity, length of sentences.

For English. All measures are of words that a transcriber wrote down: what it leaves out or gets wrong is in them, and
transcribers tend to leave fillers out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.language.words import Word

FILLERS = frozenset({"uh", "uhh", "um", "umm", "uhm", "er", "err", "erm", "eh", "ah", "hm", "hmm", "mm", "mmm"})
"""Filled pauses (Clark and Fox Tree 2002, "Using uh and um in spontaneous speaking"). Words such as ``like``, which may
fill a pause or mean something, are not counted."""

HEDGES = (
    *(("maybe",), ("perhaps",), ("probably",), ("possibly",), ("presumably",), ("apparently",), ("seemingly",)),
    *(("somewhat",), ("fairly",), ("roughly",), ("basically",), ("hopefully",), ("might",), ("seems",), ("guess",)),
    *(("sort", "of"), ("kind", "of"), ("i", "think"), ("i", "believe"), ("i", "suppose"), ("i", "feel"), ("i", "mean")),
    *(("a", "bit"), ("a", "little"), ("more", "or", "less"), ("or", "something"), ("i", "assume"), ("not", "sure")),
)
"""Words and phrases that weaken a statement (after Lakoff 1973, "Hedges", and Hyland 1998, "Hedging in scientific
research articles"). Counted by form: ``a little`` in ``a little house`` counts as well."""

DOUBLED = frozenset({"very", "really", "so", "no", "yes", "yeah", "much", "many", "far", "had", "that", "bye", "never"})
"""Words that are doubled on purpose or by grammar: no repetitions."""

MAX_REPEATED = 3
"""Words in the longest phrase that is looked for right after itself."""
TURN_PAUSE_S = 2.0
"""A longer silence is no part of the speaking time."""
SENTENCE_PAUSE_S = 0.5
"""A pause this long ends a sentence, as far as sound alone can tell."""
DIVERSITY_WORDS = 50
"""Window of the moving average."""
MIN_WORDS, MIN_SPEAKING_S = 10, 5.0
"""Less gives neither rates nor shares."""
MIN_SENTENCES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMeasures:
    """Measures of a list of words; None where there are too few words to say it."""

    n_words: int
    """Fillers are not words."""
    n_fillers: int
    speaking_s: float
    """From the first to the last word, without silences longer than TURN_PAUSE_S."""
    per_minute: float | None
    """Words a minute of speaking time."""
    fillers: float | None
    """A minute of speaking time."""
    hedges: float | None
    """In a hundred words."""
    repetitions: float | None
    """Words and phrases said twice in a row, in a hundred words."""
    diversity: float | None
    """Moving-average type-token ratio in (0, 1]; needs DIVERSITY_WORDS words."""
    sentence_length: float | None
    """Mean number of words between pauses of SENTENCE_PAUSE_S."""


def measure_text(words: Sequence[Word]) -> TextMeasures:
    """Measure words.

    Args:
        words: of one speaker, in order of time; may be empty.
    """
    said = [normalise(word.text) for word in words]
    plain = [text for text in said if text and text not in FILLERS]
    n_fillers = sum(text in FILLERS for text in said)
    speaking_s = speaking_time_s(words)
    has_pace = len(plain) >= MIN_WORDS and speaking_s >= MIN_SPEAKING_S
    has_share = len(plain) >= MIN_WORDS
    sentences = [n for n in _sentence_lengths(words) if n > 0]
    return TextMeasures(
        n_words=len(plain),
        n_fillers=n_fillers,
        speaking_s=speaking_s,
        per_minute=60.0 * len(plain) / speaking_s if has_pace else None,
        fillers=60.0 * n_fillers / speaking_s if has_pace else None,
        hedges=100.0 * count_hedges(plain) / len(plain) if has_share else None,
        repetitions=100.0 * count_repetitions(plain) / len(plain) if has_share else None,
        diversity=moving_type_token_ratio(plain),
        sentence_length=float(np.mean(sentences)) if has_share and len(sentences) >= MIN_SENTENCES else None,
    )


def normalise(text: str) -> str:
    """Return a word in lower case without punctuation around it; empty when it was nothing else."""
    return text.lower().replace("’", "'").strip(" \t\n.,;:!?…\"“”()[]{}-–—'")


def speaking_time_s(words: Sequence[Word]) -> float:
    """Return the time from the first to the last word, silences longer than TURN_PAUSE_S left out."""
    total_s = 0.0
    for i, word in enumerate(words):
        total_s += max(0.0, word.to_s - word.from_s)
        if i > 0:
            pause_s = word.from_s - words[i - 1].to_s
            total_s += pause_s if 0 < pause_s <= TURN_PAUSE_S else 0.0
    return total_s


def count_hedges(plain: Sequence[str]) -> int:
    """Count hedges in normalised words without fillers; the longest that begins at a word counts, and no overlaps."""
    i = n = 0
    while i < len(plain):
        length = max((len(h) for h in HEDGES if tuple(plain[i : i + len(h)]) == h), default=0)
        n += length > 0
        i += max(1, length)
    return n


def count_repetitions(plain: Sequence[str]) -> int:
    """Count words and phrases, up to MAX_REPEATED words long, that follow themselves at once.

    ``the the the`` is two; ``I was I was there`` is one.
    """
    i = n = 0
    while i < len(plain):
        length = next(
            (k for k in range(MAX_REPEATED, 0, -1) if len(plain) >= i + 2 * k and _is_said_again(plain, i, k)), 0
        )
        n += length > 0
        i += max(1, length)
    return n


def moving_type_token_ratio(plain: Sequence[str], window: int = DIVERSITY_WORDS) -> float | None:
    """Return the mean share of different words over all windows; unlike the plain ratio it does not fall with length.

    Source: Covington and McFall 2010, "Cutting the Gordian knot: the moving-average type-token ratio (MATTR)".

    Returns:
        In (0, 1]; None with fewer words than a window has.
    """
    if len(plain) < window:
        return None
    shares = [len(set(plain[i : i + window])) / window for i in range(len(plain) - window + 1)]
    return float(np.mean(shares))


def _is_said_again(plain: Sequence[str], i: int, k: int) -> bool:
    phrase = plain[i : i + k]
    return phrase == plain[i + k : i + 2 * k] and not (k == 1 and phrase[0] in DOUBLED)


def _sentence_lengths(words: Sequence[Word]) -> list[int]:
    lengths: list[int] = []
    for i, word in enumerate(words):
        if i == 0 or word.from_s - words[i - 1].to_s >= SENTENCE_PAUSE_S:
            lengths.append(0)
        lengths[-1] += normalise(word.text) not in FILLERS
    return lengths
