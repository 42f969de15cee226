import base64

import pytest

from pipeline.types import Explanation, PartEffect, Reason
from server.db.engine import Database
from server.db.series import find_estimates, get_session
from server.protocol import estimate_message, explanation_message
from server.sessions.consenttexts import TEXT_DATE
from server.sessions.figures import close_interrupted
from server.sessions.records import ConsentKind, Purpose
from server.sessions.secrets import new_id
from tests.fakes.rooms import FakeAnalysis, FakeChange, estimate
from tests.sessions.conftest import Call, World, interview_form, last, received, start_in_vain, types


async def stored(database: Database, session_id: str) -> list[float]:
    async with database.read() as connection:
        return [item.t_s for item in await find_estimates(connection, session_id)]


# --- when it may start ---


async def test_without_consent_the_analysis_is_never_touched(call: Call, world: World):
    await call.begin()
    messages = await world.say(call.interviewer, "start_analysis")
    assert last(messages, "error")["code"] == "no_consent"
    await world.say(
        call.candidate, "consent", kind="research", granted=True, text_version=f"research-practice-{TEXT_DATE}"
    )
    await world.say(
        call.candidate, "consent", kind="analysis", granted=False, text_version=f"analysis-practice-{TEXT_DATE}"
    )
    await world.say(call.interviewer, "end")
    await world.settle(call.details)
    assert world.analysis == FakeAnalysis()
    assert world.media.attached == []


async def test_workers_are_warmed_as_soon_as_the_candidate_agrees(call: Call, world: World):
    await world.consent(call.details, ConsentKind.CALL)
    await world.settle(call.details)
    assert world.analysis.warmed == 0
    await world.consent(call.details, ConsentKind.ANALYSIS)
    await world.settle(call.details)
    assert world.analysis.warmed == 1
    assert world.analysis.feeds == {}


async def test_selection_is_not_analysed_unless_the_operator_says_so(call: Call, world: World):
    await world.schedule.edit(call.user, call.details.interview.id, interview_form(purpose="selection"))
    call.details = await world.schedule.get(call.user, call.details.interview.id)
    assert call.details.interview.purpose is Purpose.SELECTION
    await call.begin(ConsentKind.ANALYSIS)
    state = last(received(call.interviewer), "state")["analysis"]
    assert (state["allowed"], "selection" in state["reason"]) == (False, True)
    assert last(await world.say(call.interviewer, "start_analysis"), "error")["code"] == "purpose_not_allowed"
    await world.settle(call.details)
    assert world.analysis.warmed == 0


async def test_it_starts_only_while_the_candidate_sends_media(call: Call, world: World):
    await call.begin(ConsentKind.ANALYSIS)
    for state in ("connecting", "interrupted", "closed"):
        world.publish(call.details.candidate, call.details, state)
        assert last(await world.say(call.interviewer, "start_analysis"), "error")["code"] == "not_publishing"
    world.publish(call.details.candidate, call.details)
    assert last(received(call.interviewer), "state")["analysis"]["allowed"] is True


async def test_it_starts_once(call: Call, world: World):
    await call.begin(ConsentKind.ANALYSIS)
    await world.say(call.interviewer, "start_analysis")
    assert last(await world.say(call.interviewer, "start_analysis"), "error")["code"] == "already_running"
    await world.settle(call.details)
    assert last(await world.say(call.interviewer, "start_analysis"), "error")["code"] == "already_running"
    assert len(world.analysis.feeds) == 1


async def test_it_starts_before_the_candidate_is_in_never(call: Call, world: World):
    await call.wait()
    await world.consent(call.details, ConsentKind.ANALYSIS)
    world.publish(call.details.candidate, call.details)
    assert last(await world.say(call.interviewer, "start_analysis"), "error")["code"] == "candidate_absent"


