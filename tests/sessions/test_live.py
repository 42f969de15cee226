import pytest

from pipeline.types import BrowserAudio
from server.db import participants as participant_rows
from server.db.interviews import set_status
from server.errors import Conflict, Forbidden, Gone, NotAuthenticated, NotFound, TooManyRequests
from server.protocol import CLIENT_EVENTS, SERVER_EVENTS, Role
from server.sessions.live import MAX_ENTRIES
from server.sessions.live_room import CHECK_LOGINS_S
from server.sessions.principals import AccessPrincipal, Grant, JoinPrincipal
from server.sessions.records import ConsentKind, InterviewStatus
from server.sessions.room_requests import REQUESTS
from server.sessions.seat import Connection
from tests.fakes.rooms import estimate
from tests.sessions.conftest import PASSWORD, Call, World, interview_form, last, received, types


def participant(state: dict, role: str) -> dict:
    return next(item for item in state["participants"] if item["role"] == role)


# --- coming in ---


async def test_welcome_tells_a_page_who_it_is(call: Call, world: World):
    page = await world.candidate_page(call.details)
    welcome, state = received(page)
    assert welcome["type"] == "welcome"
    assert welcome["participant_id"] == call.details.candidate.id
    assert welcome["interview"] == {"title": "Backend engineer", "duration_min": 45, "purpose": "practice"}
    assert (state["status"], state["you"]) == ("scheduled", "absent")


async def test_knocking_needs_consent_to_the_call(call: Call, world: World):
    page = await world.candidate_page(call.details)
    assert last(await world.say(page, "knock"), "error")["code"] == "no_consent"
    await world.consent(call.details, ConsentKind.CALL)
    assert last(await world.say(page, "knock"), "state")["you"] == "waiting"
    assert await call.status() is InterviewStatus.WAITING


async def test_interviewers_hear_a_knock_and_late_ones_too(call: Call, world: World):
    await call.wait()
    messages = received(call.interviewer)
    assert last(messages, "knock")["name"] == "Cleo Candidate"
    assert participant(last(messages, "state"), "candidate")["presence"] == "waiting"
    other = await world.person(call.user, "ivan@example.org")
    await world.schedule.add_interviewer(call.user, call.details.interview.id, email=other.email)
    late = await world.interviewer_page(other, call.details)
    assert "knock" in types(received(late))


async def test_admitting_makes_the_interview_live(call: Call, world: World):
    await call.wait()
    assert last(await world.say(call.interviewer, "admit"), "state")["status"] == "live"
    assert last(received(call.candidate), "state")["you"] == "admitted"
    assert await call.status() is InterviewStatus.LIVE


async def test_nobody_can_be_admitted_who_does_not_wait(call: Call, world: World):
    page = await world.interviewer_page(call.user, call.details)
    assert last(await world.say(page, "admit"), "error")["code"] == "nobody_waiting"
    assert last(await world.say(page, "decline"), "error")["code"] == "nobody_waiting"


async def test_declining_sends_the_candidate_away_who_may_knock_again(call: Call, world: World):
    await call.wait()
    await world.say(call.interviewer, "decline")
    assert received(call.candidate)[-1] == {"type": "bye", "reason": "declined"}
    assert await call.candidate.outbox.get() is None
    assert await call.status() is InterviewStatus.SCHEDULED
    again = await world.candidate_page(call.details)
    assert last(received(again), "state")["you"] == "declined"
    assert last(await world.say(again, "knock"), "state")["you"] == "waiting"


async def test_only_as_many_interviews_go_live_as_the_server_may_run(call: Call, world: World):
    for n in range(2):
        other = Call(world, call.user, await world.interview(call.user, title=f"Other {n}"))
        await other.wait()
        await world.say(other.interviewer, "admit")
    await call.wait()
    assert last(await world.say(call.interviewer, "admit"), "error")["code"] == "full"
    assert await call.status() is InterviewStatus.WAITING


# --- who may what ---


