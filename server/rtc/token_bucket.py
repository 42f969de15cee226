"""A limit on a rate that lets bursts through."""


class TokenBucket:
    """Allows ``rate`` events a second on average and ``burst`` at once.

    Args:
        rate: events a second.
        burst: events that may come at once after a pause.
    """

    __slots__ = ("_burst", "_filled_s", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled_s: float | None = None

    def take(self, now_s: float, n: float = 1.0) -> bool:
        """Return whether so many more events are allowed at this time (monotonic seconds)."""
        if self._filled_s is not None:
            self._tokens = min(self._burst, self._tokens + (now_s - self._filled_s) * self._rate)
        self._filled_s = now_s
        if self._tokens < n:
            return False
        self._tokens -= n
        return True
