"""One WHIP connection: the tracks of a participant and what connects them."""

from collections.abc import Callable
from typing import Protocol

from aiortc import RTCRtpCodecCapability

from server.errors import Unprocessable
from server.media import Codec, Kind
from server.rtc.aiortc_private import ReceiverTap, TransportFeedback
from server.rtc.capture_clock import SenderClock
from server.rtc.connection import Connection
from server.rtc.context import Context
from server.rtc.counters import Counters
from server.rtc.incoming import IncomingTrack
from server.rtc.offer import Offer, OfferedMedia, codec_of, with_overhead_kbps
from server.rtc.packets import MediaPacket


class PublisherEvents(Protocol):
    """What a publisher tells the participant's source."""

    def on_packet(self, publisher: "Publisher", packet: MediaPacket) -> None:
        """One new packet, possibly out of order."""

    def on_picture_lost(self, publisher: "Publisher") -> None:
        """Packets were lost for good: nobody can decode a picture before the next key frame."""

    def on_publisher_down(self, publisher: "Publisher") -> None:
        """The connection broke or never came up."""


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
        self.connection = Connection(
            context.config, clock=context.clock, counters=counters, on_down=self._on_down, on_up=self._on_up
        )
        self._feedback: TransportFeedback | None = None
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
                on_picture_lost=self._on_picture_lost,
                rtt_s=self._rtt_s,
            )
            track.connect(
                ReceiverTap(
                    transceiver.receiver, track, wanted_bps=1000 * with_overhead_kbps(context.config.video_kbps)
                )
            )
            self.tracks[section.kind] = track

    @property
    def video_codec(self) -> Codec | None:
        """What the video is encoded with, None without video."""
        video = self.tracks.get(Kind.VIDEO)
        return None if video is None else video.codec

    async def answer(self) -> str:
        """Return the answer to the offer."""
        answer_sdp = await self.connection.answer(self._offer, video_kbps=self._context.config.video_kbps)
        if self._offer.feedback_id is not None:
            for track in self.tracks.values():
                track.leave_estimate_to_sender()
            self._feedback = TransportFeedback(
                self.connection.peer,
                extension_id=self._offer.feedback_id,
                clock=self._context.clock,
                call_later=self._context.call_later,
            )
        return answer_sdp

    def _on_packet(self, packet: MediaPacket) -> None:
        self._events.on_packet(self, packet)

    def _on_picture_lost(self) -> None:
        self._events.on_picture_lost(self)

    def _rtt_s(self) -> float | None:
        return self.connection.rtt_s

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

    @property
    def asked_bps(self) -> int | None:
        """What the sender is asked for now, bits/s of video; None without video."""
        video = self.tracks.get(Kind.VIDEO)
        return None if video is None else video.asked_bps

    def limit(self, bits_per_s: int | None) -> None:
        """Ask for no more video than this, None lifts the limit; to be called a few times a second."""
        video = self.tracks.get(Kind.VIDEO)
        if video is not None:
            video.limit(bits_per_s)

    async def close(self) -> None:
        """Close the connection; safe to call twice."""
        for track in self.tracks.values():
            track.stop()
        if self._feedback is not None:
            self._feedback.stop()
        await self.connection.close()


def _choose(section: OfferedMedia, preferred: Codec | None) -> RTCRtpCodecCapability:
    """Return the preferred codec if it is offered, else the offerer's first."""
    for capability in section.codecs:
        if codec_of(capability) is preferred:
            return capability
    return section.codecs[0]


def _rtx(kind: Kind) -> list[RTCRtpCodecCapability]:
    return [RTCRtpCodecCapability(mimeType="video/rtx", clockRate=90_000)] if kind is Kind.VIDEO else []
