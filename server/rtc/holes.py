"""Which numbers of an outgoing stream were left open, because what they stand for has not come from the source."""

from collections import deque

MAX_GAPS = 256
MAX_LATE = 1024
UNDER_WAY_S = 0.1
"""A packet that was sent late, and no longer ago than this beyond a round trip, may not have been in a report yet."""


class Holes:
    """Tells how much of a viewer's loss is none of its connection's.

    What a publisher's uplink loses stays a hole in the numbers that a viewer gets, so that the viewer's browser can
    conceal it; in the viewer's reports it looks like a loss on the way to the viewer.
    """

    def __init__(self) -> None:
        self._newest: int | None = None
        self._next_seq = -1
        """What follows ``_newest``, 16 bits."""
        self._gaps: deque[tuple[int, int]] = deque(maxlen=MAX_GAPS)
        """First number and one behind the last."""
        self._late_s: dict[int, float] = {}
        """Numbers that were sent late, and when."""
        self._reported = -1
        """The newest number of the report before."""

    def sent(self, seq: int, now_s: float) -> None:
        """Note that a packet with this 16-bit number was sent for the first time."""
        if self._newest is None:
            self._newest = seq
            self._reported = seq - 1
        elif seq == self._next_seq:
            self._newest += 1
        elif (distance := ((seq - self._newest + 0x8000) & 0xFFFF) - 0x8000) > 0:
            self._gaps.append((self._newest + 1, self._newest + distance))
            self._newest += distance
        else:
            if len(self._late_s) >= MAX_LATE:
                self._late_s.clear()
            self._late_s[self._newest + distance] = now_s
            return
        self._next_seq = (seq + 1) & 0xFFFF

    def own_loss_share(self, loss_share: float, highest_seq: int, rtt_s: float | None, now_s: float) -> float:
        """Return the share of what was sent that was lost on the way to the viewer.

        Args:
            loss_share: what the viewer reports: of all numbers since its last report, [0, 1].
            highest_seq: newest number that the viewer has seen; the lower 16 bits count.
            rtt_s: round trip to the viewer, None while unknown.
            now_s: when the report came.

        Returns:
            The same share without the holes, [0, 1].
        """
        if self._newest is None:
            return loss_share
        first = self._reported + 1
        end = self._newest + ((highest_seq - self._newest + 0x8000) & 0xFFFF) - 0x8000 + 1
        if not first < end <= self._newest + 1:
            return loss_share
        self._reported = end - 1
        n_holes = sum(max(0, min(end, gap_end) - max(first, gap_first)) for gap_first, gap_end in self._gaps)
        arrived_s = now_s - (rtt_s or 0.0) - UNDER_WAY_S
        n_holes -= sum(first <= seq < end and sent_s <= arrived_s for seq, sent_s in self._late_s.items())
        while self._gaps and self._gaps[0][1] <= end:
            self._gaps.popleft()
        self._late_s = {seq: sent_s for seq, sent_s in self._late_s.items() if seq >= end}
        if not n_holes:
            return loss_share
        n_sent = end - first - n_holes
        n_lost = loss_share * (end - first) - n_holes
        return min(max(n_lost / n_sent, 0.0), 1.0) if n_sent > 0 else 0.0
