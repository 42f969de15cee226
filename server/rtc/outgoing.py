"""One kind of media on its way to one viewer: gate, layers, numbering, queue, retransmission."""

from collections import deque
from collections.abc import Callable
from random import randrange
from typing import Protocol

from aiortc.rtp import RtpPacket

from server.media import Codec, Kind
from server.rtc.budget import ViewerBudget
from server.rtc.context import Context
from server.rtc.counters import Counters
from server.rtc.holes import Holes
from server.rtc.layers import ALL_LAYERS, LayerChoice, Thinner, Verdict, shifts_after
from server.rtc.packets import CLOCK_RATE_HZ, MediaPacket
from server.rtc.rates import RateMeter
from server.rtc.rewrite import Numbers, StreamMap
from server.rtc.statistics import OutgoingStatistics
from server.rtc.timers import Alarm
from server.rtc.token_bucket import TokenBucket
from server.rtc.vp8 import parse_descriptor, renumbered

QUEUE_PACKETS = 512
"""Policy when full: video drops all and goes on with the next key frame, audio drops its oldest."""
BACKLOG_BYTES = 262_144
"""So much may wait in the UDP transport before packets are queued here, where they are bounded."""
POLL_S = 0.005
RESEND_PAUSE_S = 0.02
LONGEST_RESEND_PAUSE_S = 0.5
"""A packet asked for again sooner, or within a round trip, was asked for before the copy can have arrived."""
RESEND_SHARE = 0.5
"""Of what a viewer's connection carries, for packets sent again: a full link drops those too, and more is asked for."""
MAX_NACKED = 256
"""Packets that one message may ask for again; libwebrtc asks for 253 at most."""
NACKED_PER_S, NACKED_BURST = 2000.0, 2000.0
"""Packets that a viewer may ask for again, each time counted: all of 4 Mbit/s four times over."""
PACE = 1.5
"""So much faster than its budget a slow viewer is sent at most: a key frame at once would drown the sound."""
BURST_S = 0.1
LEAST_BURST_BYTES = 3000.0
SLOW_KEYFRAME_PAUSE_S = 3.0
"""A viewer whose connection is too slow may ask for a key frame so often; the others would pay for more."""


class Port(Protocol):
    """Where packets go; aiortc_private.SenderPort."""

    ssrc: int
    payload_type: int
    mid: str | None

    def send(self, packet: RtpPacket) -> bool:
        """Send now; False if the connection is gone."""

    def send_again(self, packet: RtpPacket) -> bool:
        """Send as retransmission."""

    def account(self, *, n_octets: int) -> None:
        """Count what was sent."""

    def date(self, *, ntp_timestamp: int, rtp_timestamp: int) -> None:
        """Note what the next sender report says about time."""

    def backlog_bytes(self) -> int:
        """Return what the transport could not send yet."""


