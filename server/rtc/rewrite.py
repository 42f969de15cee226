"""Maps a publisher's sequence numbers and timestamps onto the one unbroken stream that a viewer sees."""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from server.rtc.packets import MediaPacket

HISTORY_PACKETS = 1024
"""Packets kept per stream for viewers who ask again; some seconds of video at 1.5 Mbit/s."""
MAX_PAUSE_S = 3600.0
MAX_SEGMENTS = 256
"""Stretches that are remembered: every picture left out starts a new one, so this is 8 s of video or more."""


class Numbers(NamedTuple):
    """How a packet is numbered for one viewer."""

    seq: int
    """16 bits."""
    timestamp: int
    """32 bits."""
    picture_shift: int
    """To be added to the VP8 picture id."""
    base_shift: int
    """To be added to VP8's TL0PICIDX."""


@dataclass(slots=True, kw_only=True)
class _Segment:
    """A stretch of the source that is forwarded without omissions."""

    epoch: int
    first_seq: int
    end_seq: int | None = None
    """One behind the last; None while it goes on."""
    seq_offset: int
    timestamp_offset: int
    picture_shift: int = 0
    base_shift: int = 0

    def has(self, seq: int) -> bool:
        return self.first_seq <= seq and (self.end_seq is None or seq < self.end_seq)


def _first_sent(segment: _Segment) -> int:
    """Return the number that its first packet is sent with; each stretch begins where the one before ends."""
    return segment.first_seq + segment.seq_offset


class StreamMap:
    """The numbers of one outgoing stream; they go on without a gap when packets are left out on purpose.

    Args:
        first_seq: below 2**15, so that an early loss cannot confuse the receiver's SRTP roll-over counter.
        first_timestamp: 32 bits.
        clock_rate_hz: of the timestamps.
    """

    def __init__(self, *, first_seq: int, first_timestamp: int, clock_rate_hz: int) -> None:
        self._newest_seq = first_seq - 1
        self._newest_timestamp = first_timestamp
        self._newest_capture_s: float | None = None
        self._rate_hz = clock_rate_hz
        self._segments: deque[_Segment] = deque(maxlen=MAX_SEGMENTS)
        self.newest_source_seq = -1
        """Newest packet of the source in this epoch that was sent or left out."""

    def begin(self, packet: MediaPacket, *, picture_shift: int = 0, base_shift: int = 0) -> None:
        """Let the stream go on with this packet, right behind the newest one sent; what was before is forgotten.

        Within an epoch the timestamps keep their offset; in a new one they advance by the time that has passed.
        """
        seq_offset = self._newest_seq + 1 - packet.seq
        if self._segments and self._segments[-1].epoch == packet.epoch:
            timestamp_offset = self._segments[-1].timestamp_offset
        else:
            timestamp_offset = self._newest_timestamp + self._elapsed(packet.capture_s) - packet.timestamp
        self._segments.clear()
        self._segments.append(
            _Segment(
                epoch=packet.epoch,
                first_seq=packet.seq,
                seq_offset=seq_offset,
                timestamp_offset=timestamp_offset,
                picture_shift=picture_shift,
                base_shift=base_shift,
            )
        )
        self.newest_source_seq = packet.seq - 1

    def _elapsed(self, capture_s: float) -> int:
        if self._newest_capture_s is None:
            return 0
        # At least one tick: two pictures must never share a timestamp.
        elapsed_s = min(max(capture_s - self._newest_capture_s, 0.0), MAX_PAUSE_S)
        return max(1, round(elapsed_s * self._rate_hz))

    def leave_out(self, first_seq: int, last_seq: int, *, n_pictures: int) -> None:
        """Let the numbers go on as if these packets of the source had never been.

        Args:
            first_seq: newer than every packet mapped or left out so far.
            last_seq: not older than that.
            n_pictures: how many pictures begin here, so that the ids of those that follow have no gap either.
        """
        segment = self._segments[-1]
        n_packets = last_seq + 1 - first_seq
        if segment.first_seq == first_seq:
            segment.first_seq = last_seq + 1
            segment.seq_offset -= n_packets
            segment.picture_shift -= n_pictures
        else:
            segment.end_seq = first_seq
            self._segments.append(
                _Segment(
                    epoch=segment.epoch,
                    first_seq=last_seq + 1,
                    seq_offset=segment.seq_offset - n_packets,
                    timestamp_offset=segment.timestamp_offset,
                    picture_shift=segment.picture_shift - n_pictures,
                    base_shift=segment.base_shift,
                )
            )
        self.newest_source_seq = last_seq

    def map(self, packet: MediaPacket) -> Numbers | None:
        """Return the packet's numbers; None if it is not part of the stream.

        Not part are packets of another epoch, those older than the place where the stream went on, and those that
        were left out.
        """
        if not self._segments or packet.epoch != self._segments[-1].epoch:
            return None
        segment = next((segment for segment in reversed(self._segments) if segment.has(packet.seq)), None)
        if segment is None:
            return None
        seq = packet.seq + segment.seq_offset
        timestamp = packet.timestamp + segment.timestamp_offset
        self.newest_source_seq = max(self.newest_source_seq, packet.seq)
        if seq > self._newest_seq:
            self._newest_seq = seq
            self._newest_timestamp = timestamp
            self._newest_capture_s = packet.capture_s
        return Numbers(seq & 0xFFFF, timestamp & 0xFFFFFFFF, segment.picture_shift, segment.base_shift)

    def source_of(self, seq: int) -> tuple[int, int] | None:
        """Return (epoch, source sequence number) of a 16-bit number that is asked for, None if unknown or too old."""
        distance = ((seq - self._newest_seq + 0x8000) & 0xFFFF) - 0x8000
        if not -HISTORY_PACKETS < distance <= 0:
            return None
        sent = self._newest_seq + distance
        i_segment = bisect_right(self._segments, sent, key=_first_sent) - 1
        if i_segment < 0:
            return None
        segment = self._segments[i_segment]
        source = sent - segment.seq_offset
        return (segment.epoch, source) if segment.has(source) else None


class PacketHistory:
    """The newest packets of one stream, shared by all its viewers."""

    def __init__(self) -> None:
        self._slots: list[MediaPacket | None] = [None] * HISTORY_PACKETS

    def put(self, packet: MediaPacket) -> bool:
        """Keep a packet; False if it is there already."""
        slot = packet.seq % HISTORY_PACKETS
        kept = self._slots[slot]
        if kept is not None and kept.epoch == packet.epoch and kept.seq == packet.seq:
            return False
        self._slots[slot] = packet
        return True

    def get(self, epoch: int, seq: int) -> MediaPacket | None:
        """Return a packet, None if it never came or is too old."""
        kept = self._slots[seq % HISTORY_PACKETS]
        return kept if kept is not None and kept.epoch == epoch and kept.seq == seq else None
