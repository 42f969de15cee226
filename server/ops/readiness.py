"""Whether people can be sent here: what is looked at in the background, and what speaks against it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from enum import StrEnum

from server.analysis.feed import WorkerState
from server.ops.loopback import LoopbackResult
from server.ops.versions import damaged_models

FIRST_S = 1.0
"""The server starts before it calls itself."""
PERIOD_S = 60.0
RETRY_S = 5.0
"""After a failed call."""
MAX_AGE_S = 150.0
"""A call that worked proves something for so long."""
MAX_FAILURES = 2
"""One failed call may be bad luck; so many in a row are none."""
MAX_LAG_MS = 500.0
"""Sound breaks long before the event loop is this late."""

_log = logging.getLogger(__name__)


class Reason(StrEnum):
    """Why nobody should be sent here now."""

    DRAINING = "draining"
    DATABASE = "database"
    MODELS = "models"
    WORKERS = "workers"
    MEDIA = "media"
    LOOP_LAG = "loop_lag"


class SelfTest:
    """Calls ourselves again and again and keeps how it went; nobody ever waits for it.

    Args:
        call: one call with ourselves.
        clock: monotonic seconds.
        damaged: names the models that cannot be used.
    """

    def __init__(
        self,
        call: Callable[[], Awaitable[LoopbackResult]],
        clock: Callable[[], float],
        *,
        damaged: Callable[[], tuple[str, ...]] = damaged_models,
    ) -> None:
        self.result: LoopbackResult | None = None
        """Of the newest call."""
        self.calls = 0
        self.failures = 0
        self.failures_in_a_row = 0
        self.has_models = False
        self._call = call
        self._clock = clock
        self._damaged = damaged
        self._worked_at_s = float("-inf")

    async def run(self) -> None:
        """Test until cancelled."""
        await asyncio.sleep(FIRST_S)
        while True:
            await self.test()
            await asyncio.sleep(RETRY_S if self.failures_in_a_row or not self.has_models else PERIOD_S)

    async def test(self) -> None:
        """Look at the models and make one call."""
        damaged = await asyncio.to_thread(self._damaged)
        if damaged:
            _log.error("models are missing or damaged: %s", ", ".join(damaged))
        self.has_models = not damaged
        self.result = result = await self._call()
        self.calls += 1
        if result.ok:
            self._worked_at_s, self.failures_in_a_row = self._clock(), 0
            return
        self.failures += 1
        self.failures_in_a_row += 1
        _log.warning("a call with ourselves failed, %d in a row: %s", self.failures_in_a_row, result.reason)

    @property
    def age_s(self) -> float | None:
        """Seconds since a call worked, None when none has."""
        return None if self._worked_at_s == float("-inf") else self._clock() - self._worked_at_s

    @property
    def carries_media(self) -> bool:
        """True while a call worked recently."""
        return self._clock() - self._worked_at_s <= MAX_AGE_S and self.failures_in_a_row < MAX_FAILURES


def reasons_against(
    *,
    is_draining: bool,
    has_database: bool,
    self_test: SelfTest,
    worker_states: tuple[WorkerState, ...],
    lag_p99_ms: float | None,
) -> tuple[Reason, ...]:
    """Return why nobody should be sent here, empty when all is well.

    Args:
        worker_states: of the workers that were started; there are none before anybody consented to analysis.
        lag_p99_ms: of the event loop over the last minute, None before it was measured.
    """
    against = {
        Reason.DRAINING: is_draining,
        Reason.DATABASE: not has_database,
        Reason.MODELS: not self_test.has_models,
        Reason.WORKERS: WorkerState.FAILED in worker_states,
        Reason.MEDIA: not self_test.carries_media,
        Reason.LOOP_LAG: lag_p99_ms is not None and lag_p99_ms > MAX_LAG_MS,
    }
    return tuple(reason for reason, holds in against.items() if holds)
