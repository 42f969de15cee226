"""Which packets are missing, when to ask for them (again), and when to give them up."""

from dataclasses import dataclass

from server.rtc.lateness import Lateness

FIRST_WAIT_S = 0.01
"""A packet that was merely overtaken comes within this; a lost one is mended so much later. Grows to ``MOST_WAIT_S``
on a way where packets are overtaken by more."""
MOST_WAIT_S = 0.1
RETRY_S = 0.04
"""Least pause between two requests for the same packet; the value of mediasoup's NackGenerator."""
RETRY_RTTS = 1.1
MOST_RETRY_S = 0.25
MAX_TRIES = 10
PATIENCE_S = 0.3
"""A packet missing for so long is given up: a key frame comes sooner than it is likely to. On a long way, or one that
delays packets unevenly, it may take ``PATIENCE_RTTS`` round trips, time for two tries, but never more than
``MOST_PATIENCE_S``."""
PATIENCE_RTTS = 2.5
MOST_PATIENCE_S = 0.6
MAX_GAP = 256
"""More missing packets are no loss that retransmissions could mend; the key-frame request mends it."""


@dataclass(slots=True)
class _Missing:
    noticed_s: float
    next_s: float
    n_tries: int


class NackTracker:
    """Watches the sequence numbers of one stream."""

    def __init__(self) -> None:
        self.rtt_s: float | None = None
        """Round trip to the sender, None while unknown."""
        self._newest: int | None = None
        self._missing: dict[int, _Missing] = {}
        self._given_up: int | None = None
        self._lateness = Lateness()
        self._late_s = 0.0

    @property
    def patience_s(self) -> float:
        """How long after it was noticed a missing packet is given up."""
        return min(max(PATIENCE_S, PATIENCE_RTTS * ((self.rtt_s or 0.0) + self._late_s)), MOST_PATIENCE_S)

    @property
    def next_s(self) -> float | None:
        """When ``due`` should be called next, None if nothing is missing."""
        if not self._missing:
            return None
        patience_s = self.patience_s
        return min(min(entry.next_s, entry.noticed_s + patience_s) for entry in self._missing.values())

    def received(self, seq: int, now_s: float, *, is_retransmission: bool = False) -> None:
        """Take note of a packet."""
        if self._newest is None:
            self._newest = seq
        if seq <= self._newest:
            entry = self._missing.pop(seq, None)
            if entry is not None and not is_retransmission:
                self._lateness.add(now_s - entry.noticed_s, now_s)
            return
        gap = range(self._newest + 1, seq)
        self._newest = seq
        if len(gap) + len(self._missing) > MAX_GAP:
            self._missing.clear()
            self._given_up = seq - 1
            return
        if gap:
            self._late_s = self._lateness.wait_s(now_s, least_s=0.0, most_s=MOST_PATIENCE_S)
            first_s = now_s + min(max(FIRST_WAIT_S, self._late_s), MOST_WAIT_S)
            for lost in gap:
                self._missing[lost] = _Missing(noticed_s=now_s, next_s=first_s, n_tries=0)

    def due(self, now_s: float) -> list[int]:
        """Return the sequence numbers to ask for now, ascending."""
        asked = []
        pause_s = min(max(RETRY_S, RETRY_RTTS * (self.rtt_s or 0.0)), MOST_RETRY_S)
        for seq, entry in sorted(self._missing.items()):
            if now_s >= entry.noticed_s + self.patience_s:  # as next_s has it, to the last bit
                self._give_up(seq)
            elif entry.next_s > now_s:
                continue
            elif entry.n_tries >= MAX_TRIES:
                self._give_up(seq)
            else:
                entry.n_tries += 1
                entry.next_s = now_s + pause_s
                asked.append(seq)
        return asked

    def _give_up(self, seq: int) -> None:
        del self._missing[seq]
        self._given_up = seq if self._given_up is None else max(seq, self._given_up)

    def take_given_up(self) -> int | None:
        """Return the newest packet given up since the last call, None if none was."""
        given_up, self._given_up = self._given_up, None
        return given_up