async def test_starting_connects_the_candidates_media_to_the_worker(call: Call, world: World):
    session_id = await call.analyse()
    (attachment,) = world.media.attached
    feed = world.analysis.newest
    assert attachment.consumer is feed
    feed.on_overflow()
    assert attachment.keyframes == 1
    assert world.analysis.origins_s == {session_id: world.clock.s}
    await world.say(call.interviewer, "recalibrate")
    assert feed.recalibrations == 1


async def test_whether_interviewers_speak_is_followed_only_while_the_analysis_runs(call: Call, world: World):
    await call.begin(ConsentKind.ANALYSIS)
    assert world.media.listening == []
    await world.say(call.interviewer, "start_analysis")
    await world.settle(call.details)
    (listening,) = world.media.listening
    assert listening.who == (call.details.interview.room_id, call.details.candidate.id)
    listening.on_change(True, world.clock.s)
    assert world.analysis.newest.others == [(True, world.clock.s)]
    await world.say(call.interviewer, "stop_analysis")
    await world.settle(call.details)
    assert world.media.listening == []


async def test_everybody_sees_that_it_is_on_before_the_first_frame_goes_in(call: Call, world: World):
    await call.begin(ConsentKind.ANALYSIS)
    received(call.candidate)
    seen: list[bool] = []
    attach = world.media.attach

    def watched_attach(*args):
        seen.append(last(received(call.candidate), "state")["analysis"]["on"])
        return attach(*args)

    world.media.attach = watched_attach  # type: ignore[method-assign]
    await world.say(call.interviewer, "start_analysis")
    await world.settle(call.details)
    assert seen == [True]


async def test_a_start_that_fails_is_told_and_leaves_nothing(call: Call, world: World):
    await call.begin(ConsentKind.ANALYSIS)
    world.analysis.failure = OSError("no workers")
    await start_in_vain(call, world)
    assert "error" not in types(received(call.candidate))
    assert await world.summaries.sessions(call.details.interview.id) == ()
    world.analysis.failure = None
    await world.say(call.interviewer, "start_analysis")
    await world.settle(call.details)
    assert len(world.analysis.feeds) == 1


async def test_consent_withdrawn_while_it_starts_stops_the_start(call: Call, world: World):
    await call.begin(ConsentKind.ANALYSIS)
    room = world.rooms._rooms[call.details.interview.room_id]
    world.analysis.before_open = lambda: room.analysis.stop("consent_withdrawn", at_once=True)
    await world.say(call.interviewer, "start_analysis")
    await world.settle(call.details)
    assert world.media.attached == []
    assert world.analysis.newest.is_closed
    assert await world.summaries.sessions(call.details.interview.id) == ()
    assert last(received(call.interviewer), "state")["analysis"]["on"] is False


# --- while it runs ---


async def test_estimates_reach_interviewers_and_the_database(call: Call, world: World):
    session_id = await call.analyse()
    for t_s in (1.0, 2.0):
        world.analysis.newest.estimate(estimate(t_s, 0.5), world.clock.s)
    messages = received(call.interviewer)
    assert [message["t_s"] for message in messages if message["type"] == "estimate"] == [1.0, 2.0]
    assert last(messages, "estimate") == estimate_message(session_id, estimate(2.0, 0.5), newest_arrival_s=1000.0)
    await world.rooms._recorder.flush()
    async with world.database.read() as connection:
        assert list(await find_estimates(connection, session_id)) == [estimate(1.0, 0.5), estimate(2.0, 0.5)]


async def test_a_tick_that_comes_twice_or_late_is_ignored(call: Call, world: World):
    session_id = await call.analyse()
    for t_s in (1.0, 2.0, 2.0, 1.0, 3.0):
        world.analysis.newest.estimate(estimate(t_s), 0.0)
    await world.rooms._recorder.flush()
    assert await stored(world.database, session_id) == [1.0, 2.0, 3.0]


