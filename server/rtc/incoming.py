"""One kind of media of a publisher: asks for lost packets, numbers and dates those that come, and counts them."""

from collections.abc import Callable

from aiortc.rtp import RtpPacket

from server.media import Codec, Kind
from server.rtc.aiortc_private import ReceiverTap
from server.rtc.arrivals import Arrivals, Copies, Freezes
from server.rtc.capture_clock import CaptureClock, SenderClock
from server.rtc.context import Context
from server.rtc.counters import Counters
from server.rtc.nack import PATIENCE_S, NackTracker
from server.rtc.packets import CLOCK_RATE_HZ, MediaPacket, Unwrapper, starts_keyframe
from server.rtc.rewrite import HISTORY_PACKETS, PacketHistory
from server.rtc.statistics import IncomingStatistics
from server.rtc.timers import Alarm

REMB_AT_S = (0.0, 0.5, 1.0)
"""When, after the first video packet, the sender is told our bit rate: Chromium believes it for its first two seconds
and would else start at 0.3 Mbit/s and take half a minute to get there. Later the estimate of congestion speaks."""
REMB_PAUSE_S = 1.0
"""So often the sender is told again, for the message may be lost."""
REMB_FALL_SHARE = 0.97
"""It is told at once when the figure has fallen below this share of what it was told last."""
SSRC_SWITCH_S = 1.0
"""A second stream takes over only when the first has been silent for so long."""
REMIND_S = 0.5
"""A key frame needed after a loss is asked for again when it has not begun to come in this time, or in two round
trips: the request and the key frame may be lost like anything else."""


class _Stream:
    """One SSRC: its numbering and its times."""

    def __init__(self, ssrc: int, epoch: int, codec: Codec, sender_clock: SenderClock, history: PacketHistory) -> None:
        rate_hz = CLOCK_RATE_HZ[codec]
        self.ssrc = ssrc
        self.epoch = epoch
        self.last_arrival_s = float("-inf")
        self.seqs = Unwrapper(16)
        self.timestamps = Unwrapper(32)
        self.capture = CaptureClock(rate_hz, sender_clock)
        self.nacks = NackTracker()
        self.freezes = Freezes(rate_hz, lambda seq: history.get(epoch, seq))
        self.copies = Copies()
        self.newest_seq = -1
        self.keyframe: MediaPacket | None = None
        """First packet of the newest key frame."""
        self.lost_seq: int | None = None
        """The newest packet given up, until a key frame behind it comes."""


