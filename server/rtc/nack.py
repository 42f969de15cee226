"""Which packets are missing and when to ask for them (again)."""

from dataclasses import dataclass

RETRY_S = 0.04
"""Pause between two requests for the same packet; the value of mediasoup's NackGenerator."""
MAX_TRIES = 10
MAX_GAP = 256
"""More missing packets are no loss that retransmissions could mend; the key-frame request mends it."""


@dataclass(slots=True)
class _Missing:
    next_s: float
    n_tries: int


class NackTracker:
    """Watches the sequence numbers of one stream."""

    def __init__(self) -> None:
        self._newest: int | None = None
        self._missing: dict[int, _Missing] = {}

    @property
    def next_s(self) -> float | None:
        """When ``due`` should be called next, None if nothing is missing."""
        return min((entry.next_s for entry in self._missing.values()), default=None)

    def received(self, seq: int, now_s: float) -> list[int]:
        """Take note of a packet; return the sequence numbers to ask for now, ascending."""
        if self._newest is None:
            self._newest = seq
        if seq <= self._newest:
            self._missing.pop(seq, None)
            return []
        gap = range(self._newest + 1, seq)
        self._newest = seq
        if len(gap) + len(self._missing) > MAX_GAP:
            self._missing.clear()
            return []
        for lost in gap:
            self._missing[lost] = _Missing(next_s=now_s + RETRY_S, n_tries=1)
        return list(gap)

    def due(self, now_s: float) -> list[int]:
        """Return the sequence numbers whose retry time has come, ascending; gives up after ``MAX_TRIES``."""
        again = []
        for seq, entry in sorted(self._missing.items()):
            if entry.next_s > now_s:
                continue
            if entry.n_tries >= MAX_TRIES:
                del self._missing[seq]
                continue
            entry.n_tries += 1
            entry.next_s = now_s + RETRY_S
            again.append(seq)
        return again
