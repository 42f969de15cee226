"""Why a peak, and what is recommended, from the analysis to the pages."""

import pytest

from server.sessions.records import ConsentKind
from tests.fakes.signals import signal, tick
from tests.sessions.conftest import Call, World, last, received


def peaked():
    """A calm voice that rises for a second at 40 s; the next estimate confirms the peak."""
    estimates = [tick(float(t), 0.3, parts={"voice.f0": 0.3}) for t in range(1, 40)]
    moved = signal("voice.f0_sd", 3.0, z=4.0, quality=0.5)
    estimates.append(tick(40.0, 0.7 * 0.3 + 0.3 * 0.8, moved, parts={"voice.f0": 0.5, "face.fear": 0.3}))
    estimates.append(tick(41.0, 0.7 * 0.45 + 0.3 * 0.3, parts={"voice.f0": 0.3}, peak_t_s=40.0))
    return estimates


def check(why) -> None:
    assert why["rise"] == pytest.approx(0.45 - (29 * 0.3 + 0.45) / 30, abs=1e-4)
    assert sum(part["amount"] for part in why["parts"]) == pytest.approx(why["rise"], abs=2e-4)
    assert {part["signal"] for part in why["parts"]} == {"voice.f0", "face.fear"}
    assert why["moved"] == [{"name": "voice.f0_sd", "value": 3.0, "z": 4.0, "quality": 0.5}]


async def test_a_peak_is_explained_live_in_the_history_and_in_the_report(call: Call, world: World):
    session_id = await call.analyse()
    for item in peaked():
        world.analysis.newest.estimate(item, 0.0)
    message = last(received(call.interviewer), "estimate")
    assert message["peak_t_s"] == 40.0
    check(message["peak_why"])
    again = await world.interviewer_page(call.user, call.details, since_s=30.0, session_id=session_id)
    (peak,) = last(received(again), "history")["peaks"]
    assert (peak["t_s"], peak["stress"]) == (40.0, pytest.approx(0.45))
    check(peak["why"])
    report = await world.summaries.report(call.user, session_id)
    assert report.peaks[0].why is not None
    assert report.peaks[0].why.rise == pytest.approx(0.145)
    assert [row.label for row in report.signal_table] == ["Whole session"]


async def test_interviewers_are_told_what_is_recommended_and_researchers_are_not(call: Call, world: World):
    await call.analyse(ConsentKind.RESEARCH)
    _, secret = await world.taptokens.create(call.details.interview.id, label="Lab")
    tap = await world.taptokens.read(secret, call.details.interview.id)
    subscription = await world.rooms.subscribe_estimates(tap)
    world.clock.pass_s(20.0)
    question = call.details.questions[1]
    await world.say(call.interviewer, "marker", kind="question", question_id=question.id)
    feed = world.analysis.newest
    assert feed.questions_s == [20.0]
    for t in range(1, 41):
        feed.estimate(tick(float(t), 0.2 + 0.01 * max(0, t - 20)), 0.0)
    messages = [message for message in received(call.interviewer) if message["type"] == "estimate"]
    (advice,) = messages[-1]["advice"]
    assert advice["text"] == "The stress indicators have been rising for 20 s since question 2: consider a pause."
    assert [item["name"] for item in advice["evidence"]] == ["stress", "stress.rise"]
    assert messages[0]["advice"] == []
    assert "advice" not in await anext(subscription)
    assert all("advice" not in message for message in received(call.candidate))


async def test_a_question_whose_marker_was_deleted_is_not_named(call: Call, world: World):
    await call.analyse()
    world.clock.pass_s(20.0)
    messages = await world.say(call.interviewer, "marker", kind="question")
    feed = world.analysis.newest
    await world.say(call.interviewer, "delete_marker", id=last(messages, "marker")["id"])
    for t in range(1, 41):
        feed.estimate(tick(float(t), 0.2 + 0.01 * max(0, t - 20)), 0.0)
    (advice,) = last(received(call.interviewer), "estimate")["advice"]
    assert "question" not in advice["text"]
