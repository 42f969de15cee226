"""Puts one stream's packets in order, waits a bounded time for missing ones, then steps over them."""

from dataclasses import dataclass

from server.rtc.packets import MediaPacket

LATE_RUN_RESET = 100
"""So many late packets in a row mean that the sender started its numbers anew (aiortc's misorder limit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """The next packet in order."""

    packet: MediaPacket
    n_lost: int
    """How many packets before it were given up."""


class ReorderBuffer:
    """Holds packets that came too early.

    Args:
        hold_s: how long a missing packet is waited for, counted from the arrival of the first packet behind it.
        max_held: how many packets may wait behind a missing one.
    """

    def __init__(self, *, hold_s: float, max_held: int) -> None:
        self.hold_s = hold_s
        self._max_held = max_held
        self._held: dict[int, MediaPacket] = {}
        self._next: int | None = None
        self._late_run = 0

    @property
    def deadline_s(self) -> float | None:
        """When ``expire`` should be called, None if nothing is missing."""
        if not self._held:
            return None
        return min(packet.arrival_s for packet in self._held.values()) + self.hold_s

    def push(self, packet: MediaPacket) -> list[Ordered]:
        """Take a packet; return those that are in order now. Late and repeated packets are dropped."""
        if self._next is None:
            self._next = packet.seq
        if packet.seq < self._next:
            self._late_run += 1
            if self._late_run < LATE_RUN_RESET:
                return []
            self._held.clear()
            self._next = packet.seq
        self._late_run = 0
        self._held[packet.seq] = packet
        ordered = self._drain(0)
        while len(self._held) > self._max_held:
            ordered += self._step_over()
        return ordered + self.expire(packet.arrival_s)

    def expire(self, now_s: float) -> list[Ordered]:
        """Step over what has been missing for too long; return the packets this sets free."""
        ordered: list[Ordered] = []
        while (deadline_s := self.deadline_s) is not None and now_s >= deadline_s:
            ordered += self._step_over()
        return ordered

    def _step_over(self) -> list[Ordered]:
        assert self._next is not None
        first_held = min(self._held)
        n_lost = first_held - self._next
        self._next = first_held
        return self._drain(n_lost)

    def _drain(self, n_lost: int) -> list[Ordered]:
        ordered = []
        while self._next in self._held:
            ordered.append(Ordered(packet=self._held.pop(self._next), n_lost=n_lost))
            n_lost = 0
            self._next += 1
        return ordered
