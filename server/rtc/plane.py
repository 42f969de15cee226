"""The media plane: who publishes, who watches, and the frame consumers beside them."""

import asyncio
import hashlib
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from server.config import Config
from server.errors import Conflict, NotFound, TooManyRequests, Unavailable, Unprocessable
from server.media import Attachment, Codec, FrameConsumer
from server.rtc.aiortc_private import check_aiortc
from server.rtc.context import Context
from server.rtc.contract import (
    ConnectionReport,
    PlaneStats,
    PublisherEvent,
    PublisherState,
    Resource,
    ResourceOwner,
)
from server.rtc.counters import Counters
from server.rtc.measures import Measures
from server.rtc.offer import parse_offer
from server.rtc.publisher import Publisher
from server.rtc.reports import report_of
from server.rtc.sdpfrag import parse_fragment
from server.rtc.source import Source
from server.rtc.speaking import SpeakingWatch
from server.rtc.subscriber import Subscriber

__all__ = ["MediaPlane", "PlaneStats", "PublisherEvent", "PublisherState", "Resource", "ResourceOwner"]

TICK_S = 0.25
CONNECT_TIMEOUT_S = 15.0
"""A connection that has not come up by then is closed."""
MAX_VIEWERS = 32
"""Viewers of one participant."""
MAX_VIEWS_EACH = 4
"""Connections by which one viewer may watch one participant; a further one ends the oldest."""
MAX_ANSWERING = 4
"""Offers of one participant that may be answered at once, for each whom they concern."""
CLOSE_TIMEOUT_S = 2.0


class Listening:
    """A hold on the news of who speaks in a room."""

    def __init__(self, watch: SpeakingWatch, except_id: str, stop: Callable[["Listening"], None]) -> None:
        self.watch = watch
        self.except_id = except_id
        self._stop = stop

    def stop(self) -> None:
        """Hear nothing more; safe to call twice."""
        self.watch.stop()
        self._stop(self)


@dataclass(frozen=True, slots=True)
class _Open:
    """An open WHIP or WHEP session."""

    owner: ResourceOwner
    peer: Publisher | Subscriber
    source: Source


