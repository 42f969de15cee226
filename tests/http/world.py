"""A running server with a real database, and everybody who may come to it."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher
from sqlalchemy import MetaData, select

from server import clock
from server.app import make_app
from server.config import Config
from server.db import series as series_rows
from server.http import keys
from server.protocol import Role
from server.sessions.consenttexts import consent_text
from server.sessions.forms import InterviewForm
from server.sessions.passwords import Passwords
from server.sessions.records import ConsentKind, Session, SessionStatus
from server.sessions.schedule import InterviewDetails

PASSWORD = "correct horse battery staple"
CSRF = re.compile(r'<meta name="csrf" content="([^"]+)"')
NOWHERE = "x" * 20


class Browser:
    """A person's browser, or a program: cookies, the CSRF token of our pages, perhaps a bearer token."""

    def __init__(self, url: str, *, bearer: str | None = None) -> None:
        self._url = url
        self.bearer = bearer
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._csrf = ""

    async def csrf(self) -> str:
        if not self._csrf:
            self._csrf = await self.fresh_csrf()
        return self._csrf

    async def fresh_csrf(self, path: str = "/login") -> str:
        async with self.http.get(self._url + path) as response:
            found = CSRF.search(await response.text())
            assert found is not None
            return found[1]

    async def log_in(self, email: str) -> None:
        form = {"email": email, "password": PASSWORD, "csrf": await self.fresh_csrf()}
        async with self.http.post(f"{self._url}/login", data=form, allow_redirects=False) as response:
            assert response.status == 303, await response.text()
        self._csrf = await self.fresh_csrf("/account")

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        """Send a request with all this browser has; returns status and body."""
        headers = dict(options.pop("headers", {}))
        if self.bearer is not None:
            headers.setdefault("Authorization", f"Bearer {self.bearer}")
        if method not in ("GET", "OPTIONS"):
            headers.setdefault("X-CSRF-Token", await self.csrf())
        async with self.http.request(
            method, self._url + path, headers=headers, allow_redirects=False, **options
        ) as response:
            self.last = response
            return response.status, await response.text(errors="replace")

    async def json(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        status, _ = await self.ask(method, path, json=body)
        return status, await self.last.json()

    def socket(self, room_id: str, **options: Any) -> Any:
        return self.http.ws_connect(f"{self._url}/ws/{room_id}", **options)


@dataclass(slots=True, kw_only=True)
class World:
    """Two interviews of two interviewers, a candidate with an account, somebody without one."""

    app: Any
    url: str
    operator: Browser
    """The first interviewer; the victim's interviews are hers."""
    outsider: Browser
    """An interviewer of another interview."""
    candidate: Browser
    """Logged in with the account of the victim interview's candidate."""
    anonymous: Browser
    interview: InterviewDetails
    other_interview: InterviewDetails
    join_token: str
    other_join_token: str
    session_id: str
    tap_id: str
    tap_secret: str
    other_tap_secret: str
    _browsers: list[Browser] = field(default_factory=list)

    def browser(self, bearer: str | None = None) -> Browser:
        browser = Browser(self.url, bearer=bearer)
        self._browsers.append(browser)
        return browser

    async def access(self, browser: Browser, path: str) -> dict[str, Any]:
        status, body = await browser.json("POST", path)
        assert status == 200, body
        return body

    async def interviewer_access(self) -> dict[str, Any]:
        return await self.access(self.operator, f"/api/interviews/{self.interview.interview.id}/access")

    async def outsider_access(self) -> dict[str, Any]:
        return await self.access(self.outsider, f"/api/interviews/{self.other_interview.interview.id}/access")

    async def consent(self, *kinds: ConsentKind, granted: bool = True, token: str | None = None) -> tuple[int, Any]:
        purpose = self.interview.interview.purpose
        answers = [
            {"kind": kind, "granted": granted, "text_version": consent_text(kind, purpose).version} for kind in kinds
        ]
        path = f"/api/join/{token or self.join_token}/consent"
        return await self.anonymous.json("POST", path, {"answers": answers})

    async def candidate_access(self) -> dict[str, Any]:
        status, body = await self.consent(ConsentKind.CALL)
        assert status == 200, body
        return await self.access(self.anonymous, f"/api/join/{self.join_token}/access")

    async def stored(self, *, but: frozenset[str] = frozenset()) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every table, to see whether anything changed."""
        async with self.app[keys.DATABASE].read() as connection:
            metadata = MetaData()
            await connection.run_sync(metadata.reflect)
            return {
                table.name: sorted(map(repr, (await connection.execute(select(table))).all()))
                for table in metadata.sorted_tables
                if table.name not in but
            }


@asynccontextmanager
async def a_world(
    data_dir: Path, *, prepare: Callable[[web.Application], object] | None = None, **settings: str
) -> AsyncIterator[World]:
    """Run the whole server on a free loopback port with everybody in it; ``prepare`` gets it before it starts."""
    config = Config.from_env({}, {"data_dir": str(data_dir), "ice_addresses": "127.0.0.1", **settings})
    app = make_app(config, passwords=Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
    if prepare is not None:
        prepare(app)
    async with TestServer(app) as server:
        url = str(server.make_url("/")).rstrip("/")
        world = await _populate(app, url)
        try:
            yield world
        finally:
            for browser in world._browsers:
                await browser.http.close()


async def _populate(app: Any, url: str) -> World:
    accounts, schedule = app[keys.ACCOUNTS], app[keys.SCHEDULE]
    setup = await accounts.new_setup_token()
    operator = await accounts.set_up(setup, name="Olga Operator", email="olga@example.org", password=PASSWORD)
    _, invitation = await accounts.invite(operator, email="otto@example.org", role=Role.INTERVIEWER)
    outsider = await accounts.register(invitation, name="Otto Outsider", password=PASSWORD)
    details = await schedule.create(operator, _form("Secret title", "Vicky Victim", "vicky@example.org"))
    other = await schedule.create(outsider, _form("Other title", "Nadja Nobody", "nadja@example.org"))
    tokens = app[keys.TOKENS]
    join_token = tokens.join_token(details.interview, details.candidate)
    await accounts.register_candidate(await tokens.read_join(join_token), password=PASSWORD)
    tap, tap_secret = await app[keys.TAP_TOKENS].create(details.interview.id, label="Lab")
    _, other_tap_secret = await app[keys.TAP_TOKENS].create(other.interview.id, label="Lab")
    world = World(
        app=app,
        url=url,
        operator=Browser(url),
        outsider=Browser(url),
        candidate=Browser(url),
        anonymous=Browser(url),
        interview=details,
        other_interview=other,
        join_token=join_token,
        other_join_token=tokens.join_token(other.interview, other.candidate),
        session_id=await _a_session(app, details),
        tap_id=tap.id,
        tap_secret=tap_secret,
        other_tap_secret=other_tap_secret,
    )
    world._browsers += [world.operator, world.outsider, world.candidate, world.anonymous]
    await world.operator.log_in("olga@example.org")
    await world.outsider.log_in("otto@example.org")
    await world.candidate.log_in("vicky@example.org")
    return world


def _form(title: str, name: str, email: str) -> InterviewForm:
    return InterviewForm(
        title=title,
        candidate_name=name,
        candidate_email=email,
        scheduled_at=(clock.utc_now() + timedelta(minutes=5)).isoformat(),
        purpose="research",
        questions=["Secret question"],
    )


async def _a_session(app: Any, details: InterviewDetails) -> str:
    """Store a session that is over."""
    session = Session(
        id="5e55104e5e55104e",
        interview_id=details.interview.id,
        participant_id=details.candidate.id,
        started_at=datetime(2026, 11, 1, 10, tzinfo=UTC),
        ended_at=datetime(2026, 11, 1, 11, tzinfo=UTC),
        status=SessionStatus.ENDED,
        end_reason="stopped",
        mean_stress=0.4321,
        peak_stress=0.9876,
        peak_t_s=12.0,
        model_version="test",
    )
    async with app[keys.DATABASE].write() as connection:
        await series_rows.insert_session(connection, session)
    return session.id