async def test_worker_trouble_is_shown_with_the_gap(call: Call, world: World):
    await call.analyse()
    world.analysis.newest.health(FakeChange(state="restarting", from_s=12.34567))
    messages = received(call.interviewer)
    assert messages[-1] == {"type": "worker", "state": "restarting", "from_s": 12.346}
    assert "worker" not in types(received(call.candidate))
    state = last(await world.say(call.interviewer, "devices", microphone=True, camera=True), "state")
    assert state["analysis"]["worker"] == "restarting"


async def test_state_tells_interviewers_the_session_time(call: Call, world: World):
    session_id = await call.analyse()
    world.clock.pass_s(12.5)
    state = last(await world.say(call.interviewer, "devices", microphone=True, camera=True), "state")["analysis"]
    assert (state["session_id"], state["t_s"], state["on"]) == (session_id, 12.5, True)
    assert state["started_at"] == "2026-11-20T12:00:00+00:00"


# --- how it ends ---


async def test_stopping_takes_the_last_estimates_and_stores_the_figures(call: Call, world: World):
    session_id = await call.analyse()
    feed = world.analysis.newest
    for t_s, stress in ((1.0, 0.2), (2.0, 0.9), (3.0, None)):
        feed.estimate(estimate(t_s, stress), 0.0)
    feed.last = [estimate(4.0, 0.4)]
    world.clock.pass_s(4)
    assert last(await world.say(call.interviewer, "stop_analysis"), "state")["analysis"]["on"] is False
    assert world.media.attached == []
    await world.settle(call.details)
    session = await world.summaries.session(call.user, session_id)
    assert (session.status, session.end_reason) == ("ended", "stopped")
    assert session.mean_stress == pytest.approx(0.5)
    assert (session.peak_stress, session.peak_t_s) == (0.9, 2.0)
    assert (session.ended_at - session.started_at).total_seconds() == 4.0
    assert await stored(world.database, session_id) == [1.0, 2.0, 3.0, 4.0]
    assert feed.is_closed


async def test_withdrawing_stops_at_once_and_the_call_goes_on(call: Call, world: World):
    session_id = await call.analyse()
    feed = world.analysis.newest
    feed.estimate(estimate(1.0), 0.0)
    feed.last = [estimate(2.0)]
    received(call.interviewer)
    messages = await world.say(
        call.candidate, "consent", kind="analysis", granted=False, text_version=f"analysis-practice-{TEXT_DATE}"
    )
    assert last(messages, "state")["analysis"] == {"on": False}
    assert world.media.attached == []
    feed.estimate(estimate(3.0), 0.0)
    await world.settle(call.details)
    assert await stored(world.database, session_id) == [1.0]
    messages = received(call.interviewer)
    assert "estimate" not in types(messages)
    state = last(messages, "state")
    assert (state["status"], state["analysis"]["allowed"]) == ("live", False)
    session = await world.summaries.session(call.user, session_id)
    assert (session.status, session.end_reason) == ("ended", "consent_withdrawn")
    assert world.media.closed_participants == []
    assert last(await world.say(call.interviewer, "start_analysis"), "error")["code"] == "no_consent"


async def test_withdrawing_does_not_wait_for_what_the_room_is_doing(call: Call, world: World):
    await call.analyse()
    room = world.rooms._rooms[call.details.interview.room_id]
    async with room.lock:
        withdrawal = world.consent(call.details, ConsentKind.ANALYSIS, granted=False)
        assert withdrawal.send(None) is not None  # runs until it has to wait for the first time
        assert world.media.attached == []
        assert not room.analysis.is_on
        withdrawal.close()


async def test_withdrawing_while_a_stop_delivers_its_last_estimates_cuts_them(call: Call, world: World):
    session_id = await call.analyse()
    feed = world.analysis.newest
    feed.last = [estimate(5.0)]
    await world.say(call.interviewer, "stop_analysis")
    await world.consent(call.details, ConsentKind.ANALYSIS, granted=False)
    await world.settle(call.details)
    assert await stored(world.database, session_id) in ([], [5.0])
    feed.estimate(estimate(6.0), 0.0)
    await world.rooms._recorder.flush()
    assert 6.0 not in await stored(world.database, session_id)


