from datetime import UTC, datetime

import pytest

from pipeline.summary import Peak
from server.errors import NotFound
from server.sessions.records import Marker, MarkerKind, Question
from server.sessions.summaries import assign_questions
from tests.fakes.rooms import estimate
from tests.sessions.conftest import Call, World, last

NOW = datetime(2026, 11, 20, tzinfo=UTC)
QUESTIONS = tuple(Question(id=f"q{n}", interview_id="i", position=n, text=f"Question {n}?") for n in range(2))


def marker(t_s: float | None, question_id: str | None, kind: MarkerKind = MarkerKind.QUESTION) -> Marker:
    return Marker(
        id="m",
        interview_id="i",
        session_id="s",
        author_id="a",
        author="A",
        t_s=t_s,
        kind=kind,
        label="",
        question_id=question_id,
        created_at=NOW,
    )


def test_a_peak_belongs_to_the_question_asked_last():
    peaks = [Peak(t_s=t_s, stress=0.8) for t_s in (5.0, 10.0, 19.0, 30.0)]
    markers = [marker(20.0, "q0"), marker(10.0, "q1"), marker(None, "q0"), marker(25.0, None, MarkerKind.MOMENT)]
    asked = assign_questions(peaks, markers, QUESTIONS)
    assert [item.question and item.question.id for item in asked] == [None, "q1", "q1", "q0"]


def test_a_question_that_is_gone_is_left_out():
    (asked,) = assign_questions([Peak(t_s=9.0, stress=0.8)], [marker(1.0, "gone")], QUESTIONS)
    assert asked.question is None


async def test_a_report_holds_all_of_its_session_and_nothing_of_another(call: Call, world: World):
    session_id = await call.analyse()
    await world.say(call.interviewer, "marker", kind="question", question_id=call.details.questions[0].id)
    feed = world.analysis.newest
    for t_s, stress, peak_t_s in ((1.0, 0.2, None), (2.0, 0.8, None), (3.0, 0.3, 2.0), (4.0, None, None)):
        feed.estimate(estimate(t_s, stress, peak_t_s=peak_t_s, full=stress is not None), 0.0)
    await world.say(call.interviewer, "note", text="Calm.")
    await world.say(call.interviewer, "stop_analysis")
    await world.settle(call.details)
    world.clock.pass_s(10)
    await world.say(call.interviewer, "start_analysis")
    await world.settle(call.details)
    await world.say(call.interviewer, "marker", kind="moment", label="of the second")
    report = await world.summaries.report(call.user, session_id)
    assert report.session.id == session_id
    assert [item.t_s for item in report.estimates] == [1.0, 2.0, 3.0, 4.0]
    assert report.summary.mean == pytest.approx(1.3 / 3)
    assert report.summary.coverage == 0.75
    assert [(item.peak.t_s, item.question and item.question.text) for item in report.peaks] == [
        (2.0, "Tell us about yourself.")
    ]
    assert [item.kind for item in report.markers] == [MarkerKind.QUESTION]
    assert [item.text for item in report.notes] == ["Calm."]
    assert report.session.mean_stress == pytest.approx(report.summary.mean)
    assert report.summary.highest is not None
    assert report.session.peak_stress == report.summary.highest.stress
    sessions = await world.summaries.sessions(call.details.interview.id)
    assert [item.id == session_id for item in sessions] == [True, False]
    assert last(await world.say(call.interviewer, "stop_analysis"), "state")["analysis"]["on"] is False


async def test_a_session_without_any_estimate_has_a_report(call: Call, world: World):
    session_id = await call.analyse()
    await world.say(call.interviewer, "stop_analysis")
    await world.settle(call.details)
    report = await world.summaries.report(call.user, session_id)
    assert (report.summary.mean, report.session.mean_stress, report.session.peak_t_s) == (None, None, None)


async def test_sessions_are_for_their_interviewers(call: Call, world: World):
    session_id = await call.analyse()
    other = await world.person(call.user, "eve@example.org")
    for attempt in (world.summaries.report, world.summaries.session):
        with pytest.raises(NotFound):
            await attempt(other, session_id)
        with pytest.raises(NotFound):
            await attempt(call.user, "no-such-session")
