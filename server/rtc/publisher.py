"""One WHIP connection: takes packets, asks for lost ones, gives them numbers and times that do not wrap."""

from collections.abc import Callable
from typing import Protocol

from aiortc import RTCRtpCodecCapability
from aiortc.rtp import RtpPacket

from server.errors import Unprocessable
from server.media import Codec, Kind
from server.rtc.aiortc_private import ReceiverTap
from server.rtc.capture_clock import CaptureClock, SenderClock
from server.rtc.connection import Connection
from server.rtc.context import Context
from server.rtc.counters import Counters
from server.rtc.nack import NackTracker
from server.rtc.offer import Offer, OfferedMedia, codec_of
from server.rtc.packets import CLOCK_RATE_HZ, MediaPacket, Unwrapper, starts_keyframe
from server.rtc.rewrite import HISTORY_PACKETS, PacketHistory
from server.rtc.timers import Alarm

REMB_AT_S = (0.0, 0.5, 1.0)
"""When, after the first video packet, the sender is told our bit rate: Chromium believes it for its first two seconds
and would else start at 0.3 Mbit/s and take half a minute to get there. Later the estimate of congestion speaks."""
SSRC_SWITCH_S = 1.0
"""A second stream takes over only when the first has been silent for so long."""


class PublisherEvents(Protocol):
    """What a publisher tells the participant's source."""

    def on_packet(self, publisher: "Publisher", packet: MediaPacket) -> None:
        """One new packet, possibly out of order."""

    def on_publisher_down(self, publisher: "Publisher") -> None:
        """The connection broke or never came up."""


class _Stream:
    """One SSRC: its numbering and its times."""

    def __init__(self, ssrc: int, epoch: int, codec: Codec, sender_clock: SenderClock) -> None:
        self.ssrc = ssrc
        self.epoch = epoch
        self.last_arrival_s = float("-inf")
        self.seqs = Unwrapper(16)
        self.timestamps = Unwrapper(32)
        self.capture = CaptureClock(CLOCK_RATE_HZ[codec], sender_clock)
        self.nacks = NackTracker()
        self.newest_seq = -1
        self.keyframe: MediaPacket | None = None
        """First packet of the newest key frame."""


class IncomingTrack:
    """The audio or the video of a publisher."""

    def __init__(
        self,
        *,
        codec: Codec,
        context: Context,
        counters: Counters,
        sender_clock: SenderClock,
        next_epoch: Callable[[], int],
        on_packet: Callable[[MediaPacket], None],
    ) -> None:
        self.codec = codec
        self.kind = Kind.AUDIO if codec is Codec.OPUS else Kind.VIDEO
        self.history = PacketHistory()
        self._context = context
        self._counters = counters
        self._sender_clock = sender_clock
        self._next_epoch = next_epoch
        self._on_packet = on_packet
        self._stream: _Stream | None = None
        self._tap: ReceiverTap | None = None
        self._retry = Alarm(action=self._ask_again, call_later=context.call_later, clock=context.clock)

    def connect(self, tap: ReceiverTap) -> None:
        """Send requests by this tap."""
        self._tap = tap

    def on_rtp(self, packet: RtpPacket, *, is_retransmission: bool) -> None:
        """Take a packet from aiortc."""
        now_s = self._context.clock()
        self._counters.packets_in += 1
        self._counters.bytes_in += len(packet.payload)
        stream = self._stream_of(packet.ssrc, now_s)
        if stream is None:
            self._counters.packets_refused += 1
            return
        stream.last_arrival_s = now_s
        timestamp = stream.timestamps.unwrap(packet.timestamp)
        media = MediaPacket(
            kind=self.kind,
            codec=self.codec,
            epoch=stream.epoch,
            seq=stream.seqs.unwrap(packet.sequence_number),
            timestamp=timestamp,
            marker=bool(packet.marker),
            payload=packet.payload,
            padding_size=packet.padding_size,
            audio_level=packet.extensions.audio_level,
            arrival_s=now_s,
            capture_s=stream.capture.capture_s(timestamp, now_s),
            starts_keyframe=starts_keyframe(self.codec, packet.payload),
        )
        if not self.history.put(media):
            return
        self._counters.packets_repaired += is_retransmission
        stream.newest_seq = max(stream.newest_seq, media.seq)
        if media.starts_keyframe and (stream.keyframe is None or media.seq > stream.keyframe.seq):
            stream.keyframe = media
        if self.kind is Kind.VIDEO:
            self._ask(stream.ssrc, stream.nacks.received(media.seq, now_s))
            self._retry.set(stream.nacks.next_s)
        self._on_packet(media)

    def since_keyframe(self, max_age_s: float) -> list[MediaPacket]:
        """Return the packets from the newest key frame on, nothing if that is older than this."""
        stream = self._stream
        if stream is None or stream.keyframe is None:
            return []
        if self._context.clock() - stream.keyframe.arrival_s > max_age_s:
            return []
        if stream.newest_seq - stream.keyframe.seq >= HISTORY_PACKETS:
            return []  # its beginning is not kept any more
        kept = (self.history.get(stream.epoch, seq) for seq in range(stream.keyframe.seq, stream.newest_seq + 1))
        return [packet for packet in kept if packet is not None]

    def on_sender_report(self, ssrc: int, ntp_timestamp: int, rtp_timestamp: int) -> None:
        """Take note of the sender's idea of time."""
        stream = self._stream
        if stream is not None and stream.ssrc == ssrc:
            timestamp = stream.timestamps.nearest(rtp_timestamp)
            stream.capture.report(timestamp, ntp_timestamp, self._context.clock())

    def _stream_of(self, ssrc: int, now_s: float) -> _Stream | None:
        if self._stream is None or self._stream.ssrc != ssrc:
            if self._stream is not None and now_s - self._stream.last_arrival_s < SSRC_SWITCH_S:
                return None
            self._stream = _Stream(ssrc, self._next_epoch(), self.codec, self._sender_clock)
            if self.kind is Kind.VIDEO:
                for delay_s in REMB_AT_S:
                    self._context.call_later(delay_s, self._invite)
        return self._stream

    def _ask_again(self) -> None:
        if self._stream is not None:
            self._ask(self._stream.ssrc, self._stream.nacks.due(self._context.clock()))
            self._retry.set(self._stream.nacks.next_s)

    def _ask(self, ssrc: int, seqs: list[int]) -> None:
        if seqs and self._tap is not None:
            self._counters.packets_asked_again += len(seqs)
            self._context.spawn(self._tap.send_nack(ssrc, [seq & 0xFFFF for seq in seqs]), "rtc-nack")

    def _invite(self) -> None:
        if self._stream is not None and self._tap is not None:
            self._context.spawn(self._tap.send_remb(self._stream.ssrc), "rtc-remb")

    def request_keyframe(self) -> None:
        """Send one PLI now."""
        if self._stream is not None and self._tap is not None:
            self._counters.keyframe_requests_sent += 1
            self._context.spawn(self._tap.send_pli(self._stream.ssrc), "rtc-pli")

    def stop(self) -> None:
        """Stop asking."""
        self._retry.set(None)
        self._tap = None


