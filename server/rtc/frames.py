"""Whole encoded frames from RTP packets, without decoding: what analysis, taps and recorders consume."""

from aiortc.codecs.h264 import H264PayloadDescriptor
from aiortc.codecs.vpx import VpxPayloadDescriptor

from server.media import Codec, EncodedFrame
from server.rtc.lateness import Overtaken
from server.rtc.nack import PATIENCE_S
from server.rtc.packets import MediaPacket
from server.rtc.reorder import Ordered, ReorderBuffer

VIDEO_MAX_HELD = 512
AUDIO_HOLD_S = 0.06
"""A missing packet of sound is waited for so long, for it may only have been overtaken. The time grows to
``AUDIO_MOST_HOLD_S`` on a way where packets are overtaken by more."""
AUDIO_MOST_HOLD_S = 0.3
AUDIO_MAX_HELD = 128


class AudioAssembler:
    """One Opus packet is one frame; a lost one is stepped over soon, for nobody sends it again."""

    def __init__(self) -> None:
        self._overtaken = Overtaken()
        self._buffer = ReorderBuffer(hold_s=AUDIO_HOLD_S, max_held=AUDIO_MAX_HELD)
        self._follows_gap = True
        self.n_dropped = 0
        """Frames given up."""

    @property
    def deadline_s(self) -> float | None:
        """When ``expire`` should be called."""
        return self._buffer.deadline_s

    @property
    def wants_keyframe(self) -> bool:
        """Audio never does."""
        return False

    def push(self, packet: MediaPacket) -> list[EncodedFrame]:
        """Take a packet in any order; return the frames that are complete now."""
        self._overtaken.add(packet.seq, packet.arrival_s)
        self._buffer.hold_s = self._overtaken.lateness.wait_s(
            packet.arrival_s, least_s=AUDIO_HOLD_S, most_s=AUDIO_MOST_HOLD_S
        )
        return self._frames(self._buffer.push(packet))

    def expire(self, now_s: float) -> list[EncodedFrame]:
        """Give up what has been missing for too long."""
        return self._frames(self._buffer.expire(now_s))

    def _frames(self, ordered: list[Ordered]) -> list[EncodedFrame]:
        frames = []
        for item in ordered:
            self.n_dropped += item.n_lost
            self._follows_gap |= item.n_lost > 0
            if item.packet.payload:
                frames.append(_frame([item.packet], item.packet.payload, follows_gap=self._follows_gap))
                self._follows_gap = False
        return frames


class VideoAssembler:
    """Joins the packets of a picture; after a loss nothing can be decoded until the next key frame, so it waits."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._buffer = ReorderBuffer(hold_s=PATIENCE_S, max_held=VIDEO_MAX_HELD)
        self._parts: list[MediaPacket] = []
        self._last_timestamp: int | None = None
        self._follows_gap = True
        self.wants_keyframe = True
        """Pictures are being dropped until a key frame comes."""
        self.n_dropped = 0
        """Pictures that had to be dropped."""

    @property
    def deadline_s(self) -> float | None:
        """When ``expire`` should be called."""
        return self._buffer.deadline_s

    def wait(self, patience_s: float) -> None:
        """Give a lost packet this long to come again from now on."""
        self._buffer.hold_s = patience_s

    def push(self, packet: MediaPacket) -> list[EncodedFrame]:
        """Take a packet in any order; return the frames that are complete now."""
        return self._frames(self._buffer.push(packet))

    def expire(self, now_s: float) -> list[EncodedFrame]:
        """Give up what has been missing for too long."""
        return self._frames(self._buffer.expire(now_s))

    def _frames(self, ordered: list[Ordered]) -> list[EncodedFrame]:
        frames = []
        for item in ordered:
            if item.n_lost:
                self._give_up()
            if item.packet.payload:
                frames += self._take(item.packet)
        return frames

    def _take(self, packet: MediaPacket) -> list[EncodedFrame]:
        frames = []
        if self._parts and packet.timestamp != self._parts[0].timestamp:
            frames += self._finish()  # a sender that sets no marker on the last packet
        if self.wants_keyframe and packet.starts_keyframe:
            self.wants_keyframe = False
        if self.wants_keyframe:
            self.n_dropped += packet.timestamp != self._last_timestamp
            self._last_timestamp = packet.timestamp
            return frames
        self._parts.append(packet)
        if packet.marker:
            frames += self._finish()
        return frames

    def _finish(self) -> list[EncodedFrame]:
        parts, self._parts = self._parts, []
        try:
            data = b"".join(_depayload(self._codec, parts))
        except ValueError:
            self._parts = parts
            self._give_up()
            return []
        frame = _frame(parts, data, follows_gap=self._follows_gap)
        self._follows_gap = False
        return [frame]

    def _give_up(self) -> None:
        if self._parts:
            self.n_dropped += 1
            self._last_timestamp = self._parts[0].timestamp
        self._parts = []
        self._follows_gap = True
        self.wants_keyframe = True


Assembler = AudioAssembler | VideoAssembler


def new_assembler(codec: Codec) -> Assembler:
    """Return the assembler for a stream of this codec."""
    return AudioAssembler() if codec is Codec.OPUS else VideoAssembler(codec)


def _depayload(codec: Codec, parts: list[MediaPacket]) -> list[bytes]:
    """Strip the payload headers (RFC 7741, RFC 6184 to Annex B); ValueError if the picture's start is missing."""
    pieces = []
    for i_part, part in enumerate(parts):
        if codec is Codec.VP8:
            vp8, data = VpxPayloadDescriptor.parse(part.payload)
            is_start = bool(vp8.partition_start) and vp8.partition_id == 0
        else:
            h264, data = H264PayloadDescriptor.parse(part.payload)
            is_start = h264.first_fragment
        if i_part == 0 and not is_start:
            raise ValueError("the first packet of the picture is missing")
        pieces.append(data)
    return pieces


def _frame(parts: list[MediaPacket], data: bytes, *, follows_gap: bool) -> EncodedFrame:
    first = parts[0]
    return EncodedFrame(
        kind=first.kind,
        codec=first.codec,
        data=data,
        rtp_timestamp=first.timestamp,
        arrival_s=max(part.arrival_s for part in parts),
        capture_s=first.capture_s,
        is_keyframe=first.codec is Codec.OPUS or any(part.starts_keyframe for part in parts),
        follows_gap=follows_gap,
    )
