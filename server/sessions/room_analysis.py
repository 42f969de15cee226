"""Starting and stopping the analysis in one room."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pipeline.types import BrowserAudio, Estimate
from server.db import series as series_rows
from server.sessions.analysis_run import AnalysisRun
from server.sessions.events import Refused
from server.sessions.figures import close_session
from server.sessions.ports import FeedPort, NewWords
from server.sessions.ratelimit import RateLimiter
from server.sessions.records import Participant, Session, SessionStatus
from server.sessions.room_services import RoomServices
from server.sessions.secrets import new_id
from server.sessions.tasks import TaskSet

WARM_TIMEOUT_S = 150.0
"""Loading the models on a slow machine, the first time; the pool gives up earlier by itself."""

MAX_EXPLANATIONS, EXPLANATIONS_WINDOW_S = 2, 6.0
"""What the interviewers of one interview may ask at once, and the time after which they may again: the answer takes
as much of the worker as thirty-two faces."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisEvents:
    """What the room wants to hear."""

    on_estimate: Callable[[Estimate, dict[str, Any]], None]
    """An estimate, and its message for the interviewers."""
    on_worker: Callable[[dict[str, Any]], None]
    """News about the worker, as the message for the interviewers."""
    on_words: Callable[[str, NewWords], None]
    """What was said, and in which session."""
    on_change: Callable[[], None]
    """``is_on`` or ``is_starting`` changed."""
    on_started: Callable[[], Awaitable[None]]
    """A session begins; no frame goes in before this has returned."""
    on_failed: Callable[[str], None]
    """A session could not be started; with a sentence."""


