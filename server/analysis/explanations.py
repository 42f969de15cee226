"""What was asked of a session's worker about its network's answer, and is not answered yet."""

import asyncio

from pipeline.types import Explanation

TIMEOUT_S = 3.0
"""A worker that takes longer is not waited for."""
MAX_WAITING = 4
"""Questions of one session that may wait at once."""


class Explanations:
    """Questions by number; each gets one answer, or None when the worker goes or is late."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[Explanation | None]] = {}
        self._newest = 0

    def ask(self) -> int | None:
        """Return the number of a new question, or None when too many wait."""
        if len(self._waiting) >= MAX_WAITING:
            return None
        self._newest += 1
        self._waiting[self._newest] = asyncio.get_running_loop().create_future()
        return self._newest

    async def wait(self, number: int) -> Explanation | None:
        """Return the answer to a question that was just asked; None after TIMEOUT_S or when it was given up."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._waiting[number]
        except TimeoutError:
            return None
        finally:
            self._waiting.pop(number, None)

    def answer(self, number: int, explanation: Explanation | None) -> None:
        """Give an answer; one that nobody waits for any more is dropped."""
        future = self._waiting.get(number)
        if future is not None and not future.done():
            future.set_result(explanation)

    def give_up(self) -> None:
        """Answer every question with None: the worker is gone."""
        for number in self._waiting:
            self.answer(number, None)