class OutgoingTrack:
    """Forwards packets of one kind; implements what ``SenderPort`` calls.

    Args:
        codec: negotiated with the viewer.
        request_keyframe: asks the publisher, throttled.
        recent_picture: returns the packets since a key frame that has just come, if one has.
        find: returns a source packet by epoch and sequence number, None if it is not kept.
        layer_costs_bps: returns what the video's layers up to each cost now, the base first.
        on_budget: told that ``budget_bps`` may have changed.
    """

    def __init__(
        self,
        *,
        codec: Codec,
        context: Context,
        counters: Counters,
        request_keyframe: Callable[[], None],
        recent_picture: Callable[[], list[MediaPacket]],
        find: Callable[[int, int], MediaPacket | None],
        layer_costs_bps: Callable[[], list[float]],
        on_budget: Callable[[], None],
    ) -> None:
        self.codec = codec
        self.kind = Kind.AUDIO if codec is Codec.OPUS else Kind.VIDEO
        self._context = context
        self._counters = counters
        self._request_keyframe = request_keyframe
        self._recent_picture = recent_picture
        self._find = find
        self._layer_costs_bps = layer_costs_bps
        self._on_budget = on_budget
        self._port: Port | None = None
        self._opened_s = context.clock()
        self._ready_s = 0.0
        self._has_shown = False
        self._is_ready = False
        self._queue: deque[MediaPacket] = deque()
        self._epoch: int | None = None
        self._is_waiting = True
        self._resent_s: dict[int, float] = {}
        self._map = StreamMap(
            first_seq=randrange(1 << 15), first_timestamp=randrange(1 << 32), clock_rate_hz=CLOCK_RATE_HZ[codec]
        )
        self._budget = ViewerBudget(1000.0 * context.config.video_kbps)
        self._choice = LayerChoice()
        self._thinner: Thinner | None = None
        """None until something is left out for the first time."""
        self._last_sent: MediaPacket | None = None
        self._last_shifts = (0, 0)
        self._asked_s = float("-inf")
        self._credit_bytes = 0.0
        self._credit_s = context.clock()
        self._rate = RateMeter()
        self._resend_rate = RateMeter()
        self._nacked = TokenBucket(NACKED_PER_S, NACKED_BURST)
        self._n_packets = self._n_bytes = self._n_sent_again = self._n_dropped = 0
        self._holes = Holes()
        self._report: tuple[float, float, float | None] | None = None
        """Share of what was sent that was lost, jitter in s, round trip in s."""
        self._drain_alarm = Alarm(action=self._drain, call_later=context.call_later, clock=context.clock)

    @property
    def wants_keyframe(self) -> bool:
        """The viewer is connected and sees nothing until a key frame comes."""
        return self._is_ready and self._is_waiting and self.kind is Kind.VIDEO and not self._choice.is_paused

    @property
    def takes_video(self) -> bool:
        """The viewer is connected and watches."""
        return self._is_ready and self.kind is Kind.VIDEO

    @property
    def budget_bps(self) -> float | None:
        """What the viewer's connection is believed to carry of video, bits/s; None while nothing says it is limited."""
        return self._budget.limit_bps(self._context.clock())

    @property
    def n_queued(self) -> int:
        """Packets waiting for a slow transport."""
        return len(self._queue)

    def connect(self, port: Port) -> None:
        """Send by this port once it is ready."""
        self._port = port

    def on_ready(self) -> None:
        """The connection is up: start with a key frame that has just come, else ask for one."""
        self._is_ready = True
        self._ready_s = self._context.clock()
        if self.kind is Kind.VIDEO:
            for packet in self._recent_picture():
                self.forward(packet)
            if self._is_waiting:
                self._request_keyframe()

    def on_keyframe_request(self) -> None:
        """The viewer lost the picture."""
        if self._choice.is_paused:
            return  # it is not to have one
        now_s = self._context.clock()
        if self.budget_bps is not None:
            if now_s - self._asked_s < SLOW_KEYFRAME_PAUSE_S:
                return
            self._asked_s = now_s
        self._request_keyframe()

    def on_estimate(self, bits_per_s: int) -> None:
        """The viewer's browser tells what it believes its connection carries (REMB)."""
        now_s = self._context.clock()
        self._budget.on_remb(bits_per_s, self._rate.bits_per_s(now_s), now_s)
        self.adapt()
        self._on_budget()

    def on_report(self, *, loss_share: float, highest_seq: int, jitter_s: float, rtt_s: float | None) -> None:
        """The viewer's browser tells how our packets arrive (RTCP receiver report)."""
        now_s = self._context.clock()
        loss_share = self._holes.own_loss_share(loss_share, highest_seq, rtt_s, now_s)
        self._report = (loss_share, jitter_s, rtt_s)
        if self.kind is Kind.VIDEO:
            self._budget.on_loss(loss_share, self._rate.bits_per_s(now_s), now_s)
            self.adapt()
            self._on_budget()

    def adapt(self) -> None:
        """Choose anew which layers the viewer gets; to be called a few times a second."""
        if not self.takes_video:
            return
        choice = self._choice
        was_paused = choice.is_paused
        choice.update(self._layer_costs_bps(), self.budget_bps, self._context.clock())
        self._budget.is_paused = choice.is_paused
        if choice.highest < ALL_LAYERS and self._thinner is None and self.codec is Codec.VP8:
            self._thinner = Thinner(self._map)
        if choice.is_paused and not was_paused:
            self._counters.video_pauses += 1
            self._withhold(len(self._queue))
            self._queue.clear()
        elif was_paused and not choice.is_paused:
            self._is_waiting = True
            self._request_keyframe()

    def _withhold(self, n_packets: int) -> None:
        self._counters.packets_withheld += n_packets
        self._n_dropped += n_packets

    def forward(self, packet: MediaPacket) -> None:
        """Send a packet of the source, or queue it while the transport is slow."""
        if not self._is_ready or self._port is None or packet.codec is not self.codec:
            return
        if self._choice.is_paused:
            self._withhold(1)
            return
        if not self._queue and self._may_send(self._port):
            self._send(self._port, packet)
            return
        if len(self._queue) >= QUEUE_PACKETS:
            self._overflow()
        self._queue.append(packet)
        self._drain_alarm.set(self._context.clock() + POLL_S)

    def _overflow(self) -> None:
        self._counters.queue_overflows += 1
        if self.kind is Kind.AUDIO:
            self._queue.popleft()
            self._counters.packets_dropped += 1
            self._n_dropped += 1
            return
        self._counters.packets_dropped += len(self._queue)
        self._n_dropped += len(self._queue)
        self._queue.clear()
        self._is_waiting = True
        self._request_keyframe()

    def _may_send(self, port: Port) -> bool:
        if port.backlog_bytes() > BACKLOG_BYTES:
            return False
        budget_bps = self.budget_bps
        if budget_bps is None:
            return True
        now_s = self._context.clock()
        bytes_per_s = PACE * budget_bps / 8
        earned_bytes = bytes_per_s * (now_s - self._credit_s)
        self._credit_s = now_s
        self._credit_bytes = min(self._credit_bytes + earned_bytes, max(BURST_S * bytes_per_s, LEAST_BURST_BYTES))
        return self._credit_bytes > 0

    def _drain(self) -> None:
        while self._queue and self._port is not None:
            if not self._may_send(self._port):
                self._drain_alarm.set(self._context.clock() + POLL_S)
                return
            self._send(self._port, self._queue.popleft())

    def _send(self, port: Port, packet: MediaPacket) -> None:
        if not self._passes_gate(packet):
            return
        verdict = self._judge(packet)
        if verdict is not Verdict.SEND:
            self._withhold(1)
        if verdict is Verdict.LEAVE_OUT:
            return
        numbers = self._map.map(packet)
        if numbers is None:
            return
        outgoing = self._rewritten(port, packet, numbers, is_filler=verdict is Verdict.FILL)
        if not port.send(outgoing):
            self._counters.packets_unsendable += 1
            return
        now_s = self._context.clock()
        self._holes.sent(numbers.seq, now_s)
        self._count(outgoing, now_s)
        if verdict is Verdict.SEND:
            self._measure(packet)
            self._last_sent, self._last_shifts = packet, (numbers.picture_shift, numbers.base_shift)
        port.account(n_octets=len(outgoing.payload))
        if packet.reported_s is not None:
            ntp_timestamp = int(self._context.ntp_s(packet.reported_s) * (1 << 32))
            port.date(ntp_timestamp=ntp_timestamp, rtp_timestamp=numbers.timestamp)

    def _count(self, outgoing: RtpPacket, now_s: float) -> None:
        n_bytes = len(outgoing.payload)
        self._counters.packets_out += 1
        self._counters.bytes_out += n_bytes
        self._n_packets += 1
        self._n_bytes += n_bytes
        self._credit_bytes = max(self._credit_bytes - n_bytes, -LEAST_BURST_BYTES)
        self._rate.add(n_bytes, now_s)

    def _measure(self, packet: MediaPacket) -> None:
        now_s = self._context.clock()
        # What came before is history, sent for a quick start; a slow viewer's packets wait on purpose.
        if packet.arrival_s >= self._ready_s and self.budget_bps is None:
            self._context.measures.dwell(now_s - packet.arrival_s)
        if packet.starts_keyframe and not self._has_shown:
            self._has_shown = True
            self._context.measures.first_picture(now_s - self._opened_s)

    def _judge(self, packet: MediaPacket) -> Verdict:
        if self._thinner is None:
            return Verdict.SEND
        return self._thinner.judge(packet, parse_descriptor(packet.payload), self._choice.highest)

    def _passes_gate(self, packet: MediaPacket) -> bool:
        if packet.epoch != self._epoch:
            if self._epoch is not None and packet.epoch < self._epoch:
                return False
            self._epoch = packet.epoch
            self._is_waiting = True
            self._resent_s.clear()
        if not self._is_waiting:
            return True
        if self.kind is Kind.VIDEO and not packet.starts_keyframe:
            self._counters.packets_before_keyframe += 1
            self._request_keyframe()
            return False
        self._is_waiting = False
        self._begin(packet)
        return True

    def _begin(self, packet: MediaPacket) -> None:
        if self._thinner is not None:
            self._thinner.restart()
        last = self._last_sent
        if last is None or last.epoch != packet.epoch or self.codec is not Codec.VP8:
            self._map.begin(packet)
            return
        # A decoder takes a gap in the picture ids for pictures that are still to come.
        descriptors = parse_descriptor(last.payload), parse_descriptor(packet.payload)
        picture_shift, base_shift = shifts_after(descriptors[0], self._last_shifts, descriptors[1])
        self._map.begin(packet, picture_shift=picture_shift, base_shift=base_shift)

    def _rewritten(self, port: Port, packet: MediaPacket, numbers: Numbers, *, is_filler: bool) -> RtpPacket:
        payload = packet.payload
        if is_filler:
            payload = b""
        elif numbers.picture_shift or numbers.base_shift:
            payload = renumbered(payload, picture_shift=numbers.picture_shift, base_shift=numbers.base_shift)
        outgoing = RtpPacket(
            payload_type=port.payload_type,
            marker=0 if is_filler else int(packet.marker),
            sequence_number=numbers.seq,
            timestamp=numbers.timestamp,
            ssrc=port.ssrc,
            payload=payload,
        )
        outgoing.padding_size = 1 if is_filler else packet.padding_size
        extensions = outgoing.extensions
        extensions.mid = port.mid
        extensions.audio_level = packet.audio_level
        # 6.18 fixed point seconds, from the same clock as the sender reports.
        extensions.abs_send_time = int(self._context.ntp_s(self._context.clock()) * (1 << 18)) & 0xFFFFFF
        return outgoing

    def on_nack(self, sequence_numbers: list[int]) -> None:
        """The viewer asks for packets again."""
        now_s = self._context.clock()
        numbers = dict.fromkeys(sequence_numbers)
        for n, sequence_number in enumerate(numbers):
            if n >= MAX_NACKED or not self._nacked.take(now_s):
                self._counters.nacks_over_rate += len(numbers) - n
                return
            self._send_again(sequence_number, now_s)

    def _send_again(self, sequence_number: int, now_s: float) -> None:
        source = self._map.source_of(sequence_number)
        packet = None if source is None else self._find(*source)
        if packet is None or self._port is None:
            self._counters.packets_not_found += 1
            return
        rtt_s = self._report[2] if self._report is not None else None
        pause_s = min(max(RESEND_PAUSE_S, rtt_s or 0.0), LONGEST_RESEND_PAUSE_S)
        if now_s - self._resent_s.get(packet.seq, float("-inf")) < pause_s:
            return
        if self._resend_rate.bits_per_s(now_s) > self._most_resent_bps():
            self._counters.packets_not_sent_again += 1
            return
        if len(self._resent_s) >= QUEUE_PACKETS:
            self._resent_s.clear()
        self._resent_s[packet.seq] = now_s
        numbers = self._map.map(packet)
        if numbers is None:
            return
        is_filler = self._thinner is not None and self._thinner.was_left_out(packet)
        outgoing = self._rewritten(self._port, packet, numbers, is_filler=is_filler)
        if self._port.send_again(outgoing):
            self._counters.packets_sent_again += 1
            self._n_sent_again += 1
            self._rate.add(len(outgoing.payload), now_s)
            self._resend_rate.add(len(outgoing.payload), now_s)

    def _most_resent_bps(self) -> float:
        budget_bps = self.budget_bps
        wanted_bps = 1000.0 * self._context.config.video_kbps
        return wanted_bps if budget_bps is None else RESEND_SHARE * budget_bps

    def statistics(self) -> OutgoingStatistics:
        """Return the figures of this track."""
        loss_share, jitter_s, rtt_s = self._report or (None, None, None)
        highest = self._choice.highest
        return OutgoingStatistics(
            kind=self.kind,
            codec=self.codec,
            packets=self._n_packets,
            bytes=self._n_bytes,
            packets_sent_again=self._n_sent_again,
            packets_dropped=self._n_dropped,
            loss_share=loss_share,
            jitter_s=jitter_s,
            rtt_s=rtt_s,
            queued_packets=len(self._queue),
            bits_per_s=self._rate.bits_per_s(self._context.clock()),
            budget_bits_per_s=self.budget_bps if self.kind is Kind.VIDEO else None,
            layer=highest if highest < ALL_LAYERS else None,
            is_paused=self._choice.is_paused,
        )

    def stop(self) -> None:
        """Send nothing any more."""
        self._is_ready = False
        self._queue.clear()
        self._drain_alarm.set(None)