class Publisher:
    """The connection by which a participant publishes now."""

    def __init__(
        self,
        offer: Offer,
        *,
        context: Context,
        counters: Counters,
        events: PublisherEvents,
        next_epoch: Callable[[], int],
        preferred_codec: Codec | None,
    ) -> None:
        """Prepare to answer.

        Args:
            offer: at least one of its sections must send.
            preferred_codec: video codec that the present viewers can take; used if it is offered.

        Raises:
            Unprocessable: the offer sends nothing.
        """
        if not any(section.sends for section in offer.media):
            raise Unprocessable("the offer sends neither audio nor video")
        self.opened_s = context.clock()
        self.connected_at_s: float | None = None
        """Monotonic; None until the connection is up."""
        self.ufrag = offer.ufrag
        self._offer = offer
        self._context = context
        self._events = events
        self.connection = Connection(context.config, on_down=self._on_down, on_up=self._on_up)
        self.tracks: dict[Kind, IncomingTrack] = {}
        sender_clock = SenderClock()
        for section in offer.media:
            capability = _choose(section, preferred_codec)
            transceiver = self.connection.peer.addTransceiver(section.kind.value, direction="recvonly")
            transceiver.setCodecPreferences([capability, *_rtx(section.kind)])
            if not section.sends:
                continue
            track = IncomingTrack(
                codec=codec_of(capability),
                context=context,
                counters=counters,
                sender_clock=sender_clock,
                next_epoch=next_epoch,
                on_packet=self._on_packet,
            )
            track.connect(ReceiverTap(transceiver.receiver, track, wanted_bps=1000 * context.config.video_kbps))
            self.tracks[section.kind] = track

    @property
    def video_codec(self) -> Codec | None:
        """What the video is encoded with, None without video."""
        video = self.tracks.get(Kind.VIDEO)
        return None if video is None else video.codec

    async def answer(self) -> str:
        """Return the answer to the offer."""
        return await self.connection.answer(self._offer, video_kbps=self._context.config.video_kbps)

    def _on_packet(self, packet: MediaPacket) -> None:
        self._events.on_packet(self, packet)

    def _on_up(self) -> None:
        self.connected_at_s = self._context.clock()
        self._context.measures.joined(self.connected_at_s - self.opened_s)

    def _on_down(self) -> None:
        self._events.on_publisher_down(self)

    def request_keyframe(self) -> None:
        """Ask the sender for a key frame now; nothing happens without video."""
        video = self.tracks.get(Kind.VIDEO)
        if video is not None:
            video.request_keyframe()

    async def close(self) -> None:
        """Close the connection; safe to call twice."""
        for track in self.tracks.values():
            track.stop()
        await self.connection.close()


def _choose(section: OfferedMedia, preferred: Codec | None) -> RTCRtpCodecCapability:
    """Return the preferred codec if it is offered, else the offerer's first."""
    for capability in section.codecs:
        if codec_of(capability) is preferred:
            return capability
    return section.codecs[0]


def _rtx(kind: Kind) -> list[RTCRtpCodecCapability]:
    return [RTCRtpCodecCapability(mimeType="video/rtx", clockRate=90_000)] if kind is Kind.VIDEO else []