class RoomAnalysis:
    """The sessions of one room, of which at most one runs."""

    def __init__(self, services: RoomServices, *, room_id: str, events: AnalysisEvents) -> None:
        self._services = services
        self._room_id = room_id
        self._events = events
        self._start: object | None = None
        """Names the start that is under way; with another value it is not wanted any more."""
        self._run: AnalysisRun | None = None
        self._closing: set[AnalysisRun] = set()
        self._is_transcribed = False
        self._browser_audio: BrowserAudio | None = None
        """Of the candidate, None before their page has said it."""
        self._explanations = RateLimiter(
            services.clock, attempts=MAX_EXPLANATIONS, window_s=EXPLANATIONS_WINDOW_S, max_keys=1
        )
        self._starts = TaskSet()
        self._closes = TaskSet()

    @property
    def run(self) -> AnalysisRun | None:
        """The running session."""
        return self._run

    @property
    def is_on(self) -> bool:
        """True while a session runs."""
        return self._run is not None

    @property
    def is_starting(self) -> bool:
        """True while the workers get ready."""
        return self._start is not None

    @property
    def is_settled(self) -> bool:
        """True when nothing runs, starts or is being closed."""
        return not (self.is_on or len(self._starts) or len(self._closes))

    def now(self) -> tuple[str | None, float | None]:
        """Return the running session's id and its time now, seconds; (None, None) when none runs."""
        if self._run is None:
            return None, None
        return self._run.session.id, max(0.0, self._services.clock() - self._run.origin_s)

    @property
    def origin_s(self) -> float | None:
        """Time 0 of the running session on the monotonic clock."""
        return None if self._run is None else self._run.origin_s

    def begin_explanation(self) -> AnalysisRun:
        """Return the session to ask for an explanation.

        Raises:
            Refused: the analysis is off.
            TooManyRequests: this room has asked too much.
        """
        if self._run is None:
            raise Refused("not_running", "The analysis is off.")
        self._explanations.take("")
        return self._run

    def start(self, candidate: Participant) -> None:
        """Begin to start a session; ``on_started`` or ``on_failed`` follows."""
        self._start = token = object()
        self._starts.spawn(self._begin(token, candidate), name=f"start analysis {candidate.interview_id}")
        self._events.on_change()

    def hear_through(self, audio: BrowserAudio) -> None:
        """Take note of what the candidate's browser does to their sound, for this and later sessions."""
        self._browser_audio = audio
        if self._run is not None:
            self._run.hear_through(audio)

    def transcribe(self, *, is_on: bool) -> None:
        """Have what the candidate says written down in this and later sessions, or not; it stops at once."""
        self._is_transcribed = is_on
        for run in (self._run, *(() if is_on else self._closing)):
            if run is not None:
                run.transcribe(is_on=is_on)

    def stop(self, reason: str, *, status: SessionStatus = SessionStatus.ENDED, at_once: bool = False) -> None:
        """End the session, or its start, if there is one.

        Args:
            reason: see ``Session.end_reason``.
            status: ended or interrupted.
            at_once: nothing that is still in the worker is stored or shown; else the last estimates are taken.
        """
        run, self._run = self._run, None
        was_starting, self._start = self._start is not None, None
        if run is not None:
            run.stop_media()
            self._closing.add(run)
            self._closes.spawn(self._close(run, status, reason), name=f"close session {run.session.id}")
        if at_once:
            for closing in self._closing:
                closing.cut()
        if run is not None or was_starting:
            self._events.on_change()

    async def settle(self) -> None:
        """Wait until every session that was stopped is closed."""
        await self._closes.settle()

    async def cancel_starts(self) -> None:
        """Give up what is being started, for a shutdown."""
        self._start = None
        await self._starts.cancel()

    async def _begin(self, token: object, candidate: Participant) -> None:
        try:
            async with asyncio.timeout(WARM_TIMEOUT_S):
                await self._services.analysis.warm()
            if self._start is token:
                await self._open(token, candidate)
        except Exception as exc:  # the boundary of a session: whatever fails, the call goes on
            _logger.exception("the analysis of interview %s could not be started", candidate.interview_id)
            if self._start is token:
                self._start = None
                self._events.on_failed(f"The analysis could not be started ({type(exc).__name__}).")
                self._events.on_change()

    async def _open(self, token: object, candidate: Participant) -> None:
        services = self._services
        session = Session(
            id=new_id(),
            interview_id=candidate.interview_id,
            participant_id=candidate.id,
            started_at=services.now(),
            ended_at=None,
            status=SessionStatus.LIVE,
            end_reason="",
            mean_stress=None,
            peak_stress=None,
            peak_t_s=None,
            model_version=services.model_version,
        )
        run = AnalysisRun(
            session,
            origin_s=services.clock(),
            recorder=services.recorder,
            on_estimate=self._events.on_estimate,
            on_worker=self._events.on_worker,
            on_words=self._events.on_words,
        )
        async with services.database.write() as connection:
            await series_rows.insert_session(connection, session)
        feed: FeedPort | None = None
        try:
            feed = await services.analysis.open(
                session.id,
                origin_s=run.origin_s,
                on_estimate=run.take_estimate,
                on_health=run.take_health,
                on_words=run.take_words,
            )
            if self._start is token:
                self._start, self._run = None, run
                await self._events.on_started()
            if self._run is run:
                run.begin(
                    feed,
                    services.media.attach(self._room_id, candidate.id, feed),
                    services.media.listen(self._room_id, candidate.id, feed.hear_others),
                )
                if self._browser_audio is not None:
                    run.hear_through(self._browser_audio)
                run.transcribe(is_on=self._is_transcribed)
        except BaseException as exc:
            if self._run is run:  # else it was stopped while it started, and that was told
                self._run = None
                self._start = token if isinstance(exc, Exception) else None  # ``_begin`` tells what failed
            raise
        finally:
            if self._run is not run:  # failed, or stopped while it started
                await self._discard(run, feed)

    async def _discard(self, run: AnalysisRun, feed: FeedPort | None) -> None:
        run.cut()
        if feed is not None:
            await feed.close()
        await self._closes.settle()  # a stop that came while pages were told has its own end to write
        async with self._services.database.write() as connection:
            await series_rows.delete_session(connection, run.session.id)

    async def _close(self, run: AnalysisRun, status: SessionStatus, reason: str) -> None:
        services = self._services
        ended_at = services.now()
        try:
            await run.close()
            await services.recorder.flush()
            await close_session(services.database, run.session, status=status, reason=reason, ended_at=ended_at)
        finally:
            self._closing.discard(run)
