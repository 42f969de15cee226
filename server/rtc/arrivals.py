"""Figures of one incoming stream, from its packets alone: loss, jitter, bit rate, and the time the picture stood."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from server.rtc.packets import MediaPacket, opus_carries_previous
from server.rtc.rewrite import HISTORY_PACKETS

LOSS_WINDOW_S = 5.0
RATE_WINDOW_S = 1.0
STEP_S = 0.25
"""How finely the windows move."""
FREEZE_S = 0.3
"""A picture that stands no longer than this is no freeze."""
SILENCE_S = 3.0
"""Without any packet for so long the publisher is interrupted, not frozen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Totals:
    """Counts at one time, to be subtracted from later ones."""

    at_s: float
    expected: int
    first_sent: int
    n_bytes: int


class Arrivals:
    """Counts what comes; sequence numbers must be unwrapped and packets told once each.

    Args:
        clock_rate_hz: of the timestamps.
    """

    def __init__(self, clock_rate_hz: int) -> None:
        self.packets = 0
        self.bytes = 0
        self._rate_hz = clock_rate_hz
        self._first_seq: int | None = None
        self._newest_seq = -1
        self._expected_before = 0
        """Of earlier streams of the same connection."""
        self._first_sent = 0
        self._jitter_s = 0.0
        self._transit_s: float | None = None
        self._steps: deque[_Totals] = deque()

    def begin(self) -> None:
        """A new stream starts: its numbers and times have nothing to do with those before."""
        self._expected_before = self.expected
        self._first_seq = self._transit_s = None
        self._newest_seq = -1

    def add(self, packet: MediaPacket, *, is_retransmission: bool) -> None:
        """Take note of a packet."""
        if self._first_seq is None:
            self._first_seq = packet.seq
        self._first_seq = min(self._first_seq, packet.seq)
        self._newest_seq = max(self._newest_seq, packet.seq)
        self.packets += 1
        self.bytes += len(packet.payload)
        if not is_retransmission:
            self._first_sent += 1
            self._note_transit(packet.arrival_s - packet.timestamp / self._rate_hz)
        if not self._steps or packet.arrival_s - self._steps[-1].at_s >= STEP_S:
            self._step(packet.arrival_s)

    def _note_transit(self, transit_s: float) -> None:
        if self._transit_s is not None:
            self._jitter_s += (abs(transit_s - self._transit_s) - self._jitter_s) / 16
        self._transit_s = transit_s

    def _step(self, now_s: float) -> None:
        self._steps.append(self._totals(now_s))
        while len(self._steps) > 1 and now_s - self._steps[1].at_s >= LOSS_WINDOW_S:
            self._steps.popleft()

    def _totals(self, now_s: float) -> _Totals:
        return _Totals(at_s=now_s, expected=self.expected, first_sent=self._first_sent, n_bytes=self.bytes)

    @property
    def expected(self) -> int:
        """Packets that were sent, as far as the numbers show."""
        here = 0 if self._first_seq is None else self._newest_seq - self._first_seq + 1
        return self._expected_before + here

    @property
    def lost(self) -> int:
        """Packets that have not come, not even by retransmission."""
        return max(0, self.expected - self.packets)

    @property
    def jitter_s(self) -> float:
        """Interarrival jitter (RFC 3550 section 6.4.1)."""
        return self._jitter_s

    def loss_share(self, now_s: float) -> float:
        """Return the share that did not come at the first sending, over about ``LOSS_WINDOW_S``."""
        then = self._since(now_s - LOSS_WINDOW_S)
        if then is None or self.expected <= then.expected:
            return 0.0
        return min(max(0.0, 1.0 - (self._first_sent - then.first_sent) / (self.expected - then.expected)), 1.0)

    def bits_per_s(self, now_s: float) -> float:
        """Return the payload rate over about ``RATE_WINDOW_S``."""
        then = self._since(now_s - RATE_WINDOW_S)
        if then is None or now_s - then.at_s < STEP_S:
            return 0.0
        return 8 * (self.bytes - then.n_bytes) / (now_s - then.at_s)

    def _since(self, begin_s: float) -> _Totals | None:
        """Return the oldest totals that are not older than this."""
        return next((step for step in self._steps if step.at_s >= begin_s), None)


class Copies:
    """Counts the lost packets of sound of which the next packet carries a copy; the ears on the way decode it."""

    def __init__(self) -> None:
        self.n = 0
        self._newest_seq: int | None = None
        self._covered: deque[int] = deque(maxlen=16)

    def add(self, packet: MediaPacket) -> None:
        """Take note of a packet."""
        if self._newest_seq is not None and packet.seq > self._newest_seq + 1 and opus_carries_previous(packet.payload):
            self.n += 1
            self._covered.append(packet.seq - 1)
        elif packet.seq in self._covered:
            self.n -= 1  # only overtaken
            self._covered.remove(packet.seq)
        self._newest_seq = packet.seq if self._newest_seq is None else max(packet.seq, self._newest_seq)


class Freezes:
    """The time without a new whole picture, told from packets: neither assembled nor decoded.

    A picture is whole when every packet up to the one with its marker is there. After a hole that is not mended the
    next is a key frame. A sender that makes few pictures is not frozen.

    Args:
        clock_rate_hz: of the timestamps.
        is_here: whether a packet of the present stream has come.
    """

    def __init__(self, clock_rate_hz: int, is_here: Callable[[int], MediaPacket | None]) -> None:
        self._rate_hz = clock_rate_hz
        self._is_here = is_here
        self._next_seq: int | None = None
        self._newest_seq = -1
        self._skipped = False
        self._whole_s: float | None = None
        self._whole_timestamp = 0
        self._heard_s = float("-inf")
        self._frozen_s = 0.0

    def add(self, packet: MediaPacket) -> None:
        """Take note of a packet, after ``is_here`` knows it."""
        silent_s = packet.arrival_s - self._heard_s - SILENCE_S
        if silent_s > 0 and self._whole_s is not None:
            self._whole_s += silent_s
        self._heard_s = packet.arrival_s
        self._newest_seq = max(self._newest_seq, packet.seq)
        if self._next_seq is None or (packet.starts_keyframe and packet.seq > self._next_seq):
            self._skipped = self._next_seq is not None
            self._next_seq = packet.seq
        while (here := self._is_here(self._next_seq)) is not None:
            self._next_seq += 1
            if here.marker:
                self._finish(here.timestamp, packet.arrival_s)

    def _finish(self, timestamp: int, now_s: float) -> None:
        if self._whole_s is not None:
            sent_s = 0.0 if self._skipped else (timestamp - self._whole_timestamp) / self._rate_hz
            self._frozen_s += max(0.0, now_s - self._whole_s - max(FREEZE_S, sent_s))
        self._whole_s, self._whole_timestamp, self._skipped = now_s, timestamp, False

    @property
    def is_waiting(self) -> bool:
        """A packet is missing and others wait behind it."""
        return self._next_seq is not None and self._newest_seq >= self._next_seq

    def frozen_s(self, now_s: float) -> float:
        """Return the time so far, a freeze that still lasts counted in."""
        if self._whole_s is None or not self.is_waiting:
            return self._frozen_s
        return self._frozen_s + max(0.0, min(now_s, self._heard_s + SILENCE_S) - self._whole_s - FREEZE_S)

    def n_waiting(self) -> int:
        """Return how many packets wait behind a missing one."""
        if self._next_seq is None:
            return 0
        first = max(self._next_seq + 1, self._newest_seq + 1 - HISTORY_PACKETS)
        return sum(self._is_here(seq) is not None for seq in range(first, self._newest_seq + 1))
