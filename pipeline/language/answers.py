"""What was said between one question and the next."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.language.measures import TextMeasures, measure_text
from pipeline.language.words import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenAnswer:
    """The words of one stretch."""

    words: tuple[Word, ...]
    measures: TextMeasures

    @property
    def text(self) -> str:
        """The words with spaces between them."""
        return " ".join(word.text for word in self.words)


def answer_between(words: Sequence[Word], from_s: float, to_s: float) -> SpokenAnswer:
    """Return what was said in [from_s, to_s): a word belongs to the stretch in which it begins."""
    inside = tuple(word for word in words if from_s <= word.from_s < to_s)
    return SpokenAnswer(words=inside, measures=measure_text(inside))
