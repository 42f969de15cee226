"""The only place that wires the rooms together: configuration in, application out."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any

from aiohttp import web

from models.errors import ModelError
from models.stress_module import load_stress_module
from models.transcriber import check_transcriber
from server import clock
from server.analysis.supervisor import AnalysisPool
from server.config import Config, ConfigError
from server.db.engine import open_database
from server.db.lock import sole_server
from server.db.migrate import migrate
from server.http import keys
from server.http.enforce import add_routes, enforce, require_rules
from server.http.middleware import access_log, add_headers, map_errors
from server.http.routes import ROUTES
from server.http.templates import make_environment
from server.http.websocket import STRANGERS, close_strangers
from server.ops.lag import LagMonitor
from server.ops.loopback import call_ourselves
from server.ops.metrics import Metrics, Sources
from server.ops.readiness import SelfTest
from server.ops.stalls import StallWatch
from server.ops.versions import model_version
from server.review.reviews import Reviews
from server.rtc.plane import MediaPlane, PublisherEvent
from server.sessions.accounts import Accounts
from server.sessions.consent import Consents
from server.sessions.figures import close_interrupted
from server.sessions.live import LiveRooms
from server.sessions.passwords import Passwords
from server.sessions.schedule import Schedule
from server.sessions.summaries import Summaries
from server.sessions.taptokens import TapTokens
from server.sessions.tokens import Tokens, load_key
from server.taps.register import TapRegister

logger = logging.getLogger(__name__)

SELF_TEST_TIMEOUT_S = 10.0
"""For a call with ourselves on a busy machine; an idle one takes well under a second."""


def make_app(
    config: Config,
    *,
    monotonic_s: Callable[[], float] = clock.monotonic_s,
    now: Callable[[], datetime] = clock.utc_now,
    passwords: Passwords | None = None,
) -> web.Application:
    """Return the whole server as an application; it opens nothing before its startup.

    Args:
        config: the settings.
        monotonic_s: the machine's monotonic clock, seconds.
        now: wall clock, UTC.
        passwords: hashes passwords; None for the costs that real ones need.
    """
    _check_models(config)
    app = web.Application(middlewares=[access_log, map_errors, enforce])
    database = open_database(config)

    def on_publisher(event: PublisherEvent) -> None:
        rooms.on_publisher(event)

    plane = MediaPlane(config, clock=monotonic_s, on_publisher=on_publisher)
    pool = AnalysisPool(config, clock=monotonic_s)
    rooms = LiveRooms(
        database,
        config,
        media=plane,
        analysis=pool,
        model_version=_model_version(config),
        clock=monotonic_s,
        now=now,
    )
    app[keys.CONFIG] = config
    app[keys.DATABASE] = database
    app[keys.PLANE] = plane
    app[keys.POOL] = pool
    app[keys.ROOMS] = rooms
    app[keys.ACCOUNTS] = Accounts(database, now=now, clock=monotonic_s, passwords=passwords)
    app[keys.TOKENS] = Tokens(_key(config), database, now=now)
    app[keys.TAP_TOKENS] = TapTokens(database, now=now, on_revoked=rooms.drop_tap)
    app[keys.SCHEDULE] = Schedule(database, now=now, rooms=rooms)
    app[keys.CONSENTS] = Consents(database, now=now)
    app[keys.SUMMARIES] = Summaries(database)
    app[keys.REVIEWS] = Reviews(database, config, now=now)
    app[keys.TAPS] = TapRegister()
    app[keys.LAG] = lag = LagMonitor(monotonic_s)
    app[keys.STALLS] = StallWatch(lag, monotonic_s)
    app[keys.SELF_TEST] = self_test = SelfTest(
        partial(call_ourselves, config, timeout_s=SELF_TEST_TIMEOUT_S), monotonic_s
    )
    app[keys.METRICS] = Metrics(
        Sources(
            plane=plane,
            pool=pool,
            rooms=rooms,
            taps=app[keys.TAPS],
            lag=lag,
            stalls=app[keys.STALLS],
            self_test=self_test,
            max_sessions=config.max_sessions,
        )
    )
    app[STRANGERS] = set()
    app[keys.TEMPLATES] = make_environment()
    add_routes(app, ROUTES)
    require_rules(app)
    app.on_response_prepare.append(add_headers)
    # Contexts end in reverse order: tasks, then rooms' media and analysis, the database last.
    app.cleanup_ctx.extend(
        [
            _database,
            _planes,
            _reviews,
            _background("estimate recorder", rooms.record),
            _background("room sweeper", rooms.keep_time),
            _background("lag", lag.run),
            _watching_stalls,
            _background("self-test", self_test.run),
        ]
    )
    app.on_shutdown.append(_say_goodbye)
    return app


def _check_models(config: Config) -> None:
    try:
        check_transcriber(config.transcriber)
    except ModelError as exc:
        raise ConfigError(f"COMPOSURE_TRANSCRIBER={config.transcriber!r}: {exc}") from exc


def _model_version(config: Config) -> str:
    """Return which models analyse; the decision module is read for it, so that a wrong file is refused at start."""
    version = model_version(is_flip_averaged=config.emotion_flip)
    if config.stress_model is None:
        return version
    try:
        return f"{version} {load_stress_module(config.stress_model).module.version}"
    except ModelError as exc:
        raise ConfigError(f"stress_model: {exc}") from exc


def _key(config: Config) -> bytes:
    try:
        return load_key(config.data_dir)
    except ValueError as exc:
        raise ConfigError(str(exc)) from exc


async def _say_goodbye(app: web.Application) -> None:
    """End every interview while its pages are still connected."""
    await app[keys.ROOMS].close()
    await close_strangers(app)


async def _database(app: web.Application) -> AsyncIterator[None]:
    database = app[keys.DATABASE]
    async with sole_server(database):
        try:
            await migrate(database)
            await database.scrub()  # a killed server may have left it undone
            await close_interrupted(database)
            await app[keys.ROOMS].restore()
            yield
        finally:
            await database.close()


async def _planes(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[keys.PLANE].close()
    await app[keys.POOL].close()


async def _reviews(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[keys.REVIEWS].close()


async def _watching_stalls(app: web.Application) -> AsyncIterator[None]:
    app[keys.STALLS].start()
    yield
    app[keys.STALLS].stop()


def _background(
    name: str, run: Callable[[], Coroutine[Any, Any, None]]
) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return a context that runs a task of the application's life."""

    async def context(app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(run(), name=name)
        task.add_done_callback(_report_failure)
        yield
        task.cancel()
        await asyncio.wait([task])

    return context


def _report_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (exc := task.exception()) is not None:
        logger.error("the task %s failed: %s", task.get_name(), type(exc).__name__)
