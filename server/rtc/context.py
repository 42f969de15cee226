"""What every part of the media plane needs: settings, time, and an owner for its tasks."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from server.clock import utc_now
from server.config import Config
from server.rtc.measures import Measures

_log = logging.getLogger(__name__)
_NTP_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)


class Context:
    """Settings, clock and the plane's own tasks.

    Args:
        config: all settings.
        clock: monotonic seconds.
    """

    def __init__(self, config: Config, clock: Callable[[], float]) -> None:
        self.config = config
        self.clock = clock
        self.measures = Measures()
        self._tasks: set[asyncio.Task[Any]] = set()
        # Fixed once: a wall clock that is set later must not pull sound and picture apart.
        self._ntp_minus_monotonic_s = (utc_now() - _NTP_EPOCH).total_seconds() - clock()

    def ntp_s(self, monotonic_s: float) -> float:
        """Return seconds since 1900, as RTCP counts, for a time on the monotonic clock."""
        return monotonic_s + self._ntp_minus_monotonic_s

    def call_later(self, delay_s: float, action: Callable[[], None]) -> asyncio.TimerHandle:
        """Run a callback after some seconds."""
        return asyncio.get_running_loop().call_later(delay_s, action)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a coroutine as a task that the plane owns."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("task %s failed", task.get_name(), exc_info=error)

    async def finish(self, timeout_s: float) -> None:
        """Wait for the tasks to end; cancel those that have not after a while."""
        if not self._tasks:
            return
        _, pending = await asyncio.wait(self._tasks, timeout=timeout_s)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
