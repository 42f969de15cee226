"""Researchers' streams of a room: attached only under consent, ended when it ends."""

import asyncio
from collections import deque
from typing import Any

MAX_WAITING_ESTIMATES = 120
"""Two minutes; a reader that is slower loses the oldest."""


class EstimateSubscription:
    """The estimates of an interview as they come, in the form of protocol.estimate_message.

    Iterate with ``async for``; it ends when the consent, the token or the interview does. ``close`` when done.
    """

    def __init__(self, max_waiting: int = MAX_WAITING_ESTIMATES) -> None:
        self.dropped = 0
        """Estimates thrown away because the reader was slow."""
        self.end_reason: str | None = None
        """None while it runs."""
        self._waiting: deque[dict[str, Any]] = deque()
        self._max_waiting = max_waiting
        self._news = asyncio.Event()

    def push(self, message: dict[str, Any]) -> None:
        """Add an estimate; the oldest one is dropped when too many wait. Ignored once ended."""
        if self.end_reason is not None:
            return
        if len(self._waiting) >= self._max_waiting:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(message)
        self._news.set()

    def end(self, reason: str) -> None:
        """Let nothing more through, not even what waits; the iteration ends."""
        if self.end_reason is None:
            self.end_reason = reason
            self._waiting.clear()
            self._news.set()

    def __aiter__(self) -> "EstimateSubscription":
        return self

    async def __anext__(self) -> dict[str, Any]:
        while not self._waiting:
            if self.end_reason is not None:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()