async def test_after_agreeing_again_a_new_session_can_start(call: Call, world: World):
    first = await call.analyse()
    await world.consent(call.details, ConsentKind.ANALYSIS, granted=False)
    await world.consent(call.details, ConsentKind.ANALYSIS)
    await world.say(call.interviewer, "start_analysis")
    await world.settle(call.details)
    sessions = await world.summaries.sessions(call.details.interview.id)
    assert [session.id == first for session in sessions] in ([True, False], [False, True])


async def test_nobody_watching_ends_the_analysis(call: Call, world: World):
    session_id = await call.analyse()
    await world.rooms.disconnect(call.interviewer)
    world.clock.pass_s(59)
    await world.rooms.sweep()
    assert world.rooms.stats()["analyses"] == 1
    world.clock.pass_s(1)
    await world.rooms.sweep()
    await world.settle(call.details)
    assert (await world.summaries.session(call.user, session_id)).end_reason == "interviewers_left"


async def test_deleting_a_running_interview_ends_it_first(call: Call, world: World):
    session_id = await call.analyse()
    feed = world.analysis.newest
    feed.estimate(estimate(1.0), 0.0)
    feed.last = [estimate(2.0)]
    await world.schedule.delete(call.user, call.details.interview.id)
    assert received(call.candidate)[-1] == {"type": "bye", "reason": "cancelled"}
    assert feed.is_closed
    async with world.database.read() as connection:
        assert await get_session(connection, session_id) is None
    assert await stored(world.database, session_id) == []
    assert world.rooms.stats()["estimates_dropped"] == 0


async def test_sessions_of_a_killed_server_are_closed_at_the_next_start(call: Call, world: World):
    session_id = await call.analyse()
    for t_s, stress in ((1.0, 0.2), (2.0, 0.7), (3.0, 0.3)):
        world.analysis.newest.estimate(estimate(t_s, stress), 0.0)
    await world.rooms._recorder.flush()
    assert await close_interrupted(world.database) == 1
    session = await world.summaries.session(call.user, session_id)
    assert (session.status, session.end_reason) == ("interrupted", "killed")
    assert (session.peak_stress, session.peak_t_s) == (0.7, 2.0)
    assert session.mean_stress == pytest.approx(0.4)
    assert (session.ended_at - session.started_at).total_seconds() == 3.0
    assert await close_interrupted(world.database) == 0


# --- what a page is told of the past ---


async def test_a_late_page_gets_everything_in_pieces(call: Call, world: World):
    session_id = await call.analyse()
    for n in range(1, 701):
        world.analysis.newest.estimate(
            estimate(float(n), 0.9 if n == 300 else 0.4, peak_t_s=300.0 if n == 301 else None), 0
        )
        received(call.interviewer)
    await world.say(call.interviewer, "marker", kind="question", question_id=call.details.questions[1].id)
    page = await world.interviewer_page(call.user, call.details)
    history = [message for message in received(page) if message["type"] == "history"]
    assert [message["complete"] for message in history] == [True, False, False]
    assert [item["t_s"] for message in history for item in message["estimates"]] == [float(n) for n in range(1, 701)]
    assert history[0]["session_id"] == session_id
    assert [message["peaks"][0]["t_s"] for message in history] == [300.0] * 3
    assert [message["peaks"][0]["why"] is not None for message in history] == [False, False, True]
    assert history[-1]["peaks"][0]["why"]["rise"] == pytest.approx(0.5 * 29 / 30, abs=1e-4)
    assert [marker["label"] for marker in history[0]["markers"]] == ["Why us?"]
    assert [question["text"] for question in history[0]["questions"]] == ["Tell us about yourself.", "Why us?"]