class IncomingTrack:
    """The audio or the video of a publisher.

    Args:
        on_packet: told of each new packet, possibly out of order.
        on_picture_lost: told when pictures cannot be decoded any more without a key frame.
        rtt_s: returns the round trip to the publisher, None while unknown.
    """

    def __init__(
        self,
        *,
        codec: Codec,
        context: Context,
        counters: Counters,
        sender_clock: SenderClock,
        next_epoch: Callable[[], int],
        on_packet: Callable[[MediaPacket], None],
        on_picture_lost: Callable[[], None],
        rtt_s: Callable[[], float | None],
    ) -> None:
        self.codec = codec
        self.kind = Kind.AUDIO if codec is Codec.OPUS else Kind.VIDEO
        self.history = PacketHistory()
        self._context = context
        self._counters = counters
        self._sender_clock = sender_clock
        self._next_epoch = next_epoch
        self._on_packet = on_packet
        self._on_picture_lost = on_picture_lost
        self._rtt_s = rtt_s
        self._stream: _Stream | None = None
        self._tap: ReceiverTap | None = None
        self._arrivals = Arrivals(CLOCK_RATE_HZ[codec])
        self._n_repaired = self._n_nacks = self._n_plis = 0
        self._told_bps = float("inf")
        self._told_s = float("-inf")
        self._frozen_before_s = 0.0
        self._retry = Alarm(action=self._ask_again, call_later=context.call_later, clock=context.clock)
        self._reminder = Alarm(action=self._need_keyframe, call_later=context.call_later, clock=context.clock)

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
            reported_s=stream.capture.reported_s(timestamp, now_s),
            starts_keyframe=starts_keyframe(self.codec, packet.payload),
        )
        if not self.history.put(media):
            return
        self._counters.packets_repaired += is_retransmission
        self._n_repaired += is_retransmission
        self._arrivals.add(media, is_retransmission=is_retransmission)
        stream.newest_seq = max(stream.newest_seq, media.seq)
        if self.kind is Kind.VIDEO:
            self._watch(stream, media, is_retransmission=is_retransmission)
        else:
            stream.copies.add(media)
        self._on_packet(media)

    def _watch(self, stream: _Stream, packet: MediaPacket, *, is_retransmission: bool) -> None:
        """Look for what the picture needs."""
        if packet.starts_keyframe and (stream.keyframe is None or packet.seq > stream.keyframe.seq):
            stream.keyframe = packet
            if stream.lost_seq is not None and packet.seq > stream.lost_seq:
                stream.lost_seq = None
                self._reminder.set(None)
        stream.freezes.add(packet)
        stream.nacks.rtt_s = self._rtt_s()
        stream.nacks.received(packet.seq, packet.arrival_s, is_retransmission=is_retransmission)
        self._follow_up(stream)

    def _ask_again(self) -> None:
        stream = self._stream
        if stream is None:
            return
        seqs = stream.nacks.due(self._context.clock())
        if seqs and self._tap is not None:
            self._n_nacks += len(seqs)
            self._counters.packets_asked_again += len(seqs)
            self._context.spawn(self._tap.send_nack(stream.ssrc, [seq & 0xFFFF for seq in seqs]), "rtc-nack")
        self._follow_up(stream)

    def _follow_up(self, stream: _Stream) -> None:
        """Set the timer for the next request; ask for a key frame if something was given up in front of it."""
        self._retry.set(stream.nacks.next_s)
        given_up = stream.nacks.take_given_up()
        if given_up is None or (stream.keyframe is not None and stream.keyframe.seq > given_up):
            return
        is_new = stream.lost_seq is None
        stream.lost_seq = given_up if stream.lost_seq is None else max(given_up, stream.lost_seq)
        if is_new:
            self._need_keyframe()

    def _need_keyframe(self) -> None:
        stream = self._stream
        if stream is None or stream.lost_seq is None:
            return
        now_s = self._context.clock()
        if now_s - stream.last_arrival_s < SSRC_SWITCH_S:  # nobody answers while nothing comes
            self._on_picture_lost()
        self._reminder.set(now_s + max(REMIND_S, 2 * (self._rtt_s() or 0.0)))

    @property
    def patience_s(self) -> float:
        """How long a missing packet may be mended before it is given up."""
        return PATIENCE_S if self._stream is None else self._stream.nacks.patience_s

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
            if self._stream is not None:
                if now_s - self._stream.last_arrival_s < SSRC_SWITCH_S:
                    return None
                self._frozen_before_s += self._stream.freezes.frozen_s(now_s)
                self._n_repaired += self._stream.copies.n
            self._arrivals.begin()
            self._stream = _Stream(ssrc, self._next_epoch(), self.codec, self._sender_clock, self.history)
            self._retry.set(None)
            self._reminder.set(None)
            if self.kind is Kind.VIDEO:
                for delay_s in REMB_AT_S:
                    self._context.call_later(delay_s, self._invite)
        return self._stream

    def _invite(self) -> None:
        if self._stream is not None and self._tap is not None:
            self._told_bps, self._told_s = self._tap.asked_bps, self._context.clock()
            self._context.spawn(self._tap.send_remb(self._stream.ssrc), "rtc-remb")

    def leave_estimate_to_sender(self) -> None:
        """Do not estimate congestion: the sender does, and two estimates one behind the other only make it slower."""
        if self._tap is not None:
            self._tap.estimates = False

    @property
    def asked_bps(self) -> int | None:
        """What the sender is asked for now, bits/s; None for sound and when stopped."""
        return None if self._tap is None or self.kind is Kind.AUDIO else self._tap.asked_bps

    def limit(self, bits_per_s: int | None) -> None:
        """Ask for no more video than this, None lifts the limit; to be called a few times a second."""
        if self._tap is None:
            return
        self._tap.limit(bits_per_s)
        has_fallen = self._tap.asked_bps < REMB_FALL_SHARE * self._told_bps
        if has_fallen or self._context.clock() - self._told_s >= REMB_PAUSE_S:
            self._invite()

    def request_keyframe(self) -> None:
        """Send one PLI now."""
        if self._stream is not None and self._tap is not None:
            self._n_plis += 1
            self._counters.keyframe_requests_sent += 1
            self._context.spawn(self._tap.send_pli(self._stream.ssrc), "rtc-pli")

    def statistics(self) -> IncomingStatistics:
        """Return the figures of now."""
        now_s = self._context.clock()
        stream, arrivals = self._stream, self._arrivals
        is_video = self.kind is Kind.VIDEO and stream is not None
        return IncomingStatistics(
            kind=self.kind,
            codec=self.codec,
            packets=arrivals.packets,
            bytes=arrivals.bytes,
            packets_lost=arrivals.lost,
            packets_repaired=self._n_repaired + (0 if stream is None else stream.copies.n),
            nacks=self._n_nacks,
            keyframe_requests=self._n_plis,
            loss_share=arrivals.loss_share(now_s),
            jitter_s=arrivals.jitter_s,
            frozen_s=self._frozen_before_s + (stream.freezes.frozen_s(now_s) if is_video and stream else 0.0),
            buffered_packets=stream.freezes.n_waiting() if is_video and stream else 0,
            bits_per_s=arrivals.bits_per_s(now_s),
        )

    def stop(self) -> None:
        """Stop asking."""
        self._retry.set(None)
        self._reminder.set(None)
        self._tap = None
