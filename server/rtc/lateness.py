"""How late packets come out of order on a way that does not lose them."""

from collections import deque

WINDOW_S = 10.0
HEADROOM = 1.25
MARGIN_S = 0.01
"""Waited for beyond the latest seen: a quarter of that and this."""
MOST_S = 1.0
"""What comes later than this was sent again or belongs to another connection."""


class Lateness:
    """How long one has to wait for packets that were overtaken: the most of the last ``WINDOW_S`` to twice that."""

    def __init__(self) -> None:
        self._current_s = 0.0
        self._previous_s = 0.0
        self._began_s = float("-inf")

    def add(self, late_s: float, now_s: float) -> None:
        """Take note of a packet that came ``late_s`` after the first one behind it."""
        if 0.0 < late_s <= MOST_S:
            self._turn(now_s)
            self._current_s = max(self._current_s, late_s)

    def wait_s(self, now_s: float, *, least_s: float, most_s: float) -> float:
        """Return how long to wait for a packet that is missing before it counts as lost, within these bounds."""
        self._turn(now_s)
        late_s = max(self._current_s, self._previous_s)
        return min(max(least_s, HEADROOM * late_s + MARGIN_S if late_s else 0.0), most_s)

    def _turn(self, now_s: float) -> None:
        age_s = now_s - self._began_s
        if age_s > WINDOW_S:
            self._previous_s = self._current_s if age_s <= 2 * WINDOW_S else 0.0
            self._current_s, self._began_s = 0.0, now_s


class Overtaken:
    """Measures by how much the packets of one stream are overtaken; each number is to be told once."""

    def __init__(self) -> None:
        self.lateness = Lateness()
        self._newest: int | None = None
        self._gaps: deque[tuple[int, int, float]] = deque(maxlen=64)
        """First and last missing number, and when the packet behind them came."""

    def add(self, seq: int, arrival_s: float) -> None:
        """Take note of a packet."""
        if self._newest is None or seq > self._newest:
            if self._newest is not None and seq > self._newest + 1:
                self._gaps.append((self._newest + 1, seq - 1, arrival_s))
            self._newest = seq
            return
        for first, last, noticed_s in self._gaps:
            if first <= seq <= last:
                self.lateness.add(arrival_s - noticed_s, arrival_s)
                return