async def test_a_reconnecting_page_gets_what_it_missed(call: Call, world: World):
    session_id = await call.analyse()
    for n in range(1, 6):
        world.analysis.newest.estimate(estimate(float(n)), 0.0)
    page = await world.interviewer_page(call.user, call.details, since_s=3.0, session_id=session_id)
    history = last(received(page), "history")
    assert ([item["t_s"] for item in history["estimates"]], history["complete"]) == ([4.0, 5.0], False)
    page = await world.interviewer_page(call.user, call.details, since_s=3.0, session_id=new_id())
    history = last(received(page), "history")
    assert (len(history["estimates"]), history["complete"]) == (5, True)


async def test_estimates_that_come_while_the_past_is_read_come_once_and_in_order(call: Call, world: World):
    await call.analyse()
    feed = world.analysis.newest
    feed.estimate(estimate(1.0), 0.0)
    room = world.rooms._rooms[call.details.interview.room_id]
    send = room.history.send

    async def send_slowly(put, **options):
        feed.estimate(estimate(2.0), 0.0)  # before the recorder is flushed: in the database and held back
        newest_s = await send(put, **options)
        feed.estimate(estimate(3.0), 0.0)
        return newest_s

    room.history.send = send_slowly  # type: ignore[method-assign]
    page = await world.interviewer_page(call.user, call.details)
    messages = received(page)
    times = [item["t_s"] for item in last(messages, "history")["estimates"]]
    times += [message["t_s"] for message in messages if message["type"] == "estimate"]
    assert times == [1.0, 2.0, 3.0]
    feed.estimate(estimate(4.0), 0.0)
    assert types(received(page)) == ["estimate"]


async def test_after_the_analysis_the_latest_session_is_still_shown(call: Call, world: World):
    session_id = await call.analyse()
    world.analysis.newest.estimate(estimate(1.0), 0.0)
    await world.say(call.interviewer, "stop_analysis")
    await world.settle(call.details)
    page = await world.interviewer_page(call.user, call.details)
    history = last(received(page), "history")
    assert (history["session_id"], len(history["estimates"])) == (session_id, 1)


async def test_without_any_session_the_history_is_empty(call: Call, world: World):
    page = await world.interviewer_page(call.user, call.details)
    history = last(received(page), "history")
    assert (history["session_id"], history["estimates"], history["complete"]) == (None, [], True)


# --- markers and notes ---


async def test_markers_stand_at_the_moment_or_where_they_are_put(call: Call, world: World):
    session_id = await call.analyse()
    world.clock.pass_s(20)
    now = last(await world.say(call.interviewer, "marker", kind="moment", label=" here "), "marker")
    assert (now["t_s"], now["label"], now["deleted"]) == (20.0, "here", False)
    back = last(await world.say(call.interviewer, "marker", kind="moment", t_s=15.5), "marker")
    assert back["t_s"] == 15.5
    ahead = last(await world.say(call.interviewer, "marker", kind="peak", t_s=99.0), "marker")
    assert ahead["t_s"] == 20.0
    gone = last(await world.say(call.interviewer, "delete_marker", id=back["id"]), "marker")
    assert (gone["id"], gone["deleted"]) == (back["id"], True)
    assert last(await world.say(call.interviewer, "delete_marker", id=back["id"]), "error")["code"] == "not_found"
    await world.say(call.interviewer, "stop_analysis")
    await world.settle(call.details)
    report = await world.summaries.report(call.user, session_id)
    assert [marker.t_s for marker in report.markers] == [20.0, 20.0]


async def test_markers_of_other_interviews_cannot_be_touched(call: Call, world: World):
    await call.analyse()
    marker = last(await world.say(call.interviewer, "marker", kind="moment"), "marker")
    other = Call(world, call.user, await world.interview(call.user))
    await other.wait()
    assert last(await world.say(other.interviewer, "delete_marker", id=marker["id"]), "error")["code"] == "not_found"
    question = call.details.questions[0].id
    messages = await world.say(other.interviewer, "marker", kind="question", question_id=question)
    assert last(messages, "error")["code"] == "not_found"


