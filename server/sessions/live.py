"""All running interviews: who is in which room, and the one door for whatever happens there."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from server.config import Config
from server.db import interviews as interview_rows
from server.db.engine import Database
from server.errors import Forbidden, Gone, NotFound, Unavailable
from server.media import Attachment, FrameConsumer
from server.sessions import room_requests
from server.sessions.consent import Answer, Consents, ConsentState
from server.sessions.live_room import LiveRoom, load_room
from server.sessions.ports import AnalysisPort, MediaPort, PublisherChange
from server.sessions.principals import AccessPrincipal, Grant, JoinPrincipal, TapPrincipal
from server.sessions.ratelimit import RateLimiter
from server.sessions.recorder import EstimateRecorder
from server.sessions.records import Interview, InterviewStatus, Participant, SessionStatus
from server.sessions.room_services import RoomServices
from server.sessions.seat import Connection, Seat
from server.sessions.taps import EstimateSubscription, TapEnd
from server.sessions.tasks import TaskSet

__all__ = ["Connection", "LiveRooms"]

SWEEP_S = 1.0

FULL_RETRY_S, DRAINING_RETRY_S = 30, 60
"""When pages that were turned away try again."""

MAX_ENTRIES, ENTRIES_WINDOW_S = 120, 60.0
"""How often one participant may come in or open media at once, and the time after which they may again."""

_logger = logging.getLogger(__name__)


class LiveRooms:
    """The running interviews of this server.

    ``record`` and ``keep_time`` are awaited in a task each for as long as the server lives: one stores the estimates,
    the other lets time pass in the rooms.

    Args:
        database: where everything is stored.
        config: ``max_sessions`` and ``analysed_purposes`` are used.
        media: the media plane.
        analysis: the analysis plane; untouched until a candidate consents to analysis.
        model_version: names and hashes of the models, stored with each session.
        clock: monotonic clock, seconds.
        now: wall clock, UTC.
    """

    def __init__(
        self,
        database: Database,
        config: Config,
        *,
        media: MediaPort,
        analysis: AnalysisPort,
        model_version: str,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._recorder = EstimateRecorder(database, model_version=model_version)
        self._tasks = TaskSet()
        self._services = RoomServices(
            database=database,
            config=config,
            consents=Consents(database, now=now),
            media=media,
            analysis=analysis,
            recorder=self._recorder,
            model_version=model_version,
            clock=clock,
            now=now,
            tasks=self._tasks,
            draining_until=lambda: self._draining_until,
            n_live=self.n_live,
            n_analysed=lambda: sum(room.analysis.is_on or room.analysis.is_starting for room in self._rooms.values()),
        )
        self._rooms: dict[str, LiveRoom] = {}
        """By room id."""
        self._loading = asyncio.Lock()
        self._entries = RateLimiter(clock, attempts=MAX_ENTRIES, window_s=ENTRIES_WINDOW_S)
        self._outbox_dropped = 0
        self._draining_until: datetime | None = None

    # --- pages ---

    async def connect(
        self, principal: AccessPrincipal, *, since_s: float | None = None, session_id: str | None = None
    ) -> Connection:
        """Let a page into its room after ``hello``; ``welcome``, ``state`` and ``history`` wait in its outbox.

        A page of the same participant that is already there gets ``bye`` with the reason ``replaced``.

        Args:
            principal: with the grant ``control``.
            since_s: newest estimate the page has; only later ones are sent.
            session_id: session of that estimate; with another one running, all estimates are sent.

        Raises:
            Forbidden: no ``control`` grant.
            NotFound: no such room or participant.
            NotAuthenticated: the join link or the login behind the token is void.
            Gone: the interview is over.
            TooManyRequests: somebody who comes in again and again.
            Unavailable: the server drains, and this interview is not live.
        """
        if Grant.CONTROL not in principal.grants:
            raise Forbidden("This access token does not open the room's events.")
        while True:
            room, seat = await self._enter(principal)
            async with room.lock:
                if self._rooms.get(principal.room_id) is room:  # not forgotten, being empty, while we entered
                    return await room.connect(seat, since_s=since_s, session_id=session_id)

    async def handle(self, connection: Connection, message: object) -> None:
        """Do what a page asks for. ``message`` is the parsed JSON as received; ``hello`` is not handled here.

        Every ComposureError (malformed, not allowed to this role, not possible now) becomes an ``error`` event to
        that page alone. The checks are those of protocol.CLIENT_EVENTS.
        """
        room = self._rooms.get(connection.room_id)
        if room is not None:
            await room_requests.handle(self._services, room, connection, message)

    async def disconnect(self, connection: Connection) -> None:
        """Note that a page's websocket is gone; the person counts as interrupted for a minute, then as absent."""
        self._outbox_dropped += connection.outbox.dropped
        room = self._rooms.get(connection.room_id)
        if room is not None:
            room.disconnect(connection)

    # --- what other doors ask ---

    async def store_consents(self, holder: JoinPrincipal, answers: Iterable[Answer]) -> ConsentState:
        """Store answers of a candidate and act on them at once: withdrawal stops analysis or taps, or ends the call.

        A consent can be withdrawn as long as the interview is stored. Every no is stored, also beside a yes that is
        not.

        Raises:
            Conflict: a yes to an outdated text.
            Gone: a yes after the interview, or by a link that lets nobody in any more.
            NotFound: the interview was deleted.
        """
        answers, closed = tuple(answers), holder.why_closed
        room: LiveRoom | None
        try:
            room = await self._room_of(holder.interview)
        except Gone as exc:
            # A room that was just closed waits for the words that are still being stored, to delete them too.
            room, closed = self._rooms.get(holder.interview.room_id), closed or exc.message
        kept = tuple(answer for answer in answers if not (closed and answer.granted))
        if room is None:
            state = await self._services.consents.store(holder.participant.id, holder.interview.id, kept)
        else:
            state = await room.store_consents(kept)
        if len(kept) < len(answers):
            raise Gone(closed)
        return state

    async def consent_state(self, holder: JoinPrincipal) -> ConsentState:
        """Return what the candidate agrees to now."""
        return await self._services.consents.state(holder.participant.id, holder.interview.purpose)

    async def authorise_publish(self, principal: AccessPrincipal) -> None:
        """Pass if this participant may send media now.

        Raises:
            Forbidden: no grant, or the candidate was not admitted.
            NotFound, NotAuthenticated, Gone, Unavailable: as ``connect``.
            TooManyRequests: they open media again and again.
        """
        _require(principal, Grant.PUBLISH)
        room, seat = await self._enter(principal)
        room.may_publish(seat)

    async def authorise_watch(self, principal: AccessPrincipal, source_id: str) -> None:
        """Pass if this participant may watch another one of the same room now; raises as ``authorise_publish``."""
        _require(principal, Grant.WATCH)
        room, seat = await self._enter(principal)
        source = next((other for other in room.seats if other.participant.id == source_id), None)
        if source is None:
            raise NotFound("There is nobody with this id in the room.")
        room.may_watch(seat, source)

    def on_publisher(self, change: PublisherChange) -> None:
        """Take news from the media plane; what is published into a room that is over or empty is ended."""
        room = self._rooms.get(change.room_id)
        if room is not None and not room.is_closed:
            room.on_publisher(change)
        elif change.state != "closed":
            self._tasks.spawn(
                self._services.media.close_participant(change.room_id, change.participant_id), name="end stray media"
            )

    async def attach_tap(self, principal: TapPrincipal, consumer: FrameConsumer) -> Attachment:
        """Let a researcher's consumer watch the candidate while the consent for research stands.

        On withdrawal, revocation or the end the consumer is detached and its ``ended`` is called with the reason.

        Raises:
            Forbidden: no consent for research.
            NotFound, Gone: no such interview, or it is over.
        """
        room = await self._room_by_interview_id(principal.interview_id)
        return room.attach_tap(principal.tap_id, consumer)

    async def subscribe_estimates(self, principal: TapPrincipal) -> EstimateSubscription:
        """Give a researcher the estimates as they come; ends and raises as ``attach_tap``."""
        room = await self._room_by_interview_id(principal.interview_id)
        return room.subscribe_estimates(principal.tap_id)

    def drop_tap(self, tap_id: str) -> None:
        """End what runs under a tap token that was revoked."""
        for room in self._rooms.values():
            room.taps.end(TapEnd.REVOKED, tap_id=tap_id)

    async def evict(self, interview_id: str, reason: str) -> None:
        """Close a room because the interview was cancelled or deleted; everybody gets ``bye`` with the reason."""
        async with self._loading:  # a room that is being loaded is not missed
            room = self._find(interview_id)
        if room is None:
            return
        async with room.lock:
            await room.close(reason, tap_reason=TapEnd.OVER)
        self._forget(room)

    async def refresh(self, interview_id: str) -> None:
        """Read a changed interview again and tell everybody in its room."""
        room = self._find(interview_id)
        if room is not None:
            async with room.lock:
                await room.refresh()

    def people(self, room_id: str) -> tuple[Participant, ...]:
        """Return who is or was in a room that is open; nobody when it is not."""
        room = self._rooms.get(room_id)
        return () if room is None else tuple(seat.participant for seat in room.seats)

    # --- room for more ---

    def n_live(self) -> int:
        """Return how many interviews are live with their candidate in them."""
        return sum(room.is_live for room in self._rooms.values())

    @property
    def is_draining(self) -> bool:
        """True when no interview may begin any more, because the server is about to stop."""
        return self._draining_until is not None

    def drain(self, until: datetime) -> None:
        """Let no interview begin from now on, and tell all pages; running ones go on.

        Args:
            until: when the server stops at the latest, UTC.
        """
        self._draining_until = until
        for room in self._rooms.values():
            room.broadcast_state()

    def require_capacity(self, interview: Interview) -> None:
        """Pass if people may come into this interview.

        One that is live goes on; one that people are in already is held up only where the candidate is admitted.

        Raises:
            Unavailable: the server drains, or has as many live interviews as it may.
        """
        if interview.status is InterviewStatus.LIVE or interview.status.is_over:
            return
        self._require_not_draining(interview)
        room = self._rooms.get(interview.room_id)
        if (room is None or room.is_empty) and self.n_live() >= self._services.config.max_sessions:
            raise Unavailable(
                "All interview rooms of this server are in use right now. Your place is kept: come back in a minute.",
                retry_after_s=FULL_RETRY_S,
            )

    def _require_not_draining(self, interview: Interview) -> None:
        if self.is_draining and interview.status is not InterviewStatus.LIVE:
            raise Unavailable(
                "This server is about to restart and begins no interviews just now. It will be back in a few minutes.",
                retry_after_s=DRAINING_RETRY_S,
            )

    # --- life ---

    async def record(self) -> None:
        """Store estimates as they come, until cancelled."""
        await self._recorder.run()

    async def keep_time(self) -> None:
        """Let time pass in the rooms, once a second, until cancelled."""
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_S)

    async def sweep(self) -> None:
        """Do what is due now: people who stayed away, empty rooms, deleted rows that are still in a log.

        What fails is logged and tried again the next time.
        """
        for room in list(self._rooms.values()):
            try:
                await self._sweep(room)
            except Exception:  # the boundary of a room: the others have their own time
                _logger.exception("what is due in interview %s failed", room.interview.id)
        await self._database.scrub_if_due()

    async def _sweep(self, room: LiveRoom) -> None:
        async with room.lock:
            if not room.is_closed:
                await room.sweep()
        if room.is_empty and (room.is_closed or room.interview.status is not InterviewStatus.LIVE):
            self._forget(room)

    async def close(self) -> None:
        """End everything for a shutdown: sessions are closed, pages get ``bye`` with the reason ``shutdown``."""
        await asyncio.gather(*(self._shut(room) for room in list(self._rooms.values())))
        await self._tasks.cancel()
        await self._recorder.flush()

    def stats(self) -> Mapping[str, int]:
        """Return counters by name: rooms, connections, analyses, taps, outbox_dropped, estimates_dropped."""
        seats = [seat for room in self._rooms.values() for seat in room.seats if seat.connection is not None]
        return {
            "rooms": len(self._rooms),
            "connections": len(seats),
            "analyses": sum(room.analysis.is_on for room in self._rooms.values()),
            "taps": sum(len(room.taps) for room in self._rooms.values()),
            "outbox_dropped": self._outbox_dropped
            + sum(seat.connection.outbox.dropped for seat in seats if seat.connection is not None),
            "estimates_dropped": self._recorder.dropped,
        }

    async def restore(self) -> None:
        """After a restart, open the rooms of live interviews: people find their places, and empty ones end in time.

        Whoever was waiting knocks again.
        """
        async with self._database.write() as connection:
            for interview in await interview_rows.with_status(connection, InterviewStatus.WAITING):
                await interview_rows.set_status(connection, interview.id, InterviewStatus.SCHEDULED)
            live = await interview_rows.with_status(connection, InterviewStatus.LIVE)
        for interview in live:
            await self._room_of(interview)

    # --- finding rooms ---

    async def _enter(self, principal: AccessPrincipal) -> tuple[LiveRoom, Seat]:
        self._entries.take(principal.participant_id)
        room = self._rooms.get(principal.room_id)
        if room is None:
            async with self._database.read() as connection:
                interview = await interview_rows.by_room(connection, principal.room_id)
            if interview is None:
                raise NotFound("This room does not exist.")
            room = await self._room_of(interview)
        room.require_open()
        self._require_not_draining(room.interview)
        return room, await room.enter(principal)

    async def _room_by_interview_id(self, interview_id: str) -> LiveRoom:
        async with self._database.read() as connection:
            interview = await interview_rows.get(connection, interview_id)
        if interview is None:
            raise NotFound("This interview does not exist.")
        return await self._room_of(interview)

    async def _room_of(self, interview: Interview) -> LiveRoom:
        """Return the open room of an interview, loaded when nobody was in it. Raises NotFound, Gone when over."""
        async with self._loading:
            room = self._rooms.get(interview.room_id)
            if room is None:
                async with self._database.read() as connection:
                    fresh = await interview_rows.get(connection, interview.id)
                if fresh is None:
                    raise NotFound("This interview does not exist.")
                room = await load_room(self._services, fresh)
                room.require_open()
                self._rooms[interview.room_id] = room
        room.require_open()
        return room

    async def _shut(self, room: LiveRoom) -> None:
        await room.analysis.cancel_starts()
        async with room.lock:
            if not room.is_closed:
                await room.close("shutdown", tap_reason=TapEnd.SHUTDOWN, status=SessionStatus.INTERRUPTED)
        self._forget(room)

    def _find(self, interview_id: str) -> LiveRoom | None:
        return next((room for room in self._rooms.values() if room.interview.id == interview_id), None)

    def _forget(self, room: LiveRoom) -> None:
        if self._rooms.get(room.interview.room_id) is room:
            del self._rooms[room.interview.room_id]


def _require(principal: AccessPrincipal, grant: Grant) -> None:
    if grant not in principal.grants:
        raise Forbidden(f"This access token does not allow to {grant}.")
