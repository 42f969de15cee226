from dataclasses import replace
from datetime import UTC, datetime

from server.sessions.records import Marker, MarkerKind, Question
from server.sessions.signal_table import WHOLE, make_signal_table, signal_table_json
from tests.fakes.signals import signal, tick

QUESTIONS = tuple(Question(id=f"q{n}", interview_id="i", position=n, text=f"Question {n}?") for n in range(2))
MARKER = Marker(
    id="m",
    interview_id="i",
    session_id="s",
    author_id="a",
    author="A",
    t_s=10.0,
    kind=MarkerKind.QUESTION,
    label="",
    question_id="q1",
    created_at=datetime(2026, 11, 20, tzinfo=UTC),
)


def series():
    """Thirty seconds in which the pulse is 60 and from 20 s on 90."""
    return [
        tick(float(t), 0.3, signal("pulse.rate", 60.0 if t < 20 else 90.0, z=0.0 if t < 20 else 4.0)) for t in range(30)
    ]


def test_the_whole_session_comes_first_and_then_each_answer():
    markers = [replace(MARKER, t_s=20.5, question_id="q0"), MARKER, replace(MARKER, kind=MarkerKind.MOMENT, t_s=1.0)]
    found = signal_table_json(make_signal_table(series(), markers, QUESTIONS))["questions"]
    assert [(row["question_id"], row["label"], row["from_s"], row["to_s"]) for row in found] == [
        (None, WHOLE, 0.0, 30.0),
        ("q1", "Question 1?", 10.0, 20.5),
        ("q0", "Question 0?", 20.5, 30.0),
    ]
    (pulse,) = found[2]["signals"]
    assert pulse == {"name": "pulse.rate", "median": 90.0, "low": 90.0, "high": 90.0, "z": 4.0, "coverage": 0.947}
    assert found[0]["signals"][0]["median"] == 60.0


def test_a_question_asked_twice_has_two_rows_and_one_after_the_end_nothing():
    markers = [MARKER, replace(MARKER, t_s=20.0), replace(MARKER, t_s=99.0, question_id="q0")]
    table = make_signal_table(series(), markers, QUESTIONS)
    assert [row.label for row in table] == [WHOLE, "Question 1?", "Question 1?", "Question 0?"]
    assert table[3].signals[0].median is None


def test_without_estimates_there_is_no_table():
    assert signal_table_json(make_signal_table([], [MARKER], QUESTIONS)) == {"questions": []}
