"""Two timers: at most one key-frame request in a while whoever asks, and a call at a deadline that may move."""

import asyncio
from collections.abc import Callable

CallLater = Callable[[float, Callable[[], None]], asyncio.TimerHandle]
"""Runs a callback after some seconds; the event loop's ``call_later``."""


class Throttle:
    """Lets an action through at once, then at most once per pause; a call in between is kept, not lost.

    Args:
        pause_s: smallest time between two actions.
        action: what to do.
        call_later: runs a callback after some seconds.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        pause_s: float,
        action: Callable[[], None],
        call_later: CallLater,
        clock: Callable[[], float],
    ) -> None:
        self._pause_s = pause_s
        self._action = action
        self._call_later = call_later
        self._clock = clock
        self._last_s = float("-inf")
        self._pending: asyncio.TimerHandle | None = None

    def __call__(self) -> None:
        """Ask for the action."""
        if self._pending is not None:
            return
        wait_s = self._last_s + self._pause_s - self._clock()
        if wait_s <= 0:
            self._act()
        else:
            self._pending = self._call_later(wait_s, self._act)

    def cancel(self) -> None:
        """Forget a call that has been kept."""
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None

    def _act(self) -> None:
        self._pending = None
        self._last_s = self._clock()
        self._action()


class Alarm:
    """Calls back once when a deadline has passed; setting another replaces it."""

    def __init__(self, *, action: Callable[[], None], call_later: CallLater, clock: Callable[[], float]) -> None:
        self._action = action
        self._call_later = call_later
        self._clock = clock
        self._handle: asyncio.TimerHandle | None = None
        self._deadline_s: float | None = None

    def set(self, deadline_s: float | None) -> None:
        """Call back at this time on the clock; None cancels."""
        if deadline_s == self._deadline_s:
            return
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._deadline_s = deadline_s
        if deadline_s is not None:
            self._handle = self._call_later(max(0.0, deadline_s - self._clock()), self._fire)

    def _fire(self) -> None:
        self._handle = self._deadline_s = None
        self._action()
