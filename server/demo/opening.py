"""``serve --demo``: an interview that is already running, with a synthetic candidate, and a link straight into it."""

import asyncio
import logging
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from server import clock
from server.config import ConfigError
from server.demo.playback import file_tracks
from server.http.keys import ACCOUNTS, CONFIG, ROOMS, SCHEDULE, TOKENS
from server.protocol import Role
from server.sessions.forms import InterviewForm
from server.sessions.principals import Grant
from server.sessions.records import Purpose, User
from server.sessions.schedule import InterviewDetails

logger = logging.getLogger(__name__)

_GUEST_EMAIL, _GUEST_NAME = "you@demo.invalid", "Demo Host"
_HOST_EMAIL, _HOST_NAME = "host@demo.invalid", "Demo host"
_QUESTIONS = (
    "Tell us about a project you are proud of.",
    "Describe a conflict in your team and what you did.",
    "What would you do differently today?",
)
_STOP_TIMEOUT_S = 5.0


@asynccontextmanager
async def open_demo(app: web.Application, base_url: str, video: Path | None) -> AsyncIterator[str]:
    """Run the demo while the context is open; yields the link into its dashboard, which works once.

    A host, a second interviewer, admits the candidate and starts the analysis, so that the dashboard is alive when it
    is opened. The candidate is a process of its own and uses nothing but what any client uses.

    Args:
        app: the running application, with a data folder that is the demo's own.
        base_url: where it serves.
        video: a file for the candidate to play; None for the synthetic face and voice.

    Raises:
        ConfigError: the file holds nothing to play, or the data folder belongs to a real server.
    """
    if video is not None:
        _check_playable(video)
    guest, host = await _people(app)
    details = await _schedule(app, guest)
    token = app[TOKENS].join_token(details.interview, details.candidate)
    entry = app[ACCOUNTS].new_entry_link(guest)
    room = f"/interviews/{details.interview.id}/room"
    candidate = await asyncio.create_subprocess_exec(
        *_candidate_command(app, f"{base_url}/join/{token}", video), stdin=asyncio.subprocess.DEVNULL
    )
    welcome = asyncio.create_task(_welcome_candidate(app, host, details), name="demo host")
    try:
        yield f"{base_url}/enter/{entry}?next={room}"
    finally:
        welcome.cancel()
        await asyncio.gather(welcome, return_exceptions=True)
        await _stop(candidate)


def _check_playable(video: Path) -> None:
    try:
        file_tracks(video, 0.0)
    except ValueError as exc:
        raise ConfigError(str(exc)) from exc


async def _people(app: web.Application) -> tuple[User, User]:
    """Return the guest, who is the operator, and the host; made on the demo's first start."""
    accounts = app[ACCOUNTS]
    setup = await accounts.new_setup_token()
    if setup is not None:
        guest = await accounts.set_up(setup, name=_GUEST_NAME, email=_GUEST_EMAIL, password=secrets.token_urlsafe(24))
        _, invitation = await accounts.invite(guest, email=_HOST_EMAIL, role=Role.INTERVIEWER)
        return guest, await accounts.register(invitation, name=_HOST_NAME, password=secrets.token_urlsafe(24))
    found = await accounts.find(_GUEST_EMAIL), await accounts.find(_HOST_EMAIL)
    if found[0] is None or found[1] is None:
        raise ConfigError(f"{app[CONFIG].data_dir} is in use by a real server; give the demo another --data-dir")
    return found[0], found[1]


async def _schedule(app: web.Application, guest: User) -> InterviewDetails:
    form = InterviewForm(
        title="Demo interview",
        candidate_name="Alex Example",
        candidate_email="alex@demo.invalid",
        scheduled_at=clock.utc_now().isoformat(),
        purpose=Purpose.PRACTICE,
        questions=_QUESTIONS,
        co_interviewers=(_HOST_EMAIL,),
    )
    return await app[SCHEDULE].create(guest, form)


def _candidate_command(app: web.Application, join_url: str, video: Path | None) -> list[str]:
    command = [sys.executable, "-m", "server.demo.candidate", join_url, "--ice-address", "127.0.0.1"]
    for address in app[CONFIG].ice_addresses:
        command += ["--ice-address", address]
    return command + (["--video", str(video.resolve())] if video else [])


async def _welcome_candidate(app: web.Application, host: User, details: InterviewDetails) -> None:
    """Admit the candidate, start the analysis once there is media, then leave the room to the guest."""
    rooms, tokens = app[ROOMS], app[TOKENS]
    participant = await app[SCHEDULE].interviewer_participant(host, details.interview.id)
    token = tokens.access_token(participant, details.interview, (Grant.CONTROL,))
    connection = await rooms.connect(tokens.read_access(token))
    try:
        while (event := await connection.outbox.get()) is not None:
            if event["type"] != "state":
                continue
            candidate = next(person for person in event["participants"] if person["id"] == details.candidate.id)
            if candidate["presence"] == "waiting":
                await rooms.handle(connection, {"type": "admit"})
            elif candidate["publishing"]:
                await rooms.handle(connection, {"type": "start_analysis"})
                return
    finally:
        await rooms.disconnect(connection)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
