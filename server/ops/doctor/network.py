"""What the checks of servers share: waits that end, names looked up without a trap, datagrams kept."""

import asyncio
import socket
import threading
from collections.abc import Awaitable
from typing import Any, TypeVar

RESOLVE_TIMEOUT_S = 4.0

T = TypeVar("T")


async def within(timeout_s: float, work: Awaitable[T]) -> T:
    """Return what work returns, or leave it behind when the time is up.

    ``asyncio.wait_for`` would wait for work that does not let itself be cancelled, such as opening a database.

    Raises:
        TimeoutError: the time is up.
    """
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task}, timeout=timeout_s)
    if not done:
        task.cancel()
        task.add_done_callback(lambda late: late.cancelled() or late.exception())  # nobody asks for it any more
        raise TimeoutError
    return task.result()


class UnknownHost(Exception):
    """A name leads nowhere."""


async def resolve(host: str, port: int) -> tuple[str, int]:
    """Return the first address of a host, IPv4 before IPv6.

    In a thread of its own that nobody waits for at the end: a silent name server holds a caller for half a minute.

    Raises:
        UnknownHost: it has none, or no name server answered in time.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Any]] = loop.create_future()

    def settle(result: list[Any]) -> None:
        if not found.done():
            found.set_result(result)

    def look_up() -> None:
        try:
            result = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            result = []
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result)

    threading.Thread(target=look_up, name="doctor resolves", daemon=True).start()
    try:
        results = await asyncio.wait_for(found, RESOLVE_TIMEOUT_S)
    except TimeoutError as exc:
        raise UnknownHost(f"no name server tells the address of {host}") from exc
    if not results:
        raise UnknownHost(f"the name {host} has no address")
    results.sort(key=lambda result: result[0] != socket.AF_INET)
    address = results[0][4]
    return str(address[0]), int(address[1])


class Datagrams(asyncio.DatagramProtocol):
    """Keeps what comes, for whoever waits; a few datagrams are enough for any check."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue(16)
        self.errors: list[Exception] = []
        self.is_closed = asyncio.Event()

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """Keep a datagram."""
        if isinstance(data, bytes) and not self.received.full():
            self.received.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        """Keep an error."""
        self.errors.append(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that it is over."""
        self.is_closed.set()
