"""The bounded queue of messages to one page."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

MAX_MESSAGES = 256

Message = Mapping[str, Any]


class Outbox:
    """What waits to be sent to one page.

    A waiting ``state`` is replaced by a newer one. When the queue is full, the oldest estimate is dropped and
    counted; when there is none to drop the page is hopelessly slow, and its outbox closes.

    Args:
        max_messages: how many messages may wait.
    """

    def __init__(self, max_messages: int = MAX_MESSAGES) -> None:
        self.dropped = 0
        """Messages thrown away so far."""
        self.is_closed = False
        self._max_messages = max_messages
        self._messages: deque[Message] = deque()
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Message) -> None:
        """Queue a message; ignored once closed."""
        if self.is_closed:
            return
        if message["type"] == "state":
            self._remove_oldest("state")
        if len(self._messages) >= self._max_messages:
            self.dropped += 1
            if not self._remove_oldest("estimate"):
                self.dropped += len(self._messages)
                self._messages.clear()
                self.close()
                return
        self._messages.append(message)
        self._news.set()

    def close(self, last: Message | None = None) -> None:
        """Take no more messages; what waits, and then ``last``, can still be sent."""
        if self.is_closed:
            return
        if last is not None:
            self._messages.append(last)
        self.is_closed = True
        self._news.set()

    async def get(self) -> Message | None:
        """Return the next message, waiting for one; None when the outbox is closed and empty. One reader only."""
        while not self._messages:
            if self.is_closed:
                return None
            self._news.clear()
            await self._news.wait()
        return self._messages.popleft()

    def _remove_oldest(self, kind: str) -> bool:
        for i, message in enumerate(self._messages):
            if message["type"] == kind:
                del self._messages[i]
                return True
        return False
