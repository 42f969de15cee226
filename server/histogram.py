"""Durations counted by size: what metrics are made of. Pure, and never grows."""

from bisect import bisect_left
from collections.abc import Sequence


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
