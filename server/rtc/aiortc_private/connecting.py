"""The tasks by which aiortc brings a connection up."""

import asyncio
from typing import Any

from aiortc import RTCPeerConnection
from aiortc.exceptions import InvalidStateError

_CONNECT = "_RTCPeerConnection__connect"

NAMES: tuple[tuple[type, tuple[str, ...]], ...] = ((RTCPeerConnection, (_CONNECT,)),)


class ConnectTasks:
    """aiortc's own tasks that bring a connection up, so that closing can end them first.

    aiortc forgets them: closed at the wrong moment, a connection comes up afterwards and its tasks run for ever.
    """

    def __init__(self, peer: RTCPeerConnection) -> None:
        self._original = getattr(peer, _CONNECT)
        self._tasks: set[asyncio.Task[Any]] = set()
        setattr(peer, _CONNECT, self._connect)

    async def _connect(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._original()
        except InvalidStateError:
            pass  # it was closed by the other side meanwhile
        finally:
            self._tasks.discard(task)

    async def cancel(self) -> None:
        """End them."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
