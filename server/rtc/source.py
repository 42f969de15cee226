"""One participant as everybody else sees them: outlives their connections, viewers and consumers stay attached."""

import logging
from collections.abc import Callable

from server.media import Attachment, Codec, FrameConsumer, Kind
from server.rtc.context import Context
from server.rtc.contract import PublisherEvent, PublisherState
from server.rtc.counters import Counters
from server.rtc.feed import FrameFeed
from server.rtc.liveness import INTERRUPTED_AFTER_S
from server.rtc.nack import PATIENCE_S
from server.rtc.packets import MediaPacket
from server.rtc.publisher import Publisher
from server.rtc.rates import LayerMeter
from server.rtc.subscriber import Subscriber
from server.rtc.timers import Throttle
from server.rtc.upstream import UpstreamLimit
from server.rtc.vp8 import parse_descriptor
from server.rtc.whereabouts import whereabouts

KEYFRAME_PAUSE_S = 0.5
"""At most one key-frame request to the sender in this time, for any number of viewers and consumers."""

_log = logging.getLogger(__name__)


class Source:
    """A participant's publication with all who receive it.

    Args:
        on_state: told of every change of state.
        on_publisher_lost: told that this connection broke.
        on_subscriber_lost: told that this viewer's connection broke.
        on_level: told the audio level (RFC 6464) of each packet that carries one, after it was forwarded: in -dBov, and
            when the packet came.
    """

    def __init__(
        self,
        room_id: str,
        participant_id: str,
        *,
        context: Context,
        counters: Counters,
        on_state: Callable[[PublisherEvent], None],
        on_publisher_lost: Callable[[Publisher], None],
        on_subscriber_lost: Callable[[Subscriber], None],
        on_level: Callable[["Source", int, float], None],
    ) -> None:
        self.room_id = room_id
        self.participant_id = participant_id
        self.subscribers: set[Subscriber] = set()
        self.publisher: Publisher | None = None
        self.event: PublisherEvent | None = None
        self.newest_attempt = 0
        self.n_answering = 0
        """Offers being answered now."""
        self._context = context
        self._counters = counters
        self._on_state = on_state
        self._on_publisher_lost = on_publisher_lost
        self._on_subscriber_lost = on_subscriber_lost
        self._on_level = on_level
        self._layers = LayerMeter()
        self._upstream = UpstreamLimit()
        self._epoch = 0
        self._has_sent = False
        """Media has come by the present connection."""
        self._ask = Throttle(
            pause_s=KEYFRAME_PAUSE_S, action=self._send_request, call_later=context.call_later, clock=context.clock
        )
        self._feed = FrameFeed(
            clock=context.clock,
            call_later=context.call_later,
            request_keyframe=self.request_keyframe,
            video_patience_s=self._video_patience_s,
            counters=counters,
        )

    @property
    def is_unused(self) -> bool:
        """Nobody publishes, watches or consumes."""
        is_silent = self.event is None or self.event.state is PublisherState.CLOSED
        return is_silent and not self.subscribers and not self.n_consumers and not self.n_answering

    @property
    def n_consumers(self) -> int:
        """Consumers attached."""
        return len(self._feed)

    @property
    def preferred_codec(self) -> Codec | None:
        """The video codec the present viewers negotiated, None if there are none."""
        videos = (subscriber.tracks.get(Kind.VIDEO) for subscriber in self.subscribers)
        return next((video.codec for video in videos if video is not None), None)

    def next_epoch(self) -> int:
        """Return a number for a new stream."""
        self._epoch += 1
        return self._epoch

    def begin(self, publisher: Publisher) -> Publisher | None:
        """Take packets from this connection from now on; return the one it replaces."""
        replaced, self.publisher = self.publisher, publisher
        self._has_sent = False
        self._set_state(PublisherState.CONNECTING, publisher)
        return replaced

    def mismatched(self) -> list[Subscriber]:
        """Return the viewers who cannot take what is published now."""
        codec = None if self.publisher is None else self.publisher.video_codec
        return [subscriber for subscriber in self.subscribers if not subscriber.can_take(codec)]

    def interrupt(self) -> None:
        """The publisher's connection is gone, the participant may come back."""
        self.publisher = None
        self._ask.cancel()
        if self.event is not None and self.event.state is not PublisherState.INTERRUPTED:
            self._counters.interruptions += 1
            self._set_state(PublisherState.INTERRUPTED)

    def finish(self) -> Publisher | None:
        """The publication was closed on purpose; viewers and consumers stay attached. Return its connection."""
        publisher, self.publisher = self.publisher, None
        self._ask.cancel()
        if self.event is not None and self.event.state is not PublisherState.CLOSED:
            self._set_state(PublisherState.CLOSED)
        return publisher

    def end(self, reason: str) -> None:
        """Nothing will ever come again; consumers are told."""
        self._feed.end(reason)

    def attach(self, consumer: FrameConsumer) -> Attachment:
        """Hand the frames to one more consumer."""
        return self._feed.attach(consumer)

    def tick(self) -> None:
        """Look after the publisher: notice silence and its end, ask again for key frames that did not come.

        Silence is that nothing is heard at all; whoever has camera and microphone off still answers.
        """
        is_live = self.event is not None and self.event.state is PublisherState.LIVE
        is_silent = self.publisher is None or self.publisher.connection.silent_s > INTERRUPTED_AFTER_S
        if is_live and is_silent:
            self._counters.interruptions += 1
            self._set_state(PublisherState.INTERRUPTED)
        elif not is_live and not is_silent and self._has_sent:
            self._set_state(PublisherState.LIVE)
        elif is_live and (self._feed.wants_keyframe or any(viewer.wants_keyframe for viewer in self.subscribers)):
            self._ask()

    def adapt(self) -> None:
        """Fit what is sent and what is asked for to the viewers' connections; to be called a few times a second."""
        for subscriber in tuple(self.subscribers):
            subscriber.adapt()
        self.on_budget()

    def on_budget(self) -> None:
        """Ask the publisher for what the viewers' connections carry."""
        if self.publisher is not None:
            videos = (subscriber.tracks.get(Kind.VIDEO) for subscriber in self.subscribers)
            budgets_bps = [video.budget_bps for video in videos if video is not None and video.takes_video]
            self.publisher.limit(self._upstream.update(budgets_bps))

    def layer_costs_bps(self) -> list[float]:
        """Return what the video's layers up to each cost now, the base first."""
        return self._layers.cumulative_bps(self._context.clock())

    def request_keyframe(self) -> None:
        """Ask the publisher for a key frame, throttled over all who ask."""
        self._counters.keyframes_asked += 1
        self._ask()

    def _video_patience_s(self) -> float:
        video = None if self.publisher is None else self.publisher.tracks.get(Kind.VIDEO)
        return PATIENCE_S if video is None else video.patience_s

    def _send_request(self) -> None:
        if self.publisher is not None:
            self.publisher.request_keyframe()

    def find(self, kind: Kind, epoch: int, seq: int) -> MediaPacket | None:
        """Return a packet that is still kept."""
        track = None if self.publisher is None else self.publisher.tracks.get(kind)
        return None if track is None else track.history.get(epoch, seq)

    def recent_picture(self) -> list[MediaPacket]:
        """Return the video packets since the newest key frame if that is younger than the pause between requests."""
        video = None if self.publisher is None else self.publisher.tracks.get(Kind.VIDEO)
        return [] if video is None else video.since_keyframe(KEYFRAME_PAUSE_S)

    def on_packet(self, publisher: Publisher, packet: MediaPacket) -> None:
        """Forward one new packet to everybody."""
        if publisher is not self.publisher:
            return
        self._has_sent = True
        if self.event is not None and self.event.state is not PublisherState.LIVE:
            self._set_state(PublisherState.LIVE)
        if packet.kind is Kind.VIDEO:
            layer = parse_descriptor(packet.payload).layer if packet.codec is Codec.VP8 else None
            self._layers.add(layer or 0, len(packet.payload), packet.arrival_s)
        if packet.starts_keyframe:
            self._ask.cancel()  # whoever asked before is served by this one
        for subscriber in tuple(self.subscribers):
            try:
                subscriber.forward(packet)
            except Exception as exc:  # whatever a viewer negotiated or sent: the others, and the analysis, get theirs
                self._counters.viewers_failed += 1
                _log.error("a viewer failed and was dropped: %s at %s", type(exc).__name__, whereabouts(exc))
                self._on_subscriber_lost(subscriber)
        self._feed.push(packet)
        if packet.audio_level is not None:
            self._on_level(self, packet.audio_level[1], packet.arrival_s)

    def on_picture_lost(self, publisher: Publisher) -> None:
        """No picture can be decoded before the next key frame, so ask for one, whoever watches."""
        if publisher is self.publisher:
            self.request_keyframe()

    def on_publisher_down(self, publisher: Publisher) -> None:
        """The publisher's connection broke."""
        self._on_publisher_lost(publisher)

    def on_subscriber_down(self, subscriber: Subscriber) -> None:
        """A viewer's connection broke."""
        self._on_subscriber_lost(subscriber)

    def _set_state(self, state: PublisherState, publisher: Publisher | None = None) -> None:
        """Change the state; what is published changes only with a new publisher."""
        if publisher is not None:
            codec = publisher.video_codec
            has_audio, has_video = Kind.AUDIO in publisher.tracks, Kind.VIDEO in publisher.tracks
            video_codec = None if codec is None else codec.value
        else:
            assert self.event is not None, "a publication starts with a publisher"
            has_audio, has_video, video_codec = self.event.has_audio, self.event.has_video, self.event.video_codec
        self.event = PublisherEvent(
            room_id=self.room_id,
            participant_id=self.participant_id,
            state=state,
            has_audio=has_audio,
            has_video=has_video,
            video_codec=video_codec,
        )
        self._on_state(self.event)
