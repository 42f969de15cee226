"""How the server ends: SIGINT at once, SIGTERM when the running interviews are over, a second signal by force."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

FORCE_S = 1.0
"""After a second signal the process ends in this time, closed or not. What was measured is stored as it comes."""
LINGER_S = 5.0
"""After the last interview: its people look at what comes next."""
POLL_S = 0.2

_log = logging.getLogger(__name__)


class Drainable(Protocol):
    """The running interviews, as far as a shutdown is concerned."""

    def n_live(self) -> int:
        """Return how many are running."""

    def drain(self, until: datetime) -> None:
        """Let no further one begin, and tell everybody."""


class Shutdown:
    """Waits for the signal to end, and for the interviews that are still running.

    Args:
        force: ends the process without further ado.
    """

    def __init__(self, *, force: Callable[[], None] = lambda: os._exit(1)) -> None:
        self._force = force
        self._loop = asyncio.get_running_loop()
        self._n_signals = 0
        self._is_listening = False
        self._is_asked = asyncio.Event()
        self._is_now = asyncio.Event()

    def listen(self) -> None:
        """Take the process's signals from now on; on the main thread."""
        # Not the loop's own handlers: a loop that is stuck must not keep a second signal from ending the process.
        self._is_listening = True
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, frame: self.on_signal(number))

    def on_signal(self, number: int) -> None:
        """Note a signal: the first SIGTERM drains, SIGINT or a second one stops at once, one more kills."""
        self._n_signals += 1
        if number == signal.SIGTERM and self._n_signals == 1:
            self._loop.call_soon_threadsafe(self._is_asked.set)
            return
        if self._n_signals > 1:
            timer = threading.Timer(FORCE_S, self._force)
            timer.daemon = True
            timer.start()
        for other in (signal.SIGINT, signal.SIGTERM) if self._is_listening else ():
            signal.signal(other, signal.SIG_DFL)
        self._loop.call_soon_threadsafe(self._stop_now)

    def _stop_now(self) -> None:
        self._is_asked.set()
        self._is_now.set()

    async def wait(self, rooms: Drainable, *, drain_s: float, now: Callable[[], datetime]) -> None:
        """Return when the server is to be closed.

        Args:
            rooms: the running interviews.
            drain_s: so long they may go on after the first signal; 0 ends them at once.
            now: wall clock, UTC.
        """
        await self._is_asked.wait()
        if self._is_now.is_set() or not drain_s or not rooms.n_live():
            return
        _log.info("draining: %d interviews run, at most %d s more", rooms.n_live(), drain_s)
        rooms.drain(now() + timedelta(seconds=drain_s))
        try:
            async with asyncio.timeout(drain_s):
                await self._until_quiet(rooms)
        except TimeoutError:
            _log.warning("draining took too long: %d interviews are ended", rooms.n_live())

    async def _until_quiet(self, rooms: Drainable) -> None:
        while rooms.n_live():
            if await self._is_told(POLL_S):
                return
        await self._is_told(LINGER_S)

    async def _is_told(self, timeout_s: float) -> bool:
        """Wait for the order to stop at once; tell whether it came."""
        try:
            await asyncio.wait_for(self._is_now.wait(), timeout_s)
        except TimeoutError:
            return False
        return True
