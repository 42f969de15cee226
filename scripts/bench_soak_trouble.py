"""What harms the soaked server, over and over until cancelled, and the one viewer who must not notice."""

import asyncio
import contextlib
import os
import signal
import socket
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from aiortc.rtp import RtpPacket

from scripts.bench_join_peers import Viewer
from scripts.bench_processes import started
from scripts.bench_soak_server import SoakServer
from server.clock import monotonic_s

STALL_S = 30.0
"""A frozen viewer is lost to the server well before; then the next one comes."""
TAP_STALL_S = 45.0
"""Longer than it takes a tap that is not read to fill its queue behind the system's buffers."""
FREEZE_EVERY_S = 120.0
"""Rarely enough that a new worker counts as healthy, and the next one is not held back."""


class HealthyViewer(Viewer):
    """Watches all the time and notes gaps in what comes."""

    def __init__(self) -> None:
        super().__init__(lambda s: None)
        self.longest_gap_s = 0.0
        self.last_s: float | None = None

    def on_rtp(self, packet: RtpPacket, *, is_retransmission: bool) -> None:
        """Note a packet of the picture."""
        now_s = monotonic_s()
        if self.last_s is not None:
            self.longest_gap_s = max(self.longest_gap_s, now_s - self.last_s)
        self.last_s = now_s


async def watch(server: SoakServer, viewer: Viewer) -> None:
    """Connect a viewer."""
    await viewer.accept(await server.watch(await viewer.offer()))


async def freeze_viewers(server: SoakServer, done: Counter[str]) -> None:
    """Let viewer after viewer join, get a picture, and then be stopped in the middle of it."""
    while True:
        async with started("scripts.bench_soak_viewer", ()) as (peer,):
            await peer.order(answer=await server.watch((await peer.said())["offer"]))
            await peer.said()
            peer.freeze()
            done["viewers_frozen"] += 1
            await asyncio.sleep(STALL_S)


async def stall_viewers(server: SoakServer, done: Counter[str]) -> None:
    """Let viewer after viewer join and stop reading its socket, while it goes on sending."""
    while True:
        has_picture = asyncio.Event()
        viewer = Viewer(lambda s, event=has_picture: event.set())  # type: ignore[misc]
        try:
            await watch(server, viewer)
            await asyncio.wait_for(has_picture.wait(), 10.0)
            stop_reading(viewer)
            done["viewers_stalled"] += 1
            await asyncio.sleep(STALL_S)
        finally:
            await viewer.close()


def stop_reading(viewer: Viewer) -> None:
    """Leave whatever comes for the viewer in the system's buffer."""
    loop: Any = asyncio.get_running_loop()
    for transceiver in viewer.peer.getTransceivers():
        ice: Any = transceiver.receiver.transport.transport._connection
        for protocol in ice._protocols:
            loop._remove_reader(protocol.transport.get_extra_info("socket").fileno())


async def stall_taps(server: SoakServer, token: str, done: Counter[str]) -> None:
    """Open tap after tap and never read from it."""
    address = urlsplit(server.base_url)
    assert address.hostname is not None
    assert address.port is not None
    request = (
        f"GET /taps/{server.interview_id}/media.mkv HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    while True:
        with socket.socket() as tap:
            tap.setblocking(False)
            tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await loop.sock_connect(tap, (address.hostname, address.port))
            await loop.sock_sendall(tap, request.encode())
            done["taps_stalled"] += 1
            await asyncio.sleep(TAP_STALL_S)


async def freeze_workers(server: SoakServer, done: Counter[str]) -> None:
    """Stop the analysis worker that is there now, again and again."""
    while True:
        for pid in server.worker_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                done["workers_frozen"] += 1
        await asyncio.sleep(FREEZE_EVERY_S)
