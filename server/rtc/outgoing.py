"""One kind of media on its way to one viewer: gate, numbering, queue, retransmission."""

from collections import deque
from collections.abc import Callable
from random import randrange
from typing import Protocol

from aiortc.rtp import RtpPacket

from server.media import Codec, Kind
from server.rtc.context import Context
from server.rtc.counters import Counters
from server.rtc.packets import CLOCK_RATE_HZ, MediaPacket
from server.rtc.rewrite import StreamMap
from server.rtc.timers import Alarm

QUEUE_PACKETS = 512
"""Policy when full: video drops all and goes on with the next key frame, audio drops its oldest."""
BACKLOG_BYTES = 262_144
"""So much may wait in the UDP transport before packets are queued here, where they are bounded."""
POLL_S = 0.005
RESEND_PAUSE_S = 0.02
"""A packet asked for again sooner was asked for before the first copy can have arrived."""


class Port(Protocol):
    """Where packets go; aiortc_private.SenderPort."""

    ssrc: int
    payload_type: int
    mid: str | None

    def send(self, packet: RtpPacket) -> bool:
        """Send now; False if the connection is gone."""

    def send_again(self, packet: RtpPacket) -> bool:
        """Send as retransmission."""

    def account(self, *, ntp_timestamp: int, rtp_timestamp: int, n_octets: int) -> None:
        """Note what the next sender report says."""

    def backlog_bytes(self) -> int:
        """Return what the transport could not send yet."""


class OutgoingTrack:
    """Forwards packets of one kind; implements what ``SenderPort`` calls.

    Args:
        codec: negotiated with the viewer.
        request_keyframe: asks the publisher, throttled.
        recent_picture: returns the packets since a key frame that has just come, if one has.
        find: returns a source packet by epoch and sequence number, None if it is not kept.
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
    ) -> None:
        self.codec = codec
        self.kind = Kind.AUDIO if codec is Codec.OPUS else Kind.VIDEO
        self._context = context
        self._counters = counters
        self._request_keyframe = request_keyframe
        self._recent_picture = recent_picture
        self._find = find
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
        self._drain_alarm = Alarm(action=self._drain, call_later=context.call_later, clock=context.clock)

    @property
    def wants_keyframe(self) -> bool:
        """The viewer is connected and sees nothing until a key frame comes."""
        return self._is_ready and self._is_waiting and self.kind is Kind.VIDEO

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
        self._request_keyframe()

    def forward(self, packet: MediaPacket) -> None:
        """Send a packet of the source, or queue it while the transport is slow."""
        if not self._is_ready or self._port is None or packet.codec is not self.codec:
            return
        if not self._queue and self._port.backlog_bytes() <= BACKLOG_BYTES:
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
            return
        self._counters.packets_dropped += len(self._queue)
        self._queue.clear()
        self._is_waiting = True
        self._request_keyframe()

    def _drain(self) -> None:
        while self._queue and self._port is not None:
            if self._port.backlog_bytes() > BACKLOG_BYTES:
                self._drain_alarm.set(self._context.clock() + POLL_S)
                return
            self._send(self._port, self._queue.popleft())

    def _send(self, port: Port, packet: MediaPacket) -> None:
        if not self._passes_gate(packet):
            return
        numbers = self._map.map(packet)
        if numbers is None:
            return
        seq, timestamp = numbers
        outgoing = self._rewritten(port, packet, seq, timestamp)
        if not port.send(outgoing):
            self._counters.packets_unsendable += 1
            return
        self._counters.packets_out += 1
        self._counters.bytes_out += len(packet.payload)
        self._measure(packet)
        ntp_timestamp = int(self._context.ntp_s(packet.capture_s) * (1 << 32))
        port.account(ntp_timestamp=ntp_timestamp, rtp_timestamp=timestamp, n_octets=len(packet.payload))

    def _measure(self, packet: MediaPacket) -> None:
        now_s = self._context.clock()
        if packet.arrival_s >= self._ready_s:  # what came before is history, sent for a quick start
            self._context.measures.dwell(now_s - packet.arrival_s)
        if packet.starts_keyframe and not self._has_shown:
            self._has_shown = True
            self._context.measures.first_picture(now_s - self._opened_s)

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
        self._map.begin(packet)
        return True

    def _rewritten(self, port: Port, packet: MediaPacket, seq: int, timestamp: int) -> RtpPacket:
        outgoing = RtpPacket(
            payload_type=port.payload_type,
            marker=int(packet.marker),
            sequence_number=seq,
            timestamp=timestamp,
            ssrc=port.ssrc,
            payload=packet.payload,
        )
        outgoing.padding_size = packet.padding_size
        extensions = outgoing.extensions
        extensions.mid = port.mid
        extensions.audio_level = packet.audio_level
        # 6.18 fixed point seconds, from the same clock as the sender reports.
        extensions.abs_send_time = int(self._context.ntp_s(self._context.clock()) * (1 << 18)) & 0xFFFFFF
        return outgoing

    def on_nack(self, sequence_number: int) -> None:
        """The viewer asks for a packet again."""
        source = self._map.source_of(sequence_number)
        packet = None if source is None else self._find(*source)
        if packet is None or self._port is None:
            self._counters.packets_not_found += 1
            return
        now_s = self._context.clock()
        if now_s - self._resent_s.get(packet.seq, float("-inf")) < RESEND_PAUSE_S:
            return
        if len(self._resent_s) >= QUEUE_PACKETS:
            self._resent_s.clear()
        self._resent_s[packet.seq] = now_s
        numbers = self._map.map(packet)
        if numbers is not None and self._port.send_again(self._rewritten(self._port, packet, *numbers)):
            self._counters.packets_sent_again += 1

    def stop(self) -> None:
        """Send nothing any more."""
        self._is_ready = False
        self._queue.clear()
        self._drain_alarm.set(None)