async def test_without_a_session_markers_have_no_time(call: Call, world: World):
    await call.begin()
    marker = last(await world.say(call.interviewer, "marker", kind="moment", t_s=5.0), "marker")
    assert marker["t_s"] is None


async def test_a_marker_that_is_sent_again_is_stored_once_and_answered(call: Call, world: World):
    await call.analyse()
    world.clock.pass_s(20)
    mark = {"kind": "moment", "t_s": 12.0, "client_id": "a" * 32}
    first = last(await world.say(call.interviewer, "marker", **mark), "marker")
    assert first["id"] == "a" * 32
    world.clock.pass_s(5)
    assert last(await world.say(call.interviewer, "marker", **mark), "marker") == first
    page = await world.interviewer_page(call.user, call.details)
    assert [item["id"] for item in last(received(page), "history")["markers"]] == [first["id"]]


async def test_a_marker_that_was_deleted_does_not_come_back(call: Call, world: World):
    await call.begin()
    mark = {"kind": "moment", "client_id": "b" * 16}
    await world.say(call.interviewer, "marker", **mark)
    await world.say(call.interviewer, "delete_marker", id="b" * 16)
    error = last(await world.say(call.interviewer, "marker", **mark), "error")
    assert (error["code"], error["client_id"]) == ("not_found", "b" * 16)


@pytest.mark.parametrize("kind", ["marker", "note"])
async def test_a_page_cannot_name_what_is_somebody_elses(call: Call, world: World, kind: str):
    await call.begin()
    fields = {"client_id": "c" * 32, **({"kind": "moment"} if kind == "marker" else {"text": "mine"})}
    await world.say(call.interviewer, kind, **fields)
    colleague = await world.person(call.user, "ivan@example.org")
    await world.schedule.add_interviewer(call.user, call.details.interview.id, email=colleague.email)
    page = await world.interviewer_page(colleague, call.details)
    expected = "conflict" if kind == "marker" else "forbidden"
    assert last(await world.say(page, kind, **fields), "error")["code"] == expected
    other = Call(world, call.user, await world.interview(call.user))
    await other.wait()
    assert last(await world.say(other.interviewer, kind, **fields), "error")["code"] == "conflict"
    again = await world.interviewer_page(call.user, call.details)
    assert len(last(received(again), "history")[f"{kind}s"]) == 1


@pytest.mark.parametrize("client_id", ["", "short", "A" * 32, "a" * 33, "../" + "a" * 20, 7])
async def test_an_id_that_a_page_chooses_is_plain(call: Call, world: World, client_id: object):
    await call.begin()
    error = last(await world.say(call.interviewer, "marker", kind="moment", client_id=client_id), "error")
    assert error["code"] == "bad_request"
    assert "client_id" not in error


async def test_a_first_save_of_a_note_that_is_sent_again_is_one_note(call: Call, world: World):
    await call.begin()
    first = last(await world.say(call.interviewer, "note", text="a", client_id="d" * 32), "note")
    again = last(await world.say(call.interviewer, "note", text="ab", client_id="d" * 32), "note")
    assert (first["id"], again["id"], again["text"]) == ("d" * 32, "d" * 32, "ab")
    page = await world.interviewer_page(call.user, call.details)
    assert [note["text"] for note in last(received(page), "history")["notes"]] == ["ab"]


