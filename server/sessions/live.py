"""All running interviews: who is in which room, and the one door for whatever happens there."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from server.config import Config
from server.db.engine import Database
from server.media import Attachment, FrameConsumer
from server.sessions.consent import Answer, ConsentState
from server.sessions.live_room import Connection
from server.sessions.ports import AnalysisPort, MediaPort, PublisherChange
from server.sessions.principals import AccessPrincipal, JoinPrincipal, TapPrincipal
from server.sessions.taps import EstimateSubscription


class LiveRooms:
    """The running interviews of this server.

    ``run`` is awaited in a task of its own for as long as the server lives: it lets time pass in the rooms.

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
        raise NotImplementedError

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
            Gone: the interview is over.
        """
        raise NotImplementedError

    async def handle(self, connection: Connection, message: object) -> None:
        """Do what a page asks for. ``message`` is the parsed JSON as received; ``hello`` is not handled here.

        Every ComposureError (malformed, not allowed to this role, not possible now) becomes an ``error`` event to
        that page alone. The checks are those of protocol.CLIENT_EVENTS.
        """
        raise NotImplementedError

    async def disconnect(self, connection: Connection) -> None:
        """Note that a page's websocket is gone; the person counts as interrupted for a minute, then as absent."""
        raise NotImplementedError

    # --- what other doors ask ---

    async def store_consents(self, holder: JoinPrincipal, answers: Iterable[Answer]) -> ConsentState:
        """Store answers of a candidate and act on them at once: withdrawal stops analysis or taps.

        Raises:
            Conflict: a yes to an outdated text.
        """
        raise NotImplementedError

    async def consent_state(self, holder: JoinPrincipal) -> ConsentState:
        """Return what the candidate agrees to now."""
        raise NotImplementedError

    async def authorise_publish(self, principal: AccessPrincipal) -> None:
        """Pass if this participant may send media now.

        Raises:
            Forbidden: no grant, or the candidate was not admitted.
            NotFound, Gone: no such room, or it is over.
        """
        raise NotImplementedError

    async def authorise_watch(self, principal: AccessPrincipal, source_id: str) -> None:
        """Pass if this participant may watch another one of the same room now; raises as ``authorise_publish``."""
        raise NotImplementedError

    def on_publisher(self, change: PublisherChange) -> None:
        """Take news from the media plane; rooms nobody is in are left alone."""
        raise NotImplementedError

    async def attach_tap(self, principal: TapPrincipal, consumer: FrameConsumer) -> Attachment:
        """Let a researcher's consumer watch the candidate while the consent for research stands.

        On withdrawal, revocation or the end the consumer is detached and its ``ended`` is called with the reason.

        Raises:
            Forbidden: no consent for research.
            NotFound, Gone: no such interview, or it is over.
        """
        raise NotImplementedError

    async def subscribe_estimates(self, principal: TapPrincipal) -> EstimateSubscription:
        """Give a researcher the estimates as they come; ends and raises as ``attach_tap``."""
        raise NotImplementedError

    def drop_tap(self, tap_id: str) -> None:
        """End what runs under a tap token that was revoked."""
        raise NotImplementedError

    async def evict(self, interview_id: str, reason: str) -> None:
        """Close a room because the interview was cancelled or deleted; everybody gets ``bye`` with the reason."""
        raise NotImplementedError

    async def refresh(self, interview_id: str) -> None:
        """Read a changed interview again and tell everybody in its room."""
        raise NotImplementedError

    # --- life ---

    async def run(self) -> None:
        """Let time pass in the rooms, once a second, until cancelled."""
        raise NotImplementedError

    async def sweep(self) -> None:
        """Do what is due now: people who stayed away, empty rooms."""
        raise NotImplementedError

    async def close(self) -> None:
        """End everything for a shutdown: sessions are closed, pages get ``bye`` with the reason ``shutdown``."""
        raise NotImplementedError

    def stats(self) -> Mapping[str, Any]:
        """Return counters by name: rooms, connections, analyses, taps, outbox_dropped, estimates_dropped."""
        raise NotImplementedError
