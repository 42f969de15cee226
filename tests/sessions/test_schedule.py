from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from pipeline.language.words import Word
from server.db.reviews import insert_review
from server.db.schema import metadata
from server.db.words import insert_words
from server.errors import Conflict, FieldErrors, NotFound
from server.protocol import Role
from server.sessions.forms import utc_time
from server.sessions.records import ConsentKind, InterviewStatus, Purpose, Review, StoredReview, StoredWords
from tests.fakes.rooms import estimate
from tests.sessions.conftest import Call, World, interview_form


async def test_an_interview_is_stored_as_it_was_planned(world: World):
    user = await world.operator()
    details = await world.interview(user)
    interview = details.interview
    assert interview.title == "Backend engineer"
    assert interview.candidate_email == "cleo@example.org"
    assert interview.scheduled_at == datetime(2026, 11, 21, 9, tzinfo=UTC)  # 10:00 in Berlin, winter
    assert (interview.duration_min, interview.purpose, interview.status) == (45, Purpose.PRACTICE, "scheduled")
    assert len(interview.room_id) == 32
    assert details.interviewers == (user,)
    assert [(question.position, question.text) for question in details.questions] == [
        (0, "Tell us about yourself."),
        (1, "Why us?"),
    ]
    assert await world.schedule.get(user, interview.id) == details


async def test_an_account_that_came_by_an_earlier_link_lists_the_interview_no_more(world: World):
    user = await world.operator()
    stranger = await world.person(user, "stranger@example.org", Role.CANDIDATE)
    details = await world.interview(user)
    await world.schedule.link_candidate(stranger, details.candidate)
    assert len(await world.schedule.list_for_candidate(stranger)) == 1
    await world.schedule.renew_join_link(user, details.interview.id)
    assert await world.schedule.list_for_candidate(stranger) == ()


async def test_rooms_have_ids_of_their_own(world: World):
    user = await world.operator()
    rooms = {(await world.interview(user)).interview.room_id for _ in range(5)}
    assert len(rooms) == 5


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "  "),
        ("title", "x" * 201),
        ("candidate_name", ""),
        ("candidate_email", "cleo"),
        ("candidate_email", "cleo@example.org, other@example.org"),
        ("scheduled_at", ""),
        ("scheduled_at", "tomorrow"),
        ("scheduled_at", "2026-03-29T02:30"),  # skipped in Berlin
        ("scheduled_at", "0001-01-01T00:00"),
        ("duration_min", "0"),
        ("duration_min", "481"),
        ("duration_min", "long"),
        ("purpose", "fun"),
        ("questions", ["x" * 501]),
        ("questions", ["x"] * 51),
        ("co_interviewers", ["nobody@example.org"]),
        ("co_interviewers", ["no address"]),
    ],
)
async def test_unusable_fields_are_named(world: World, field: str, value: object):
    user = await world.operator()
    with pytest.raises(FieldErrors) as caught:
        await world.interview(user, **{field: value})
    assert set(caught.value.errors) == {field}
    assert await world.schedule.list_for_interviewer(user) == ()


async def test_an_unknown_time_zone_is_named(world: World):
    user = await world.operator()
    for timezone in ("Mars/Base", "../../etc/passwd", ""):
        with pytest.raises(FieldErrors) as caught:
            await world.interview(user, timezone=timezone)
        assert "scheduled_at" in caught.value.errors


