"""One WHEP connection: one viewer of one participant."""

from collections.abc import Callable
from typing import Protocol

from aiortc import RTCRtpCodecCapability

from server.errors import Unprocessable
from server.media import Codec, Kind
from server.rtc.aiortc_private import SenderPort
from server.rtc.connection import Connection
from server.rtc.context import Context
from server.rtc.counters import Counters
from server.rtc.offer import Offer, OfferedMedia, codec_of
from server.rtc.outgoing import OutgoingTrack
from server.rtc.packets import MediaPacket


class SubscriberEvents(Protocol):
    """What a subscriber asks of the source it watches."""

    def request_keyframe(self) -> None:
        """Ask the publisher, throttled over all who ask."""

    def find(self, kind: Kind, epoch: int, seq: int) -> MediaPacket | None:
        """Return a packet that is still kept."""

    def recent_picture(self) -> list[MediaPacket]:
        """Return the video packets since a key frame that has just come, if one has."""

    def layer_costs_bps(self) -> list[float]:
        """Return what the video's layers up to each cost now, the base first."""

    def on_budget(self) -> None:
        """What a viewer's connection carries may have changed."""

    def on_subscriber_down(self, subscriber: "Subscriber") -> None:
        """The connection broke or never came up."""


class Subscriber:
    """The connection by which a viewer watches.

    Args:
        offer: at least one of its sections must receive.
        video_codec: what the source sends; None while it has no video, then the viewer's first is taken.

    Raises:
        Unprocessable: the viewer cannot take the codec, or the offer receives nothing.
    """

    def __init__(
        self,
        offer: Offer,
        *,
        context: Context,
        counters: Counters,
        events: SubscriberEvents,
        video_codec: Codec | None,
    ) -> None:
        if not any(section.receives for section in offer.media):
            raise Unprocessable("the offer receives neither audio nor video")
        chosen = {section.kind: _choose(section, video_codec) for section in offer.media}
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
        self.tracks: dict[Kind, OutgoingTrack] = {}
        for section in offer.media:
            capability = chosen[section.kind]
            rtx = [RTCRtpCodecCapability(mimeType="video/rtx", clockRate=90_000)] * (section.kind is Kind.VIDEO)
            direction = "sendonly" if section.receives else "inactive"
            transceiver = self.connection.peer.addTransceiver(section.kind.value, direction=direction)
            transceiver.setCodecPreferences([capability, *rtx])
            track = OutgoingTrack(
                codec=codec_of(capability),
                context=context,
                counters=counters,
                request_keyframe=events.request_keyframe,
                recent_picture=events.recent_picture,
                find=_finder(events, section.kind),
                layer_costs_bps=events.layer_costs_bps,
                on_budget=events.on_budget,
            )
            track.connect(SenderPort(transceiver.sender, track))
            self.tracks[section.kind] = track

    @property
    def wants_keyframe(self) -> bool:
        """The viewer sees nothing until a key frame comes."""
        return any(track.wants_keyframe for track in self.tracks.values())

    def adapt(self) -> None:
        """Choose anew what fits the viewer's connection; to be called a few times a second."""
        for track in self.tracks.values():
            track.adapt()

    def can_take(self, codec: Codec | None) -> bool:
        """Tell whether video of this codec reaches the viewer; without video, or without wanting any, it is all one."""
        video = self.tracks.get(Kind.VIDEO)
        return codec is None or video is None or video.codec is codec

    async def answer(self) -> str:
        """Return the answer to the offer."""
        return await self.connection.answer(self._offer, video_kbps=None)

    def forward(self, packet: MediaPacket) -> None:
        """Send a packet of the source to the viewer."""
        track = self.tracks.get(packet.kind)
        if track is not None:
            track.forward(packet)

    def _on_up(self) -> None:
        self.connected_at_s = self._context.clock()
        self._context.measures.joined(self.connected_at_s - self.opened_s)

    def _on_down(self) -> None:
        self._events.on_subscriber_down(self)

    async def close(self) -> None:
        """Close the connection; safe to call twice."""
        for track in self.tracks.values():
            track.stop()
        await self.connection.close()


def _choose(section: OfferedMedia, video_codec: Codec | None) -> RTCRtpCodecCapability:
    for capability in section.codecs:
        if section.kind is Kind.AUDIO or video_codec is None or codec_of(capability) is video_codec:
            return capability
    raise Unprocessable(f"the participant sends {video_codec}, which the viewer does not offer to receive")


def _finder(events: SubscriberEvents, kind: Kind) -> Callable[[int, int], MediaPacket | None]:
    return lambda epoch, seq: events.find(kind, epoch, seq)
