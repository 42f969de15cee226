"""Maps a publisher's sequence numbers and timestamps onto the one unbroken stream that a viewer sees."""

from dataclasses import dataclass

from server.rtc.packets import MediaPacket

HISTORY_PACKETS = 1024
"""Packets kept per stream for viewers who ask again; some seconds of video at 1.5 Mbit/s."""
MAX_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """A stretch of the source that is forwarded without omissions."""

    epoch: int
    first_seq: int
    seq_offset: int
    timestamp_offset: int


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
        self._segment: _Segment | None = None

    def begin(self, packet: MediaPacket) -> None:
        """Let the stream go on with this packet, right behind the newest one sent.

        Within an epoch the timestamps keep their offset; in a new one they advance by the time that has passed.
        """
        seq_offset = self._newest_seq + 1 - packet.seq
        if self._segment is not None and self._segment.epoch == packet.epoch:
            timestamp_offset = self._segment.timestamp_offset
        else:
            timestamp_offset = self._newest_timestamp + self._elapsed(packet.capture_s) - packet.timestamp
        self._segment = _Segment(
            epoch=packet.epoch, first_seq=packet.seq, seq_offset=seq_offset, timestamp_offset=timestamp_offset
        )

    def _elapsed(self, capture_s: float) -> int:
        if self._newest_capture_s is None:
            return 0
        # At least one tick: two pictures must never share a timestamp.
        elapsed_s = min(max(capture_s - self._newest_capture_s, 0.0), MAX_PAUSE_S)
        return max(1, round(elapsed_s * self._rate_hz))

    def map(self, packet: MediaPacket) -> tuple[int, int] | None:
        """Return the packet's sequence number (16 bits) and timestamp (32 bits); None if it is not part of the stream.

        Not part are packets of another epoch and those older than the place where the stream went on.
        """
        segment = self._segment
        if segment is None or packet.epoch != segment.epoch or packet.seq < segment.first_seq:
            return None
        seq = packet.seq + segment.seq_offset
        timestamp = packet.timestamp + segment.timestamp_offset
        if seq > self._newest_seq:
            self._newest_seq = seq
            self._newest_timestamp = timestamp
            self._newest_capture_s = packet.capture_s
        return seq & 0xFFFF, timestamp & 0xFFFFFFFF

    def source_of(self, seq: int) -> tuple[int, int] | None:
        """Return (epoch, source sequence number) of a 16-bit number that a viewer asks for, None if unknown."""
        segment = self._segment
        if segment is None:
            return None
        distance = ((seq - self._newest_seq + 0x8000) & 0xFFFF) - 0x8000
        source = self._newest_seq + distance - segment.seq_offset
        return (segment.epoch, source) if distance <= 0 and source >= segment.first_seq else None


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
