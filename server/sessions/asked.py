"""Which question was asked when: what the markers of a session say."""

from collections.abc import Iterable

from server.sessions.records import Marker, MarkerKind, Question


def list_asked(markers: Iterable[Marker], questions: Iterable[Question]) -> list[tuple[float, Question]]:
    """Return (time, question) of each marker of a question that is still in the list, in order of time."""
    by_id = {question.id: question for question in questions}
    asked = [
        (marker.t_s, by_id[marker.question_id])
        for marker in markers
        if marker.kind is MarkerKind.QUESTION and marker.t_s is not None and marker.question_id in by_id
    ]
    return sorted(asked, key=lambda item: item[0])
