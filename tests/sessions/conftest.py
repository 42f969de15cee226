import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from server.config import Config
from server.db.engine import Database
from server.db.migrate import migrate
from server.protocol import Role
from server.sessions.accounts import Accounts
from server.sessions.consent import Answer
from server.sessions.consenttexts import consent_text
from server.sessions.forms import InterviewForm
from server.sessions.live import Connection, LiveRooms
from server.sessions.passwords import Passwords
from server.sessions.principals import Grant, JoinPrincipal
from server.sessions.records import ConsentKind, InterviewStatus, Participant, User
from server.sessions.schedule import InterviewDetails, Schedule
from server.sessions.summaries import Summaries
from server.sessions.taptokens import TapTokens
from server.sessions.tokens import Tokens
from tests.fakes.rooms import FakeAnalysis, FakeChange, FakeClock, FakeMedia

PASSWORD = "correct horse battery"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with its tables, to be copied."""
    path = tmp_path_factory.mktemp("database") / "composure.db"

    async def make() -> None:
        made = Database.open(f"sqlite+aiosqlite:///{path}")
        await migrate(made)
        await made.scrub()
        await made.close()

    asyncio.run(make())
    return path


@pytest.fixture
async def database(migrated_file: Path, tmp_path: Path) -> AsyncIterator[Database]:
    shutil.copy(migrated_file, tmp_path)
    opened = Database.open(f"sqlite+aiosqlite:///{tmp_path / 'composure.db'}")
    yield opened
    await opened.close()


@dataclass
class World:
    """A whole server below HTTP."""

    database: Database
    clock: FakeClock
    config: Config
    media: FakeMedia = field(default_factory=FakeMedia)
    analysis: FakeAnalysis = field(default_factory=FakeAnalysis)

    def __post_init__(self) -> None:
        self.accounts = Accounts(
            self.database,
            now=self.clock.now,
            clock=self.clock,
            passwords=Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)),
        )
        self.rooms = LiveRooms(
            self.database,
            self.config,
            media=self.media,
            analysis=self.analysis,
            model_version="test-1",
            clock=self.clock,
            now=self.clock.now,
        )
        self.schedule = Schedule(self.database, now=self.clock.now, rooms=self.rooms)
        self.tokens = Tokens(b"k" * 32, self.database, now=self.clock.now)
        self.taptokens = TapTokens(self.database, now=self.clock.now, on_revoked=self.rooms.drop_tap)
        self.summaries = Summaries(self.database)

    async def operator(self) -> User:
        token = await self.accounts.new_setup_token()
        assert token is not None
        return await self.accounts.set_up(token, name="Olga Operator", email="Olga@Example.org", password=PASSWORD)

    async def person(self, by: User, email: str, role: Role = Role.INTERVIEWER) -> User:
        _, token = await self.accounts.invite(by, email=email, role=role)
        return await self.accounts.register(token, name=email.split("@")[0].title(), password=PASSWORD)

    async def interview(self, user: User, **changes: Any) -> InterviewDetails:
        return await self.schedule.create(user, interview_form(**changes))

    async def candidate_page(self, details: InterviewDetails, **resume: Any) -> Connection:
        token = self.tokens.access_token(details.candidate, details.interview, Grant)
        return await self.rooms.connect(self.tokens.read_access(token), **resume)

    async def interviewer_page(self, user: User, details: InterviewDetails, **resume: Any) -> Connection:
        participant = await self.schedule.interviewer_participant(user, details.interview.id)
        token = self.tokens.access_token(participant, details.interview, Grant)
        return await self.rooms.connect(self.tokens.read_access(token), **resume)

    async def consent(self, details: InterviewDetails, *kinds: ConsentKind, granted: bool = True) -> None:
        holder = JoinPrincipal(interview=details.interview, participant=details.candidate)
        await self.rooms.store_consents(holder, [answer(details, kind, granted=granted) for kind in kinds])

    async def say(self, connection: Connection, type_: str, **fields: Any) -> list[dict[str, Any]]:
        """Send a client event; return what this page has received since."""
        received(connection)
        await self.rooms.handle(connection, {"type": type_, **fields})
        return received(connection)

    def publish(self, participant: Participant, details: InterviewDetails, state: str = "live") -> None:
        self.rooms.on_publisher(
            FakeChange(room_id=details.interview.room_id, participant_id=participant.id, state=state)
        )

    async def settle(self, details: InterviewDetails) -> None:
        """Wait for what a start or stop of the analysis left to do."""
        room = self.rooms._rooms.get(details.interview.room_id)
        if room is not None:
            await room.analysis._starts.settle()
            await room.analysis.settle()
        await self.rooms._tasks.settle()


@pytest.fixture
async def world(database: Database, clock: FakeClock, tmp_path: Path) -> AsyncIterator[World]:
    made = World(database, clock, Config(data_dir=tmp_path, max_sessions=2))
    yield made
    await made.rooms.close()


class Call:
    """An interviewer and a candidate in one interview."""

    def __init__(self, world: World, user: User, details: InterviewDetails) -> None:
        self.world, self.user, self.details = world, user, details
        self.interviewer: Connection
        self.candidate: Connection

    async def wait(self) -> None:
        """Bring both as far as the waiting room."""
        await self.world.consent(self.details, ConsentKind.CALL)
        self.interviewer = await self.world.interviewer_page(self.user, self.details)
        self.candidate = await self.world.candidate_page(self.details)
        await self.world.say(self.candidate, "knock")

    async def begin(self, *kinds: ConsentKind) -> None:
        """Bring both into the call, with media."""
        await self.wait()
        await self.world.consent(self.details, *kinds)
        await self.world.say(self.interviewer, "admit")
        self.world.publish(self.details.candidate, self.details)

    async def analyse(self, *kinds: ConsentKind) -> str:
        """Bring both into the call with the analysis on; returns the session's id."""
        await self.begin(ConsentKind.ANALYSIS, *kinds)
        await self.world.say(self.interviewer, "start_analysis")
        await self.world.settle(self.details)
        return str(last(received(self.interviewer), "state")["analysis"]["session_id"])

    async def status(self) -> InterviewStatus:
        return (await self.world.schedule.get(self.user, self.details.interview.id)).interview.status


