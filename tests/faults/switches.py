"""The switches themselves, over HTTP on loopback: JSON in, JSON out.

POST /signalling  {"refuse_s": 0}                                  drop every websocket; refuse new ones for a while
POST /media       {"participant_id", "direction", "up": 1, "down": 1}  lose so much of the datagrams; 1 both ways
                                                                   kills the connection without a goodbye
POST /loop        {"block_s"}                                      block the event loop
POST /workers     {"frozen": true}                                 stop the analysis workers, or let them go on
GET  /media                                                        what is open: participant, direction, lost
"""

import os
import random
import signal
import time
import weakref
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from server.http import keys
from server.rtc.plane import MediaPlane
from server.rtc.publisher import Publisher
from tests.faults.line import Line


class Switches:
    """Hooks into one application; make it before the application starts."""

    def __init__(self, app: web.Application, *, seed: int = 1) -> None:
        self._app = app
        self._sockets: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        """Open websockets, and what carries each."""
        self._refuse_until_s = 0.0
        self._lines: weakref.WeakKeyDictionary[Any, Line] = weakref.WeakKeyDictionary()
        self._rng = random.Random(seed)
        app.middlewares.insert(0, self._gate)
        app.on_response_prepare.append(self._note_socket)

    def control(self) -> web.Application:
        """Return the application that is switched with."""
        control = web.Application()
        control.router.add_post("/signalling", self._signalling)
        control.router.add_post("/media", self._media)
        control.router.add_get("/media", self._list_media)
        control.router.add_post("/loop", self._loop)
        control.router.add_post("/workers", self._workers)
        return control

    @web.middleware
    async def _gate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/ws/") and time.monotonic() < self._refuse_until_s:
            raise web.HTTPServiceUnavailable
        return await handler(request)

    async def _note_socket(self, request: web.Request, response: web.StreamResponse) -> None:
        if isinstance(response, web.WebSocketResponse):
            self._sockets[response] = request.transport

    async def _signalling(self, request: web.Request) -> web.Response:
        body = await request.json()
        self._refuse_until_s = time.monotonic() + float(body.get("refuse_s", 0))
        dropped = [transport for socket, transport in self._sockets.items() if not socket.closed]
        for transport in dropped:
            transport.abort()
        return web.json_response({"dropped": len(dropped)})

    async def _media(self, request: web.Request) -> web.Response:
        body = await request.json()
        hit = 0
        for entry in self._entries():
            if body.get("participant_id") not in (None, entry.owner.participant_id):
                continue
            if body.get("direction") not in (None, _direction(entry)):
                continue
            line = self._line(entry)
            line.up_share, line.down_share = float(body.get("up", 1)), float(body.get("down", 1))
            hit += 1
        return web.json_response({"connections": hit})

    async def _list_media(self, request: web.Request) -> web.Response:
        return web.json_response(
            [
                {
                    "participant_id": entry.owner.participant_id,
                    "direction": _direction(entry),
                    "lost": self._line(entry).lost,
                }
                for entry in self._entries()
            ]
        )

    async def _loop(self, request: web.Request) -> web.Response:
        time.sleep(float((await request.json())["block_s"]))  # noqa: ASYNC251 - that is the fault
        return web.json_response({})

    async def _workers(self, request: web.Request) -> web.Response:
        pids = self._app[keys.POOL].worker_pids()
        number = signal.SIGSTOP if (await request.json())["frozen"] else signal.SIGCONT
        for pid in pids:
            os.kill(pid, number)
        return web.json_response({"pids": pids})

    def _entries(self) -> list[Any]:
        plane: MediaPlane = self._app[keys.PLANE]
        return list(plane._resources.values())

    def _line(self, entry: Any) -> Line:
        connection = entry.peer.connection
        if connection not in self._lines:
            self._lines[connection] = Line(connection.peer, self._rng)
        return self._lines[connection]


def _direction(entry: Any) -> str:
    return "publish" if isinstance(entry.peer, Publisher) else "watch"


async def serve_control(switches: Switches) -> web.AppRunner:
    """Serve the switches on a free port of loopback; ``runner.addresses`` says which."""
    runner = web.AppRunner(switches.control(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner
