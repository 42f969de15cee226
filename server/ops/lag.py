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
        self._lags_s: deque[float] = deque(maxlen=round(WINDOW_S / PERIOD_S))

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due_s = self._clock() + PERIOD_S
            await asyncio.sleep(PERIOD_S)
            self.add(self._clock() - due_s)

    def add(self, lag_s: float) -> None:
        """Note one measurement; waking early counts as no lag."""
        self._lags_s.append(max(0.0, lag_s))

    def p99_ms(self) -> float | None:
        """Return the 99th percentile of the last minute (nearest rank), None before the first measurement."""
        if not self._lags_s:
            return None
        ranked = sorted(self._lags_s)
        return 1000 * ranked[math.ceil(0.99 * len(ranked)) - 1]