@pytest.fixture
async def call(world: World) -> Call:
    user = await world.operator()
    return Call(world, user, await world.interview(user))


def interview_form(**changes: Any) -> InterviewForm:
    values: dict[str, Any] = {
        "title": "Backend engineer",
        "candidate_name": "Cleo Candidate",
        "candidate_email": "Cleo@Example.org",
        "scheduled_at": "2026-11-21T10:00",
        "timezone": "Europe/Berlin",
        "duration_min": "45",
        "purpose": "practice",
        "questions": ("Tell us about yourself.", "Why us?"),
    }
    return InterviewForm(**(values | changes))


def answer(details: InterviewDetails, kind: ConsentKind, *, granted: bool = True) -> Answer:
    return Answer(kind=kind, granted=granted, text_version=consent_text(kind, details.interview.purpose).version)


def received(connection: Connection) -> list[dict[str, Any]]:
    """Take everything that waits for a page."""
    messages = [dict(message) for message in connection.outbox._messages]
    connection.outbox._messages.clear()
    return messages


def last(messages: list[dict[str, Any]], type_: str) -> dict[str, Any]:
    return [message for message in messages if message["type"] == type_][-1]


def types(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in messages]


async def start_in_vain(call: Call, world: World) -> None:
    """Ask for the analysis, which something lets fail, and see that the interviewer is told and nothing is on."""
    received(call.interviewer)
    await world.rooms.handle(call.interviewer, {"type": "start_analysis"})
    await world.settle(call.details)
    messages = received(call.interviewer)
    assert last(messages, "error")["code"] == "analysis_failed"
    assert last(messages, "state")["analysis"]["on"] is False