async def test_media_opens_only_to_those_let_in(call: Call, world: World):
    await call.wait()
    tokens = world.tokens
    candidate = tokens.read_access(tokens.access_token(call.details.candidate, call.details.interview, Grant))
    interviewer_id = call.interviewer.participant_id
    with pytest.raises(Conflict):
        await world.rooms.authorise_publish(candidate)
    with pytest.raises(Conflict):
        await world.rooms.authorise_watch(candidate, interviewer_id)
    await world.say(call.interviewer, "admit")
    await world.rooms.authorise_publish(candidate)
    await world.rooms.authorise_watch(candidate, interviewer_id)
    with pytest.raises(Forbidden):
        await world.rooms.authorise_watch(candidate, call.details.candidate.id)
    with pytest.raises(NotFound):
        await world.rooms.authorise_watch(candidate, "somebody")
    await world.say(call.interviewer, "end")
    with pytest.raises(Gone):
        await world.rooms.authorise_publish(candidate)


async def test_a_token_without_the_grant_opens_nothing(call: Call, world: World):
    token = world.tokens.access_token(call.details.candidate, call.details.interview, [])
    principal = world.tokens.read_access(token)
    with pytest.raises(Forbidden):
        await world.rooms.connect(principal)
    with pytest.raises(Forbidden):
        await world.rooms.authorise_publish(principal)
    with pytest.raises(Forbidden):
        await world.rooms.authorise_watch(principal, "x")


async def test_a_token_of_another_room_or_role_does_not_open_this_one(call: Call, world: World):
    other = await world.interview(call.user)
    for participant_id, role in ((other.candidate.id, Role.CANDIDATE), (call.details.candidate.id, Role.INTERVIEWER)):
        principal = AccessPrincipal(
            participant_id=participant_id,
            room_id=call.details.interview.room_id,
            role=role,
            grants=frozenset(Grant),
            expires_at=world.clock.now(),
            jti="1",
            link_version=1,
            login_id=None,
        )
        with pytest.raises(NotFound):
            await world.rooms.connect(principal)


async def test_an_interviewer_who_was_taken_off_is_out(call: Call, world: World):
    other = await world.person(call.user, "ivan@example.org")
    await world.schedule.add_interviewer(call.user, call.details.interview.id, email=other.email)
    page = await world.interviewer_page(other, call.details)
    principal = world.tokens.read_access(
        world.tokens.access_token(
            await world.schedule.interviewer_participant(other, call.details.interview.id),
            call.details.interview,
            Grant,
        )
    )
    await world.schedule.edit(call.user, call.details.interview.id, interview_form())
    assert received(page)[-1] == {"type": "bye", "reason": "expired"}
    with pytest.raises(NotFound):
        await world.rooms.connect(principal)


async def test_a_new_link_puts_out_who_came_by_the_one_before(call: Call, world: World):
    await call.begin()
    stranger = world.tokens.read_access(
        world.tokens.access_token(call.details.candidate, call.details.interview, Grant)
    )
    renewed = await world.schedule.renew_join_link(call.user, call.details.interview.id)
    assert received(call.candidate)[-1] == {"type": "bye", "reason": "expired"}
    assert (call.details.interview.room_id, call.details.candidate.id) in world.media.closed_participants
    for enter in (world.rooms.connect, world.rooms.authorise_publish):
        with pytest.raises(NotAuthenticated):
            await enter(stranger)
    page = await world.candidate_page(renewed)
    assert last(received(page), "state")["you"] == "absent"
    assert last(await world.say(page, "knock"), "state")["you"] == "waiting"


