"""Which taps are open, what they lost, and cutting them when their right ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from server.errors import TooManyRequests

MAX_TAPS_PER_INTERVIEW = 16


class TapEnd(StrEnum):
    """Why a tap was closed from our side."""

    MEDIA_ENDED = "the interview is over"
    STALLED = "the tap did not read fast enough"
    WITHDRAWN = "the consent for research use was withdrawn"
    REVOKED = "the tap token was revoked"
    CHANGED = "the media changed: open the tap again"
    SHUTDOWN = "the server is shutting down"


@dataclass(slots=True, eq=False)
class OpenTap:
    """One open tap; ``close`` ends it from our side at once."""

    interview_id: str
    tap_id: str
    _on_close: Callable[[TapEnd], None]
    end: TapEnd | None = None
    """Why it was closed, None while it runs or when the researcher went."""

    def close(self, end: TapEnd) -> None:
        """End the tap; safe to call twice."""
        if self.end is None:
            self.end = end
            self._on_close(end)


@dataclass(slots=True)
class TapCounters:
    """Since the server started."""

    opened: int = 0
    stalled: int = 0
    """Taps dropped because they did not read."""
    frames_dropped: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    """Taps closed from our side, by reason."""


class TapHub:
    """All open taps of the server."""

    def __init__(self) -> None:
        self._open: set[OpenTap] = set()
        self.counters = TapCounters()

    def open(self, interview_id: str, tap_id: str, on_close: Callable[[TapEnd], None]) -> OpenTap:
        """Register a tap; ``release`` it when its connection is over.

        Raises:
            TooManyRequests: the interview has as many open taps as it may.
        """
        if sum(tap.interview_id == interview_id for tap in self._open) >= MAX_TAPS_PER_INTERVIEW:
            raise TooManyRequests(f"This interview has {MAX_TAPS_PER_INTERVIEW} open taps already.", retry_after_s=10)
        tap = OpenTap(interview_id, tap_id, on_close)
        self._open.add(tap)
        self.counters.opened += 1
        return tap

    def release(self, tap: OpenTap, *, frames_dropped: int = 0) -> None:
        """Forget a tap and add up what it lost."""
        self._open.discard(tap)
        self.counters.frames_dropped += frames_dropped
        if tap.end is not None:
            name = tap.end.name.lower()
            self.counters.ended[name] = self.counters.ended.get(name, 0) + 1
            self.counters.stalled += tap.end is TapEnd.STALLED

    def cut_interview(self, interview_id: str, end: TapEnd) -> None:
        """Close every tap of an interview."""
        for tap in list(self._open):
            if tap.interview_id == interview_id:
                tap.close(end)

    def cut_token(self, tap_id: str, end: TapEnd) -> None:
        """Close every tap that was opened with a token."""
        for tap in list(self._open):
            if tap.tap_id == tap_id:
                tap.close(end)

    def close(self) -> None:
        """Close every tap: the server goes."""
        for tap in list(self._open):
            tap.close(TapEnd.SHUTDOWN)

    def open_count(self) -> int:
        """Return how many taps are open."""
        return len(self._open)
