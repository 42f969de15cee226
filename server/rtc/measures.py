"""How long things take in the media plane: histograms that never grow, for metrics and the bench."""

from bisect import bisect_left
from collections.abc import Sequence

DWELL_BOUNDS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5)
WAIT_BOUNDS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 15.0)
CLOSE_BOUNDS_S = (0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Histogram:
    """Counts durations by upper bound; pure, of fixed size.

    Args:
        bounds_s: upper bounds, seconds, rising; what is above the last one is counted beyond them.
    """

    __slots__ = ("bounds_s", "counts", "sum_s")

    def __init__(self, bounds_s: Sequence[float]) -> None:
        self.bounds_s = tuple(bounds_s)
        self.counts = [0] * (len(self.bounds_s) + 1)
        """Durations up to each bound and above the one before; the last entry counts those above all bounds."""
        self.sum_s = 0.0

    def add(self, duration_s: float) -> None:
        """Count one duration; less than nothing counts as nothing."""
        duration_s = max(0.0, duration_s)
        self.counts[bisect_left(self.bounds_s, duration_s)] += 1
        self.sum_s += duration_s

    @property
    def count(self) -> int:
        """How many were counted."""
        return sum(self.counts)

    def buckets(self) -> list[tuple[str, int]]:
        """Return (upper bound, how many up to it) as Prometheus writes histograms, the last bound ``+Inf``."""
        result, n = [], 0
        for bound, count in zip([*map(str, self.bounds_s), "+Inf"], self.counts, strict=True):
            n += count
            result.append((bound, n))
        return result

    def quantile_s(self, share: float) -> float | None:
        """Return the upper bound under which this share of the durations lies; None of none, infinite above all bounds.

        Args:
            share: in (0, 1].
        """
        if not self.count:
            return None
        wanted, n = share * self.count, 0
        for bound_s, count in zip(self.bounds_s, self.counts[:-1], strict=True):
            n += count
            if n >= wanted:
                return bound_s
        return float("inf")


class Measures:
    """The durations of one media plane since it was made."""

    __slots__ = ("closes", "dwells", "first_pictures", "frozen_s", "joins", "packets_lost")

    def __init__(self) -> None:
        self.dwells = Histogram(DWELL_BOUNDS_S)
        self.first_pictures = Histogram(WAIT_BOUNDS_S)
        self.joins = Histogram(WAIT_BOUNDS_S)
        self.closes = Histogram(CLOSE_BOUNDS_S)
        self.frozen_s = 0.0
        """Frozen video of publishers whose connections are closed, summed."""
        self.packets_lost = 0
        """Packets that never came on publishers' connections that are closed."""

    def dwell(self, duration_s: float) -> None:
        """A packet's way through the server: its arrival to its sending to one viewer."""
        self.dwells.add(duration_s)

    def first_picture(self, duration_s: float) -> None:
        """A viewer's wait: its offer to the sending of the first packet of a key frame."""
        self.first_pictures.add(duration_s)

    def joined(self, duration_s: float) -> None:
        """A connection's way up: its offer to connected."""
        self.joins.add(duration_s)

    def closed(self, duration_s: float) -> None:
        """How long closing a connection took."""
        self.closes.add(duration_s)

    def retire(self, *, frozen_s: float, packets_lost: int) -> None:
        """Keep the sums of a publisher's connection that is being closed, so that totals never fall."""
        self.frozen_s += frozen_s
        self.packets_lost += packets_lost