async def test_another_candidate_is_asked_anew_and_the_one_before_is_out(call: Call, world: World):
    await call.wait()
    await world.consent(call.details, ConsentKind.ANALYSIS, ConsentKind.RESEARCH)
    stranger = world.tokens.read_access(
        world.tokens.access_token(call.details.candidate, call.details.interview, Grant)
    )
    link = world.tokens.join_token(call.details.interview, call.details.candidate)
    form = interview_form(candidate_name="Nora New", candidate_email="nora@example.org")
    changed = await world.schedule.edit(call.user, call.details.interview.id, form)
    assert received(call.candidate)[-1] == {"type": "bye", "reason": "expired"}
    assert await call.status() is InterviewStatus.SCHEDULED
    with pytest.raises(Gone):
        await world.tokens.read_join(link)
    with pytest.raises(NotFound):
        await world.rooms.connect(stranger)
    page = await world.candidate_page(changed)
    assert received(page)[0]["name"] == "Nora New"
    assert last(await world.say(page, "knock"), "error")["code"] == "no_consent"
    holder = JoinPrincipal(interview=changed.interview, participant=changed.candidate)
    assert (await world.rooms.consent_state(holder)).answered == frozenset()


@pytest.mark.parametrize("way", ["here", "everywhere", "password"])
async def test_who_logs_out_is_out_of_the_room_too(call: Call, world: World, way: str):
    login, secret = await world.accounts.log_in(call.user.email, PASSWORD, address="")
    here, _ = await world.accounts.log_in(call.user.email, PASSWORD, address="")
    participant = await world.schedule.interviewer_participant(call.user, call.details.interview.id)
    token = world.tokens.access_token(participant, call.details.interview, Grant, login_id=login.login_session_id)
    principal = world.tokens.read_access(token)
    page = await world.rooms.connect(principal)
    world.clock.pass_s(CHECK_LOGINS_S)
    await world.rooms.sweep()
    assert "bye" not in types(received(page))
    if way == "here":
        await world.accounts.log_out(secret)
    elif way == "everywhere":
        await world.accounts.log_out_everywhere(call.user.id)
    else:
        await world.accounts.change_password(here, old=PASSWORD, new="another good password")
    with pytest.raises(NotAuthenticated):
        await world.rooms.authorise_watch(principal, call.details.candidate.id)
    world.clock.pass_s(CHECK_LOGINS_S)
    await world.rooms.sweep()
    assert received(page)[-1] == {"type": "bye", "reason": "expired"}
    assert (call.details.interview.room_id, participant.id) in world.media.closed_participants


@pytest.mark.parametrize("event", sorted(CLIENT_EVENTS))
async def test_every_event_is_refused_to_a_role_that_may_not_send_it(call: Call, world: World, event: str):
    await call.analyse()
    for connection in (call.candidate, call.interviewer):
        if connection.role not in CLIENT_EVENTS[event].roles:
            assert types(await world.say(connection, event)) == ["error"]
    assert await call.status() is InterviewStatus.LIVE
    assert world.rooms.stats()["analyses"] == 1


def test_every_client_event_is_handled():
    assert set(REQUESTS) | {"hello", "ping", "consent"} == set(CLIENT_EVENTS)


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        "knock",
        {},
        {"type": 5},
        {"type": "hello", "token": "x"},
        {"type": "nonsense"},
        {"type": "knock", "extra": 1},
        {"type": "consent", "kind": "analysis"},
        {"type": "consent", "kind": "call", "granted": False, "text_version": "x"},
        {"type": "consent", "kind": "analysis", "granted": "yes", "text_version": "x"},
        {"type": "devices", "microphone": 1, "camera": True},
        {"type": "devices", "microphone": True, "camera": True, "settings": {str(n): n for n in range(41)}},
    ],
)
async def test_malformed_messages_give_an_error_and_nothing_else(call: Call, world: World, message: object):
    await call.begin()
    received(call.candidate)
    await world.rooms.handle(call.candidate, message)
    assert last(received(call.candidate), "error")["code"] in ("bad_request", "forbidden")


@pytest.mark.parametrize("t_s", [float("nan"), float("inf"), True, "1"])
async def test_times_must_be_finite_numbers(call: Call, world: World, t_s: object):
    await call.begin()
    assert types(await world.say(call.interviewer, "marker", kind="moment", t_s=t_s)) == ["error"]