@pytest.mark.parametrize(
    ("text", "timezone", "expected"),
    [
        ("2026-07-01T10:00", "Europe/Berlin", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("2026-07-01T10:00Z", "Europe/Berlin", datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("2026-07-01T10:00:00+02:00", "UTC", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("2026-10-25T02:30", "Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # happens twice: the first
    ],
)
def test_times_become_utc(text: str, timezone: str, expected: datetime):
    assert utc_time(text, timezone) == expected


async def test_several_interviewers_see_it_and_nobody_else(world: World):
    operator = await world.operator()
    ivan, eve = await world.person(operator, "ivan@example.org"), await world.person(operator, "eve@example.org")
    details = await world.interview(operator, co_interviewers=["Ivan@Example.org", ""])
    assert details.interviewers == (operator, ivan)
    assert [item.id for item in await world.schedule.list_for_interviewer(ivan)] == [details.interview.id]
    assert await world.schedule.list_for_interviewer(eve) == ()
    for attempt in (
        world.schedule.get(eve, details.interview.id),
        world.schedule.edit(eve, details.interview.id, interview_form()),
        world.schedule.cancel(eve, details.interview.id),
        world.schedule.delete(eve, details.interview.id),
        world.schedule.renew_join_link(eve, details.interview.id),
        world.schedule.add_interviewer(eve, details.interview.id, email="eve@example.org"),
        world.schedule.interviewer_participant(eve, details.interview.id),
        world.schedule.get(eve, "no-such-interview"),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_interviewers_can_be_added_once(world: World):
    operator = await world.operator()
    ivan = await world.person(operator, "ivan@example.org")
    candidate = await world.person(operator, "cora@example.org", Role.CANDIDATE)
    details = await world.interview(operator)
    for _ in range(2):
        details = await world.schedule.add_interviewer(operator, details.interview.id, email="ivan@example.org")
        assert details.interviewers == (operator, ivan)
    with pytest.raises(FieldErrors):
        await world.schedule.add_interviewer(operator, details.interview.id, email=candidate.email)


async def test_editing_replaces_everything_but_the_room(world: World):
    user = await world.operator()
    before = await world.interview(user)
    form = interview_form(title="New", candidate_name="Cyd", questions=["Only this?"], purpose="research")
    after = await world.schedule.edit(user, before.interview.id, form)
    assert (after.interview.title, after.interview.purpose) == ("New", Purpose.RESEARCH)
    assert (after.candidate.id, after.candidate.name) == (before.candidate.id, "Cyd")
    assert after.interview.room_id == before.interview.room_id
    assert [question.text for question in after.questions] == ["Only this?"]
    assert await world.schedule.get(user, before.interview.id) == after


async def test_what_has_begun_cannot_be_edited_and_what_is_over_not_cancelled(call: Call, world: World):
    await call.begin()
    with pytest.raises(Conflict):
        await world.schedule.edit(call.user, call.details.interview.id, interview_form())
    await world.say(call.interviewer, "end")
    with pytest.raises(Conflict):
        await world.schedule.cancel(call.user, call.details.interview.id)
    with pytest.raises(Conflict):
        await world.schedule.renew_join_link(call.user, call.details.interview.id)


async def test_lists_are_in_order_of_time_latest_first(world: World):
    user = await world.operator()
    for day in (2, 3, 1):
        await world.interview(user, title=str(day), scheduled_at=f"2026-12-0{day}T10:00")
    assert [item.title for item in await world.schedule.list_for_interviewer(user)] == ["3", "2", "1"]


async def test_a_candidate_lists_those_whose_link_they_opened_and_no_other_of_the_same_email(world: World):
    operator = await world.operator()
    cleo = await world.person(operator, "cleo@example.org", Role.CANDIDATE)
    first = await world.interview(operator)
    second = await world.interview(
        operator, candidate_email="cleo.at.work@example.org", scheduled_at="2026-12-01T10:00"
    )
    assert await world.schedule.list_for_candidate(cleo) == ()
    await world.schedule.link_candidate(cleo, first.candidate)
    await world.schedule.link_candidate(cleo, second.candidate)
    listed = await world.schedule.list_for_candidate(cleo)
    assert [item.interview.id for item in listed] == [second.interview.id, first.interview.id]
    assert listed[0].interviewers == ("Olga Operator",)
    assert await world.schedule.list_for_interviewer(cleo) == ()


async def test_deleting_leaves_no_row_and_no_byte(call: Call, world: World):
    other = await world.interview(call.user, title="Stays")
    await call.analyse(ConsentKind.RESEARCH)
    await world.say(call.candidate, "devices", microphone=True, camera=True, settings={"echoCancellation": True})
    for n in range(1, 200):
        world.analysis.newest.estimate(estimate(float(n)), 0.0)
    await world.say(call.interviewer, "marker", kind="question", question_id=call.details.questions[0].id)
    await world.say(call.interviewer, "note", text="Unmistakable remark.")
    await world.taptokens.create(call.details.interview.id, label="Lab")
    await world.say(call.interviewer, "stop_analysis")
    await world.settle(call.details)
    session = (await world.summaries.sessions(call.details.interview.id))[0]
    async with world.database.write() as connection:
        words = (Word(text="Unmistakable", from_s=1.0, to_s=2.0, confidence=None),)
        await insert_words(connection, StoredWords(session_id=session.id, words=words, transcriber="test"))
        await insert_review(
            connection,
            StoredReview(
                session_id=session.id,
                asked_s=0.0,
                model="test",
                review=Review(
                    clarity="clear",
                    clarity_reason="Unmistakable remark.",
                    structure="loose",
                    structure_reason="Unmistakable remark.",
                    quotes=("Unmistakable remark.",),
                ),
                problem="",
                made_at=session.started_at,
            ),
        )

    async def rows() -> dict[str, int]:
        async with world.database.read() as connection:
            return {
                name: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
                for name, table in metadata.tables.items()
            }

    before = await rows()
    of_interviews = set(metadata.tables) - {"users", "settings", "login_sessions", "invitations"}
    assert all(before[name] > 0 for name in of_interviews)
    await world.schedule.delete(call.user, call.details.interview.id)
    left = {name: n for name, n in (await rows()).items() if name in of_interviews and n}
    assert left == {"interviews": 1, "interview_interviewers": 1, "questions": 2, "participants": 1}
    assert (await world.schedule.get(call.user, other.interview.id)).interview.status is InterviewStatus.SCHEDULED
    for path in world.config.data_dir.glob("composure.db*"):
        assert b"Unmistakable remark." not in path.read_bytes()
