"""Which question was asked when: what the markers of a session say."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from server.sessions.records import Marker, MarkerKind, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question and the stretch of its answer: from its marker to the next one's."""

    question: Question
    from_s: float
    to_s: float
    """Infinite for the last one."""


def list_asked(markers: Iterable[Marker], questions: Iterable[Question]) -> list[Asked]:
    """Return the questions that were marked and are still in the list, in order of time; marked twice, it has two."""
    by_id = {question.id: question for question in questions}
    marked = sorted(
        (
            (marker.t_s, by_id[marker.question_id])
            for marker in markers
            if marker.kind is MarkerKind.QUESTION and marker.t_s is not None and marker.question_id in by_id
        ),
        key=lambda item: item[0],
    )
    ends_s = [t_s for t_s, _ in marked[1:]] + [math.inf]
    return [
        Asked(question=question, from_s=t_s, to_s=to_s) for (t_s, question), to_s in zip(marked, ends_s, strict=False)
    ]
