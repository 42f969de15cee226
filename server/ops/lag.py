"""How late the event loop is: the delay with which it wakes a sleeper."""

import asyncio
import math
from collections import deque
from collections.abc import Callable

PERIOD_S = 0.05
WINDOW_S = 60.0


class LagMonitor:
    """Measures the lag all the time and keeps the last minute.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.beat_s: float | None = None
        """When the loop was last seen running."""
        self.on_lag: Callable[[float], None] = _do_nothing
        """Called on the loop with each measurement, seconds."""
        self._lags_s: deque[float] = deque(maxlen=round(WINDOW_S / PERIOD_S))

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            self.beat_s = self._clock()
            await asyncio.sleep(PERIOD_S)
            self.add(self._clock() - self.beat_s - PERIOD_S)

    def add(self, lag_s: float) -> None:
        """Note one measurement; waking early counts as no lag."""
        self._lags_s.append(max(0.0, lag_s))
        self.on_lag(lag_s)

    def p99_ms(self) -> float | None:
        """Return the 99th percentile of the last minute (nearest rank), None before the first measurement."""
        if not self._lags_s:
            return None
        ranked = sorted(self._lags_s)
        return 1000 * ranked[math.ceil(0.99 * len(ranked)) - 1]


def _do_nothing(lag_s: float) -> None:
    """Stand in until somebody listens."""
