"""How many taps are open and what they lost."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from server.errors import TooManyRequests

MAX_TAPS_PER_INTERVIEW = 16


@dataclass(slots=True)
class TapCounters:
    """Since the server started."""

    opened: int = 0
    stalled: int = 0
    """Taps that were closed because they did not read."""
    dropped: int = 0
    """Frames and estimates that never reached a tap because it did not read."""


@dataclass(slots=True)
class OpenTap:
    """One open tap; its owner fills in what it lost before it goes."""

    dropped: int = 0
    stalled: bool = False


class TapRegister:
    """All open taps of the server, by interview."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self.counters = TapCounters()

    @contextmanager
    def tap(self, interview_id: str) -> Iterator[OpenTap]:
        """Count a tap while the block runs.

        Raises:
            TooManyRequests: the interview has as many open taps as it may.
        """
        if self._open[interview_id] >= MAX_TAPS_PER_INTERVIEW:
            raise TooManyRequests(f"This interview has {MAX_TAPS_PER_INTERVIEW} open taps already.", retry_after_s=10)
        self._open[interview_id] += 1
        self.counters.opened += 1
        tap = OpenTap()
        try:
            yield tap
        finally:
            self._open[interview_id] -= 1
            self._open += Counter()  # forget interviews without taps
            self.counters.dropped += tap.dropped
            self.counters.stalled += tap.stalled

    def open_count(self) -> int:
        """Return how many taps are open."""
        return self._open.total()