async def test_who_comes_in_again_and_again_is_slowed_down(call: Call, world: World):
    await call.begin()
    candidate = world.tokens.read_access(
        world.tokens.access_token(call.details.candidate, call.details.interview, Grant)
    )
    for _ in range(MAX_ENTRIES - 1):  # once they are in already
        await world.rooms.authorise_publish(candidate)
    with pytest.raises(TooManyRequests):
        await world.rooms.connect(candidate)
    await world.interviewer_page(call.user, call.details)  # nobody else is
    world.clock.pass_s(1.0)
    await world.rooms.connect(candidate)


async def test_a_page_that_asks_too_much_is_slowed_down(call: Call, world: World):
    await call.begin()
    for _ in range(70):
        messages = await world.say(call.candidate, "devices", microphone=True, camera=False)
    assert last(messages, "error")["code"] == "too_many_requests"
    assert types(await world.say(call.candidate, "ping")) == ["pong"]
    world.clock.pass_s(30)
    assert types(await world.say(call.candidate, "devices", microphone=True, camera=False)) == ["state"]


# --- presence ---


async def test_a_second_page_of_the_candidate_replaces_the_first(call: Call, world: World):
    await call.begin()
    received(call.candidate)
    second = await world.candidate_page(call.details)
    assert received(call.candidate) == [{"type": "bye", "reason": "replaced"}]
    assert last(received(second), "state")["you"] == "admitted"
    assert await world.say(call.candidate, "leave") == []
    await world.rooms.disconnect(call.candidate)
    assert (
        participant(last(await world.say(second, "devices", microphone=True, camera=True), "state"), "candidate")[
            "presence"
        ]
        == "present"
    )


async def test_a_page_that_reconnects_within_a_minute_never_left(call: Call, world: World):
    await call.begin()
    await world.rooms.disconnect(call.candidate)
    world.publish(call.details.candidate, call.details, "interrupted")
    assert participant(last(received(call.interviewer), "state"), "candidate")["presence"] == "interrupted"
    world.clock.pass_s(59)
    await world.rooms.sweep()
    again = await world.candidate_page(call.details)
    assert last(received(again), "state")["you"] == "admitted"
    assert participant(last(received(call.interviewer), "state"), "candidate")["presence"] == "interrupted"
    world.publish(call.details.candidate, call.details)
    assert participant(last(received(call.interviewer), "state"), "candidate")["presence"] == "present"
    assert world.media.closed_participants == []


async def test_a_page_that_stays_away_longer_has_left(call: Call, world: World):
    await call.analyse()
    await world.rooms.disconnect(call.candidate)
    world.publish(call.details.candidate, call.details, "interrupted")
    world.clock.pass_s(60)
    await world.rooms.sweep()
    state = last(received(call.interviewer), "state")
    assert participant(state, "candidate")["presence"] == "absent"
    assert state["analysis"]["on"] is False
    assert state["status"] == "live"
    assert (call.details.interview.room_id, call.details.candidate.id) in world.media.closed_participants
    again = await world.candidate_page(call.details)
    assert last(received(again), "state")["you"] == "absent"


async def test_a_candidate_whose_media_flow_is_there_without_a_page(call: Call, world: World):
    await call.begin()
    await world.rooms.disconnect(call.candidate)
    world.clock.pass_s(600)
    await world.rooms.sweep()
    assert participant(last(received(call.interviewer), "state"), "candidate")["presence"] == "present"


async def test_a_waiting_candidate_who_goes_is_no_longer_announced(call: Call, world: World):
    await call.wait()
    await world.rooms.disconnect(call.candidate)
    assert participant(last(received(call.interviewer), "state"), "candidate")["presence"] == "interrupted"
    world.clock.pass_s(60)
    await world.rooms.sweep()
    assert await call.status() is InterviewStatus.SCHEDULED
    assert last(await world.say(call.interviewer, "admit"), "error")["code"] == "nobody_waiting"


