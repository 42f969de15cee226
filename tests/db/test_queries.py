"""Every query on both kinds of database: what goes in comes out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from server.db import annotations, consents, interviews, invitations, logins, participants, series, taps, users
from server.db.engine import Database, IntegrityError, StorageError
from server.db.records import (
    Consent,
    ConsentKind,
    Interview,
    InterviewStatus,
    Invitation,
    LoginSession,
    Marker,
    MarkerKind,
    Note,
    Participant,
    Purpose,
    Question,
    Session,
    SessionStatus,
    StoredEstimate,
    TapToken,
    User,
)
from server.protocol import Role
from tests.fakes.rooms import estimate

NOW = datetime(2026, 11, 20, 12, 30, 15, 123456, tzinfo=UTC)
USER = User(id="u1", name="Olga", email="olga@example.org", role=Role.INTERVIEWER, is_operator=True, created_at=NOW)
INTERVIEW = Interview(
    id="i1",
    title="Title",
    candidate_name="Cleo",
    candidate_email="cleo@example.org",
    scheduled_at=NOW,
    duration_min=45,
    purpose=Purpose.RESEARCH,
    room_id="room",
    status=InterviewStatus.SCHEDULED,
    link_version=1,
    created_by="u1",
    created_at=NOW,
)
CANDIDATE = Participant(
    id="p1", interview_id="i1", role=Role.CANDIDATE, name="Cleo", user_id=None, admitted_at=None, created_at=NOW
)
SESSION = Session(
    id="s1",
    interview_id="i1",
    participant_id="p1",
    started_at=NOW,
    ended_at=None,
    status=SessionStatus.LIVE,
    end_reason="",
    mean_stress=None,
    peak_stress=None,
    peak_t_s=None,
    model_version="m1",
)


@pytest.fixture
async def filled(database: Database) -> Database:
    async with database.write() as connection:
        await users.insert_user(connection, USER, "hash")
        await interviews.insert_interview(connection, INTERVIEW)
        await interviews.set_interviewers(connection, "i1", ["u1"])
        await participants.insert_participant(connection, CANDIDATE)
        await series.insert_session(connection, SESSION)
    return database


async def test_users(filled: Database):
    async with filled.write() as connection:
        assert await users.get(connection, "u1") == USER
        assert await users.with_password(connection, "OLGA@example.org") == (USER, "hash")
        await users.set_password(connection, "u1", "other")
        assert await users.with_password(connection, USER.email) == (USER, "other")
        assert await users.everyone(connection) == (USER,)
        assert await users.count(connection) == 1
        await users.store_setup_hash(connection, "a")
        await users.store_setup_hash(connection, "b")
        assert await users.setup_hash(connection) == "b"


async def test_an_email_is_unique_in_any_case(filled: Database):
    with pytest.raises(IntegrityError):
        async with filled.write() as connection:
            await users.insert_user(
                connection,
                User(id="u2", name="O", email="OLGA@EXAMPLE.ORG", role=USER.role, is_operator=False, created_at=NOW),
                "hash",
            )


async def test_times_are_utc_and_aware_and_naive_ones_refused(filled: Database):
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
    login = LoginSession(id="l1", user_id="u1", created_at=elsewhere, expires_at=elsewhere, browser="")
    async with filled.write() as connection:
        await logins.insert_login(connection, login, "hash")
        found = await logins.by_token(connection, "hash", NOW - timedelta(seconds=1))
    assert found is not None
    assert found[1].created_at == NOW
    assert found[1].created_at.tzinfo is UTC
    naive = LoginSession(id="l2", user_id="u1", created_at=datetime(2026, 1, 1), expires_at=NOW, browser="")
    with pytest.raises(StorageError, match="needs a time zone"):
        async with filled.write() as connection:
            await logins.insert_login(connection, naive, "hash2")


async def test_login_sessions(filled: Database):
    later = NOW + timedelta(days=1)
    one, two = (
        LoginSession(id=f"l{n}", user_id="u1", created_at=NOW + timedelta(n), expires_at=later, browser="B")
        for n in (1, 2)
    )
    async with filled.write() as connection:
        await logins.insert_login(connection, one, "h1")
        await logins.insert_login(connection, two, "h2")
        assert await logins.of_user(connection, "u1", NOW) == (two, one)
        assert await logins.by_token(connection, "h1", NOW) == (USER, one)
        assert await logins.by_token(connection, "h1", later) is None
        await logins.delete_of_user(connection, "u1", except_id="l2")
        assert await logins.of_user(connection, "u1", NOW) == (two,)
        await logins.delete_by_token(connection, "h2")
        assert await logins.of_user(connection, "u1", NOW) == ()


async def test_invitations(filled: Database):
    invitation = Invitation(
        id="v1", email="ivan@example.org", role=Role.INTERVIEWER, created_at=NOW, expires_at=NOW, used_at=None
    )
    async with filled.write() as connection:
        await invitations.insert_invitation(connection, invitation, "h", invited_by="u1")
        assert await invitations.by_token(connection, "h") == invitation
        assert await invitations.unused(connection) == (invitation,)
        await invitations.mark_used(connection, "v1", NOW)
        assert await invitations.unused(connection) == ()
        assert not await invitations.delete_unused(connection, "v1")


async def test_interviews(filled: Database):
    questions = [Question(id=f"q{n}", interview_id="i1", position=n, text=f"{n}?") for n in range(3)]
    async with filled.write() as connection:
        assert await interviews.get(connection, "i1") == INTERVIEW
        assert await interviews.by_room(connection, "room") == INTERVIEW
        assert await interviews.of_interviewer(connection, "u1") == (INTERVIEW,)
        assert await interviews.of_candidate(connection, "nobody") == ()
        assert await interviews.is_interviewer(connection, "i1", "u1")
        assert not await interviews.is_interviewer(connection, "i1", "u2")
        await interviews.set_questions(connection, "i1", questions)
        await interviews.set_questions(connection, "i1", reversed(questions))
        assert list(await interviews.find_questions(connection, "i1")) == questions
        assert await interviews.with_status(connection, InterviewStatus.SCHEDULED) == (INTERVIEW,)
        assert await interviews.advance_status(connection, "i1", InterviewStatus.ENDED)
        assert not await interviews.advance_status(connection, "i1", InterviewStatus.LIVE)


async def test_participants(filled: Database):
    async with filled.write() as connection:
        assert await participants.candidate_of(connection, "i1") == CANDIDATE
        await participants.set_admitted(connection, "p1", NOW)
        await participants.link_user(connection, "p1", "u1")
        await participants.rename_candidate(connection, "i1", "Cora")
        await participants.set_device_settings(connection, "p1", {"autoGainControl": False})
        assert await participants.device_settings(connection, "p1") == {"autoGainControl": False}
        found = await participants.of_user(connection, "i1", "u1", Role.CANDIDATE)
        assert found is not None
        assert (found.name, found.admitted_at) == ("Cora", NOW)
        assert await participants.of_interview(connection, "i1") == (found,)
        assert await participants.of_user(connection, "i1", "u1", Role.INTERVIEWER) is None


async def test_consents_keep_their_order(filled: Database):
    answers = [
        Consent(
            id=0,
            participant_id="p1",
            kind=ConsentKind.ANALYSIS,
            granted=n % 2 == 0,
            purpose=Purpose.RESEARCH,
            text_version="v",
            text_sha256="h",
            given_at=NOW,
        )
        for n in range(4)
    ]
    async with filled.write() as connection:
        await consents.insert_consents(connection, answers)
        stored = await consents.of_participant(connection, "p1")
    assert [item.granted for item in stored] == [True, False, True, False]
    assert [item.id for item in stored] == sorted(item.id for item in stored)


async def test_estimates_come_back_bit_for_bit(filled: Database):
    written = [
        estimate(1.0, 0.1 + 0.2),
        estimate(2.0, None, full=False),
        estimate(3.0, 1 / 3, peak_t_s=2.0),
    ]
    async with filled.write() as connection:
        rows = [StoredEstimate(session_id="s1", estimate=item) for item in written]
        await series.insert_estimates(connection, rows, "m1")
        assert list(await series.find_estimates(connection, "s1")) == written
        pages = [page async for page in series.estimate_pages(connection, "s1", after_s=1.0)]
    assert [item.t_s for page in pages for item in page] == [2.0, 3.0]


async def test_pages_hold_everything_once(filled: Database):
    n = 2 * series.PAGE
    async with filled.write() as connection:
        rows = [StoredEstimate(session_id="s1", estimate=estimate(float(i))) for i in range(n)]
        await series.insert_estimates(connection, rows, "m1")
        sizes = [len(page) async for page in series.estimate_pages(connection, "s1")]
    assert sizes == [series.PAGE, series.PAGE]


async def test_figures_and_peaks(filled: Database):
    values = {1.0: 0.2, 2.0: 0.8, 3.0: 0.8, 4.0: None, 5.0: 0.2}
    rows = [
        StoredEstimate(session_id="s1", estimate=estimate(t_s, value, peak_t_s=2.0 if t_s == 3.0 else None))
        for t_s, value in values.items()
    ]
    async with filled.write() as connection:
        empty = await series.find_figures(connection, "s1")
        assert (empty.mean_stress, empty.peak_stress, empty.peak_t_s, empty.last_s) == (None, None, None, None)
        await series.insert_estimates(connection, rows, "m1")
        figures = await series.find_figures(connection, "s1")
        assert figures.mean_stress == pytest.approx(0.5)
        assert (figures.peak_stress, figures.peak_t_s, figures.last_s) == (0.8, 2.0, 5.0)
        assert await series.find_peaks(connection, "s1") == ((2.0, 0.8),)
        assert await series.live_sessions(connection) == (SESSION,)
        await series.close_session(
            connection, "s1", status=SessionStatus.ENDED, ended_at=NOW, end_reason="stopped", figures=figures
        )
        assert await series.live_sessions(connection) == ()
        (session,) = await series.sessions_of_interview(connection, "i1")
        assert (session.peak_t_s, session.ended_at, session.end_reason) == (2.0, NOW, "stopped")


async def test_markers_and_notes(filled: Database):
    markers = [
        Marker(
            id=f"m{n}",
            interview_id="i1",
            session_id=None if t_s is None else "s1",
            author_id="p1",
            author="Cleo",
            t_s=t_s,
            kind=MarkerKind.MOMENT,
            label="",
            question_id=None,
            created_at=NOW,
        )
        for n, t_s in enumerate((5.0, None, 1.5))
    ]
    note = Note(
        id="n1",
        interview_id="i1",
        session_id=None,
        author_id="p1",
        author="Cleo",
        t_s=None,
        text="Text",
        created_at=NOW,
        updated_at=NOW,
    )
    async with filled.write() as connection:
        for marker in markers:
            await annotations.insert_marker(connection, marker)
        assert [item.id for item in await annotations.find_markers(connection, "i1")] == ["m1", "m2", "m0"]
        assert await annotations.delete_marker(connection, "other", "m0") is None
        assert await annotations.delete_marker(connection, "i1", "m0") == markers[0]
        assert len(await annotations.find_markers(connection, "i1")) == 2
        await annotations.insert_note(connection, note)
        await annotations.update_note(connection, "n1", "New", NOW + timedelta(seconds=1))
        (found,) = await annotations.find_notes(connection, "i1")
        assert (found.text, found.created_at, found.updated_at) == ("New", NOW, NOW + timedelta(seconds=1))


async def test_tap_tokens(filled: Database):
    token = TapToken(id="t1", interview_id="i1", label="Lab", created_at=NOW, revoked_at=None, last_used_at=None)
    async with filled.write() as connection:
        await taps.insert_token(connection, token, "h")
        assert await taps.by_secret(connection, "h") == token
        await taps.mark_used(connection, "t1", NOW)
        assert not await taps.revoke(connection, "other", "t1", NOW)
        assert await taps.revoke(connection, "i1", "t1", NOW)
        assert await taps.revoke(connection, "i1", "t1", NOW + timedelta(hours=1))
        (found,) = await taps.of_interview(connection, "i1")
        assert (found.revoked_at, found.last_used_at) == (NOW, NOW)


async def test_deleting_an_interview_takes_all_of_it(filled: Database):
    async with filled.write() as connection:
        await series.insert_estimates(connection, [StoredEstimate(session_id="s1", estimate=estimate(1.0))], "m1")
        await interviews.delete_interview(connection, "i1")
        assert await series.get_session(connection, "s1") is None
        assert await series.find_estimates(connection, "s1") == ()
        assert await participants.get(connection, "p1") is None
        assert await users.get(connection, "u1") == USER