class MediaPlane:
    """Receives media by WHIP, forwards it by WHEP, hands encoded frames to consumers; never decodes.

    Args:
        config: ICE servers, addresses, ports, bit rate.
        clock: monotonic seconds.
        on_publisher: called on the event loop when a publication changes its state; must return at once.
    """

    def __init__(
        self, config: Config, *, clock: Callable[[], float], on_publisher: Callable[[PublisherEvent], None]
    ) -> None:
        check_aiortc()
        self._context = Context(config, clock)
        self._on_publisher = on_publisher
        self._sources: dict[tuple[str, str], Source] = {}
        self._resources: dict[str, _Open] = {}
        self._rooms: dict[str, Counters] = {}
        self._listening: dict[str, list[Listening]] = {}
        """By room; empty lists are not kept."""
        self._answering: Counter[tuple[str, str, str]] = Counter()
        """Offers being answered, by room, participant whom they concern, and participant who made them."""
        self._past = Counters()
        self._closing = asyncio.Lock()
        self._ticker: asyncio.Task[None] | None = None
        self._is_closed = False

    # Opening

    async def publish(self, room_id: str, participant_id: str, offer_sdp: str) -> Resource:
        """Answer a WHIP offer; replaces an earlier connection of the same participant.

        Raises:
            BadRequest: no SDP.
            Unprocessable: SDP that cannot be answered, such as one without VP8, H.264 or Opus.
            Conflict: a later offer of the same participant overtook this one.
            TooManyRequests: ``MAX_ANSWERING`` offers of this participant are being answered.
            Unavailable: no UDP port, or the plane is closing.
        """
        offer = parse_offer(offer_sdp)
        self._start((room_id, participant_id, participant_id))
        source = self._source(room_id, participant_id)
        source.newest_attempt = attempt = source.newest_attempt + 1
        source.n_answering += 1
        try:
            publisher = Publisher(
                offer,
                context=self._context,
                counters=self._counters(room_id),
                events=source,
                next_epoch=source.next_epoch,
                preferred_codec=source.preferred_codec,
            )
            answer_sdp = await self._answer(publisher, (room_id, participant_id, participant_id))
        except BaseException:
            source.n_answering -= 1
            self._tidy(source)
            raise
        source.n_answering -= 1
        is_current = self._sources.get((room_id, participant_id)) is source
        if source.newest_attempt != attempt or not is_current or publisher.connection.is_closing:
            self._close_later(publisher)
            raise Conflict("the connection was replaced or closed while it was being opened")
        self._counters(room_id).publications += 1
        replaced = source.begin(publisher)
        if replaced is not None:
            self._forget(replaced)
            self._close_later(replaced)
        for subscriber in source.mismatched():
            self._drop(subscriber)
        return self._register(publisher, source, participant_id, answer_sdp)

    async def watch(self, room_id: str, source_id: str, viewer_id: str, offer_sdp: str) -> Resource:
        """Answer a WHEP offer of a viewer who wants to watch ``source_id``.

        Raises:
            BadRequest: no SDP.
            Unprocessable: SDP that cannot be answered, or the viewer cannot take the participant's video codec.
            Conflict: the participant does not publish; ``retry_after_s`` says when to try again.
            TooManyRequests: ``MAX_ANSWERING`` offers of this viewer for this participant are being answered.
            Unavailable: too many viewers, no UDP port, or the plane is closing.
        """
        offer = parse_offer(offer_sdp)
        self._start((room_id, source_id, viewer_id))
        source = self._sources.get((room_id, source_id))
        if source is None or source.event is None or source.event.state is PublisherState.CLOSED:
            raise Conflict("the participant does not publish yet", retry_after_s=1)
        video_codec = None if source.event.video_codec is None else Codec(source.event.video_codec)
        subscriber = Subscriber(
            offer,
            context=self._context,
            counters=self._counters(room_id),
            events=source,
            video_codec=video_codec,
        )
        answer_sdp = await self._answer(subscriber, (room_id, source_id, viewer_id))
        if self._sources.get((room_id, source_id)) is not source:
            self._close_later(subscriber)
            raise Conflict("the participant left", retry_after_s=1)
        if source.publisher is not None and not subscriber.can_take(source.publisher.video_codec):
            self._close_later(subscriber)
            raise Conflict("the participant's video changed its codec", retry_after_s=1)
        if not self._make_room(source, viewer_id):
            self._close_later(subscriber)
            raise Unavailable("too many people watch this participant", retry_after_s=10)
        source.subscribers.add(subscriber)
        self._counters(room_id).views += 1
        return self._register(subscriber, source, viewer_id, answer_sdp)

    async def _answer(self, peer: Publisher | Subscriber, whose: tuple[str, str, str]) -> str:
        self._answering[whose] += 1
        try:
            answer_sdp = await peer.answer()
        except BaseException:  # also when the request is cancelled: the sockets must not stay open
            self._close_later(peer)
            raise
        finally:
            self._answering[whose] -= 1
            self._answering += Counter()  # forget who has none
        if self._is_closed:
            self._close_later(peer)
            raise Unavailable("the server is shutting down", retry_after_s=10)
        return answer_sdp

    def _register(self, peer: Publisher | Subscriber, source: Source, participant_id: str, answer_sdp: str) -> Resource:
        resource_id = secrets.token_urlsafe(24)
        etag = hashlib.sha256(peer.ufrag.encode()).hexdigest()[:16]
        owner = ResourceOwner(room_id=source.room_id, participant_id=participant_id, etag=etag)
        self._resources[resource_id] = _Open(owner, peer, source)
        return Resource(id=resource_id, answer_sdp=answer_sdp, etag=etag)

    def _make_room(self, source: Source, viewer_id: str) -> bool:
        """Let one more view of this viewer fit; return whether it does."""
        views = [
            entry.peer
            for entry in self._resources.values()
            if entry.source is source and entry.owner.participant_id == viewer_id and isinstance(entry.peer, Subscriber)
        ]
        if len(views) >= MAX_VIEWS_EACH:
            self._drop(views[0])  # resources are kept in the order in which they were opened
        return len(source.subscribers) < MAX_VIEWERS

    # What is open

    def owner(self, resource_id: str) -> ResourceOwner:
        """Return who opened the resource; NotFound if unknown or closed."""
        return self._open(resource_id).owner

    async def trickle(self, resource_id: str, sdpfrag: str) -> None:
        """Add the candidates of an ``application/trickle-ice-sdpfrag`` body; those we cannot use are ignored.

        Raises:
            NotFound: no such resource.
            BadRequest: no SDP fragment.
            Unprocessable: the body asks for an ICE restart, which is not supported: POST a new offer instead.
        """
        entry = self._open(resource_id)
        fragment = parse_fragment(sdpfrag)
        if fragment.ufrag is not None and fragment.ufrag != entry.peer.ufrag:
            raise Unprocessable("ICE restart is not supported; open a new session instead")
        for candidate in fragment.candidates:
            await entry.peer.connection.add_candidate(candidate)

    async def close_resource(self, resource_id: str) -> None:
        """Close one WHIP or WHEP session; NotFound if unknown."""
        entry = self._open(resource_id)
        peer = entry.peer
        if isinstance(peer, Subscriber):
            self._drop(peer)
        else:
            self._forget(peer)
            if entry.source.publisher is peer:
                entry.source.finish()
            self._close_later(peer)
        self._tidy(entry.source)

    def publication(self, room_id: str, participant_id: str) -> PublisherEvent | None:
        """Return the present state of a participant's publication, None if there has been none."""
        source = self._sources.get((room_id, participant_id))
        return None if source is None else source.event

    def attach(self, room_id: str, participant_id: str, consumer: FrameConsumer) -> Attachment:
        """Hand a participant's encoded frames to a consumer; before, during or between publications.

        The consumer's ``ended`` is called by ``close_participant``, ``close_room`` and ``close``, not when a
        publication ends that may be followed by another.
        """
        return self._source(room_id, participant_id).attach(consumer)

    def listen(self, room_id: str, except_id: str, on_change: Callable[[bool, float], None]) -> Listening:
        """Tell whether anybody in a room speaks, by the audio levels that their browsers send; nothing is decoded.

        Args:
            room_id: the room.
            except_id: the participant who does not count.
            on_change: takes whether anybody else speaks and since when on the monotonic clock, a moment that has just
                passed: first as soon as the first level is known, then at each change. Must return at once.
        """

        def stop(listening: Listening) -> None:
            kept = [other for other in self._listening.pop(room_id, []) if other is not listening]
            if kept:
                self._listening[room_id] = kept

        watch = SpeakingWatch(on_change=on_change, call_later=self._context.call_later, clock=self._context.clock)
        listening = Listening(watch, except_id, stop)
        self._listening[room_id] = [*self._listening.get(room_id, []), listening]
        return listening

    def stats(self) -> PlaneStats:
        """Return counters by name since start, and the gauges publishers, viewers, consumers and queued_packets."""
        rooms = {room_id: counters.as_dict() | self._gauges(room_id) for room_id, counters in self._rooms.items()}
        total = Counters()
        total.add(self._past)
        for counters in self._rooms.values():
            total.add(counters)
        return PlaneStats(total=total.as_dict() | self._gauges(None), rooms=rooms)

    def reports(self, room_id: str | None = None) -> tuple[ConnectionReport, ...]:
        """Return how each open connection of a room does, or of all rooms."""
        now_s = self._context.clock()
        return tuple(
            report_of(entry.peer, entry.owner, entry.source.participant_id, now_s)
            for entry in self._resources.values()
            if room_id is None or entry.owner.room_id == room_id
        )

    @property
    def measures(self) -> Measures:
        """How long things took since start."""
        return self._context.measures

    def _gauges(self, room_id: str | None) -> dict[str, int]:
        sources = [source for source in self._sources.values() if room_id in (None, source.room_id)]
        viewers = [subscriber for source in sources for subscriber in source.subscribers]
        return {
            "publishers": sum(source.publisher is not None for source in sources),
            "viewers": len(viewers),
            "consumers": sum(source.n_consumers for source in sources),
            "queued_packets": sum(track.n_queued for viewer in viewers for track in viewer.tracks.values()),
        }

    # Ending

    async def close_participant(self, room_id: str, participant_id: str) -> None:
        """End what the participant publishes and watches, for good; consumers are told."""
        for entry in tuple(self._resources.values()):
            owner = entry.owner
            is_theirs = owner.room_id == room_id and owner.participant_id == participant_id
            if isinstance(entry.peer, Subscriber) and is_theirs:
                self._drop(entry.peer)
        source = self._sources.pop((room_id, participant_id), None)
        if source is not None:
            self._end(source, "the participant left")
        self._tidy_room(room_id)

    async def close_room(self, room_id: str) -> None:
        """End everything in a room, for good."""
        for key in [key for key in self._sources if key[0] == room_id]:
            self._end(self._sources.pop(key), "the room was closed")
        self._tidy_room(room_id)

    async def close(self) -> None:
        """End everything; no task or socket is left."""
        self._is_closed = True
        if self._ticker is not None:
            self._ticker.cancel()
        for room_id in {key[0] for key in self._sources}:
            await self.close_room(room_id)
        await self._context.finish(CLOSE_TIMEOUT_S)

    def _end(self, source: Source, reason: str) -> None:
        for subscriber in tuple(source.subscribers):
            self._drop(subscriber)
        publisher = source.finish()
        if publisher is not None:
            self._forget(publisher)
            self._close_later(publisher)
        source.end(reason)

    def _drop(self, subscriber: Subscriber) -> None:
        self._forget(subscriber)
        for source in self._sources.values():
            source.subscribers.discard(subscriber)
        self._close_later(subscriber)

    def _close_later(self, peer: Publisher | Subscriber) -> None:
        # Closing waits for the network; nobody has to wait for it.
        self._context.spawn(self._close_peer(peer), "rtc-close")

    async def _close_peer(self, peer: Publisher | Subscriber) -> None:
        began_s = self._context.clock()
        async with self._closing:  # one begins in each turn of the loop, so that a room of many holds nobody up
            await asyncio.sleep(0)
        await peer.close()
        self._context.measures.closed(self._context.clock() - began_s)

    def _forget(self, peer: Publisher | Subscriber) -> None:
        for resource_id in [key for key, entry in self._resources.items() if entry.peer is peer]:
            del self._resources[resource_id]
            if isinstance(peer, Publisher):
                for track in (item.statistics() for item in peer.tracks.values()):
                    self._context.measures.retire(frozen_s=track.frozen_s, packets_lost=track.packets_lost)

    # Events

    def _publisher_lost(self, publisher: Publisher) -> None:
        for source in self._sources.values():
            if source.publisher is publisher:
                source.interrupt()
        self._forget(publisher)
        self._close_later(publisher)

    def _subscriber_lost(self, subscriber: Subscriber) -> None:
        self._drop(subscriber)

    def _hear(self, source: Source, level: int, arrival_s: float) -> None:
        for listening in self._listening.get(source.room_id, ()):
            if listening.except_id != source.participant_id:
                listening.watch.hear(source.participant_id, level, arrival_s)

    async def _tick(self) -> None:
        now_s = self._context.clock()
        while True:
            await asyncio.sleep(TICK_S)
            before_s, now_s = now_s, self._context.clock()
            for entry in tuple(self._resources.values()):
                peer = entry.peer
                peer.connection.tick(now_s - before_s)
                if not peer.connection.is_up and peer.connection.waited_s > CONNECT_TIMEOUT_S:
                    self._counters(entry.owner.room_id).connections_failed += 1
                    if isinstance(peer, Subscriber):
                        self._subscriber_lost(peer)
                    else:
                        self._publisher_lost(peer)
            for source in tuple(self._sources.values()):
                source.tick()
                source.adapt()

    # Bookkeeping

    def _start(self, whose: tuple[str, str, str]) -> None:
        if self._is_closed:
            raise Unavailable("the server is shutting down", retry_after_s=10)
        if self._answering[whose] >= MAX_ANSWERING:
            raise TooManyRequests("too many connections are being opened at once", retry_after_s=1)
        if self._ticker is None:
            self._ticker = self._context.spawn(self._tick(), "rtc-tick")

    def _open(self, resource_id: str) -> _Open:
        entry = self._resources.get(resource_id)
        if entry is None:
            raise NotFound("no such media session")
        return entry

    def _counters(self, room_id: str) -> Counters:
        return self._rooms.setdefault(room_id, Counters())

    def _source(self, room_id: str, participant_id: str) -> Source:
        source = self._sources.get((room_id, participant_id))
        if source is None:
            source = Source(
                room_id,
                participant_id,
                context=self._context,
                counters=self._counters(room_id),
                on_state=self._on_publisher,
                on_publisher_lost=self._publisher_lost,
                on_subscriber_lost=self._subscriber_lost,
                on_level=self._hear,
            )
            self._sources[room_id, participant_id] = source
        return source

    def _tidy(self, source: Source) -> None:
        """Let go of a participant of whom nothing is left."""
        key = (source.room_id, source.participant_id)
        if source.is_unused and self._sources.get(key) is source:
            del self._sources[key]
            self._tidy_room(source.room_id)

    def _tidy_room(self, room_id: str) -> None:
        if all(key[0] != room_id for key in self._sources) and room_id in self._rooms:
            self._past.add(self._rooms.pop(room_id))