async def test_leaving_is_for_good_and_the_call_stays_open(call: Call, world: World):
    session_id = await call.analyse()
    await world.say(call.candidate, "leave")
    assert await call.candidate.outbox.get() is None
    assert participant(last(received(call.interviewer), "state"), "candidate")["presence"] == "absent"
    await world.settle(call.details)
    assert (await world.summaries.session(call.user, session_id)).end_reason == "candidate_left"
    again = await world.candidate_page(call.details)
    await world.say(again, "knock")
    assert last(await world.say(call.interviewer, "admit"), "state")["status"] == "live"


async def test_devices_and_media_are_shown(call: Call, world: World):
    await call.begin()
    shown = participant(last(received(call.interviewer), "state"), "candidate")
    assert (shown["publishing"], shown["microphone"], shown["camera"]) == (True, True, True)
    await world.say(call.candidate, "devices", microphone=True, camera=False, settings={"autoGainControl": False})
    shown = participant(last(received(call.interviewer), "state"), "candidate")
    assert (shown["microphone"], shown["camera"]) == (True, False)


async def test_the_analysis_knows_what_the_candidates_browser_does_to_the_sound(call: Call, world: World):
    async def say(page: Connection, **settings: object) -> None:
        await world.say(page, "devices", microphone=True, camera=True, settings=settings)

    await call.begin(ConsentKind.ANALYSIS)
    await say(call.candidate, autoGainControl=True)
    await world.say(call.interviewer, "start_analysis")
    await world.settle(call.details)
    heard = world.analysis.newest.browser_audio
    assert heard == [BrowserAudio(has_automatic_gain=True, has_noise_suppression=False)]
    await say(call.candidate, autoGainControl="yes", noiseSuppression=True)  # a page may write anything
    assert heard[1:] == [BrowserAudio(has_automatic_gain=False, has_noise_suppression=True)]
    await say(call.interviewer, autoGainControl=True)
    await world.say(call.candidate, "devices", microphone=False, camera=False)
    assert len(heard) == 2


@pytest.mark.parametrize("when", ["never", "withdrawn"])
async def test_without_consent_to_the_analysis_nothing_is_kept_of_the_browsers_sound(
    call: Call, world: World, when: str
):
    await call.begin(*([ConsentKind.ANALYSIS] if when == "withdrawn" else []))
    if when == "withdrawn":
        await world.consent(call.details, ConsentKind.ANALYSIS, granted=False)
    said = {"microphone": True, "camera": True, "settings": {"autoGainControl": True}}
    await world.say(call.candidate, "devices", **said)
    await world.say(call.interviewer, "devices", **said)
    assert await kept_settings(world, call) == []
    await world.consent(call.details, ConsentKind.ANALYSIS)
    await world.say(call.candidate, "devices", **said)
    assert await kept_settings(world, call) == [{"autoGainControl": True}]


async def kept_settings(world: World, call: Call) -> list[object]:
    async with world.database.read() as connection:
        people = await participant_rows.of_interview(connection, call.details.interview.id)
        found = [await participant_rows.device_settings(connection, person.id) for person in people]
    return [settings for settings in found if settings is not None]


async def test_everybody_is_told_of_the_end(call: Call, world: World):
    session_id = await call.analyse()
    received(call.candidate)
    for messages in (await world.say(call.interviewer, "end"), received(call.candidate)):
        assert messages[-1] == {"type": "bye", "reason": "ended"}
        assert (last(messages, "state")["status"], last(messages, "state")["you"]) == ("ended", "ended")
    assert world.media.closed_rooms == [call.details.interview.room_id]
    assert await call.status() is InterviewStatus.ENDED
    assert (await world.summaries.session(call.user, session_id)).end_reason == "ended"  # when the pages are told
    with pytest.raises(Gone):
        await world.candidate_page(call.details)
    await world.rooms.sweep()
    assert world.rooms.stats()["rooms"] == 0


async def test_media_that_come_into_a_room_that_is_over_are_ended(call: Call, world: World):
    await call.begin()
    await world.say(call.interviewer, "end")
    world.publish(call.details.candidate, call.details)
    await world.rooms._tasks.settle()
    assert world.media.closed_participants == [(call.details.interview.room_id, call.details.candidate.id)]