async def test_notes_are_shared_but_only_the_author_changes_them(call: Call, world: World):
    await call.analyse()
    other = await world.person(call.user, "ivan@example.org")
    await world.schedule.add_interviewer(call.user, call.details.interview.id, email=other.email)
    page = await world.interviewer_page(other, call.details)
    received(page)
    mine = last(await world.say(call.interviewer, "note", text=" Good answer. "), "note")
    assert (mine["text"], mine["mine"], mine["author"]) == ("Good answer.", True, "Olga Operator")
    assert last(received(page), "note")["mine"] is False
    assert last(await world.say(page, "note", id=mine["id"], text="Bad."), "error")["code"] == "forbidden"
    assert last(await world.say(call.interviewer, "note", id=mine["id"], text="Better."), "note")["text"] == "Better."
    assert last(await world.say(call.interviewer, "note", text="  "), "error")["code"] == "empty_note"
    assert last(await world.say(call.interviewer, "note", id="nope", text="x"), "error")["code"] == "not_found"
    again = await world.interviewer_page(other, call.details)
    assert [(note["text"], note["mine"]) for note in last(received(again), "history")["notes"]] == [("Better.", False)]


# --- what an answer rests on ---

MAP = Explanation(
    reason=Reason.OK,
    t_s=4.2,
    quality=0.9,
    emotion="happy",
    share=0.8,
    falls=(0.25,) * 36,
    parts=(PartEffect(part="mouth", fall=0.5),),
    crop=bytes(range(256)) * 9,
)


async def ask(call: Call, world: World, **fields: object) -> list[dict]:
    messages = await world.say(call.interviewer, "explain", **fields)
    await world.settle(call.details)
    return messages + received(call.interviewer)


async def test_an_explanation_goes_to_the_page_that_asked_alone(call: Call, world: World):
    session_id = await call.analyse()
    other = await world.person(call.user, "ivo@example.org")
    await world.schedule.add_interviewer(call.user, call.details.interview.id, email=other.email)
    colleague = await world.interviewer_page(other, call.details)
    received(colleague), received(call.candidate)
    world.analysis.newest.explanation = MAP
    message = last(await ask(call, world, emotion="happy"), "explanation")
    assert message == explanation_message(session_id, MAP)
    assert base64.b64decode(message["crop"]) == MAP.crop
    assert world.analysis.newest.explained == ["happy"]
    assert "explanation" not in types(received(colleague)) + types(received(call.candidate))


async def test_without_an_answer_the_page_is_told_so(call: Call, world: World):
    await call.analyse()
    message = last(await ask(call, world), "explanation")
    assert (message["reason"], message["crop"], message["falls"]) == ("no_answer", None, [])


async def test_nothing_is_explained_while_the_analysis_is_off(call: Call, world: World):
    await call.begin(ConsentKind.ANALYSIS)
    assert last(await ask(call, world), "error")["code"] == "not_running"


async def test_a_candidate_cannot_ask(call: Call, world: World):
    await call.analyse()
    messages = await world.say(call.candidate, "explain")
    await world.settle(call.details)
    assert last(messages, "error")["code"] == "forbidden"
    assert world.analysis.newest.explained == []


@pytest.mark.parametrize("reason", ["consent_withdrawn", "stopped"])
async def test_no_picture_is_shown_once_the_analysis_has_stopped(call: Call, world: World, reason: str):
    await call.analyse()
    feed = world.analysis.newest
    feed.explanation = MAP
    room = world.rooms._rooms[call.details.interview.room_id]
    feed.before_answer = lambda: room.analysis.stop(reason, at_once=reason == "consent_withdrawn")
    assert last(await ask(call, world), "explanation")["crop"] is None


async def test_a_room_may_ask_only_so_often(call: Call, world: World):
    await call.analyse()
    for _ in range(2):
        assert "explanation" in types(await ask(call, world))
    assert last(await ask(call, world), "error")["code"] == "too_many_requests"
    world.clock.pass_s(3.0)
    assert "explanation" in types(await ask(call, world))


async def test_an_emotion_that_is_none_is_refused(call: Call, world: World):
    await call.analyse()
    assert last(await ask(call, world, emotion="bored"), "error")["code"] == "bad_request"