async def test_rooms_nobody_is_in_are_forgotten(call: Call, world: World):
    page = await world.candidate_page(call.details)
    assert world.rooms.stats()["rooms"] == 1
    await world.rooms.disconnect(page)
    world.clock.pass_s(61)
    await world.rooms.sweep()
    assert world.rooms.stats()["rooms"] == 0


async def test_a_live_interview_that_everybody_left_ends_after_half_an_hour(call: Call, world: World):
    await call.begin()
    world.publish(call.details.candidate, call.details, "closed")
    await world.rooms.disconnect(call.candidate)
    await world.rooms.disconnect(call.interviewer)
    for seconds in (61, 1799):
        world.clock.pass_s(seconds)
        await world.rooms.sweep()
    assert await call.status() is InterviewStatus.LIVE
    world.clock.pass_s(1)
    await world.rooms.sweep()
    assert await call.status() is InterviewStatus.ENDED


async def test_after_a_restart_an_admitted_candidate_comes_straight_back(call: Call, world: World):
    await call.begin()
    restarted = World(world.database, world.clock, world.config)
    await restarted.rooms.restore()
    page = await restarted.candidate_page(call.details)
    assert last(received(page), "state")["you"] == "admitted"


async def test_after_a_restart_a_waiting_candidate_knocks_again(call: Call, world: World):
    await call.wait()
    restarted = World(world.database, world.clock, world.config)
    await restarted.rooms.restore()
    assert await call.status() is InterviewStatus.SCHEDULED


async def test_cancelling_sends_everybody_away(call: Call, world: World):
    await call.wait()
    await world.schedule.cancel(call.user, call.details.interview.id)
    for page in (call.interviewer, call.candidate):
        assert received(page)[-1] == {"type": "bye", "reason": "cancelled"}
    with pytest.raises(Gone):
        await world.candidate_page(call.details)


async def test_a_cancelled_interview_cannot_be_revived_by_a_request_under_way(call: Call, world: World):
    await call.wait()
    async with world.database.write() as connection:  # stored, but the room is not told yet
        await set_status(connection, call.details.interview.id, InterviewStatus.CANCELLED)
    assert types(await world.say(call.interviewer, "admit")) == ["error"]
    assert await call.status() is InterviewStatus.CANCELLED


async def test_shutdown_says_bye_and_marks_sessions_interrupted(call: Call, world: World):
    session_id = await call.analyse()
    await world.rooms.close()
    for page in (call.interviewer, call.candidate):
        assert received(page)[-1] == {"type": "bye", "reason": "shutdown"}
    session = await world.summaries.session(call.user, session_id)
    assert (session.status, session.end_reason) == ("interrupted", "shutdown")


# --- what a candidate may know ---


async def test_a_candidate_receives_nothing_of_the_analysis(call: Call, world: World):
    await call.analyse()
    world.analysis.newest.estimate(estimate(1.0), 0.0)
    await world.say(call.interviewer, "marker", kind="moment", label="secret marker")
    await world.say(call.interviewer, "note", text="secret note")
    messages = received(call.candidate)
    assert all(Role.CANDIDATE in SERVER_EVENTS[kind].roles for kind in types(messages))
    assert last(messages, "state")["analysis"] == {"on": True}
    assert "secret" not in str(messages)
    again = await world.candidate_page(call.details)
    assert set(types(received(again))) == {"welcome", "state"}


async def test_changed_consent_text_must_be_read_again(call: Call, world: World):
    await call.begin()
    messages = await world.say(
        call.candidate, "consent", kind="analysis", granted=True, text_version="analysis-practice-1999-01"
    )
    assert last(messages, "error")["code"] == "conflict"


async def test_another_purpose_voids_consents(call: Call, world: World):
    await call.wait()
    await world.schedule.edit(call.user, call.details.interview.id, interview_form(purpose="research"))
    assert last(received(call.candidate), "state")["you"] == "absent"
    assert await call.status() is InterviewStatus.SCHEDULED
    assert last(await world.say(call.candidate, "knock"), "error")["code"] == "no_consent"
