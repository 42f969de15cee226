"""The room's websocket: hello, then events both ways until one side goes."""

import asyncio
import json
import logging
from dataclasses import dataclass, field

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from server.clock import monotonic_s
from server.errors import BadRequest, ComposureError, Forbidden, Gone, Unavailable
from server.http.csrf import is_same_origin
from server.http.keys import ROOMS, TOKENS
from server.protocol import HEARTBEAT_TIMEOUT_S, HELLO_TIMEOUT_S, MAX_MESSAGE_BYTES
from server.sessions.events import error_message, read_hello
from server.sessions.outbox import Outbox
from server.sessions.seat import Connection

STRANGERS: web.AppKey[set[web.WebSocketResponse]] = web.AppKey("strangers")
"""Connections that have not said hello yet: the rooms do not know them, so a shutdown must."""

logger = logging.getLogger(__name__)

MAX_STRANGERS = 200
"""Connections that may be without a hello at a time."""

SEND_TIMEOUT_S = 10.0
"""A page that does not take a message for so long is gone."""

CLOSE_TIMEOUT_S = 2.0
"""So long a page may take to acknowledge that the connection is over."""

BURST = 60
"""Messages a page may send at once."""

RATE_HZ = 20.0
"""Messages a page may send a second in the long run."""

MAX_STRIKES = 20
"""Malformed or surplus messages after which the connection is closed."""


@dataclass(slots=True)
class Patience:
    """How much more a page may send: a token bucket, and strikes for what was too much or not JSON."""

    tokens: float = BURST
    at_s: float = field(default_factory=monotonic_s)
    strikes: int = 0

    def allows(self, now_s: float) -> bool:
        """Take one message; False when it is one too many."""
        self.tokens = min(BURST, self.tokens + (now_s - self.at_s) * RATE_HZ)
        self.at_s = now_s
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


async def room_socket(request: web.Request) -> web.StreamResponse:
    """GET /ws/{room_id}."""
    if not is_same_origin(request):
        raise Forbidden("This request came from another site.")
    socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, compress=False, timeout=CLOSE_TIMEOUT_S)
    if not socket.can_prepare(request):
        raise BadRequest("This address speaks websocket only.")
    strangers = request.app[STRANGERS]
    if len(strangers) >= MAX_STRANGERS:
        raise Unavailable("Too many pages are connecting. Please try again.", retry_after_s=5)
    await socket.prepare(request)
    strangers.add(socket)
    try:
        connection = await _hello(request, socket)
    except ComposureError as exc:
        await _refuse(socket, exc)
        return socket
    finally:
        strangers.discard(socket)
    rooms = request.app[ROOMS]
    sender = asyncio.create_task(_send_outbox(socket, connection.outbox), name="websocket sender")
    try:
        await _receive(request, socket, connection)
    finally:
        await rooms.disconnect(connection)
        connection.outbox.close()
        await asyncio.wait([sender], timeout=SEND_TIMEOUT_S)
        sender.cancel()
        await socket.close()
    return socket


async def close_strangers(app: web.Application) -> None:
    """Close the connections that have not said hello yet: the server goes."""
    strangers = app[STRANGERS]
    await asyncio.gather(*[socket.close(code=WSCloseCode.GOING_AWAY) for socket in strangers])


async def _hello(request: web.Request, socket: web.WebSocketResponse) -> Connection:
    try:
        message = await socket.receive(timeout=HELLO_TIMEOUT_S)
    except TimeoutError:
        raise BadRequest(f"The first message, hello, must come within {HELLO_TIMEOUT_S:.0f} s.") from None
    hello = read_hello(_parse(message))
    principal = request.app[TOKENS].read_access(hello.token)
    if principal.room_id != request.match_info["room_id"]:
        raise Forbidden("This access token is for another room.")
    return await request.app[ROOMS].connect(principal, since_s=hello.since_s, session_id=hello.session_id)


async def _receive(request: web.Request, socket: web.WebSocketResponse, connection: Connection) -> None:
    """Hand messages to the room until the page or the server closes, or the page falls silent or floods."""
    rooms, patience = request.app[ROOMS], Patience()
    while patience.strikes < MAX_STRIKES:
        try:
            message = await socket.receive(timeout=HEARTBEAT_TIMEOUT_S)
        except TimeoutError:
            return
        if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
            return
        try:
            if not patience.allows(monotonic_s()):
                raise BadRequest(f"Too many messages: at most {RATE_HZ:.0f} a second.")
            event = _parse(message)
        except BadRequest as exc:
            patience.strikes += 1
            connection.outbox.put(error_message(exc))
            continue
        await rooms.handle(connection, event)
    logger.info("a page sent too much or too much rubbish and was disconnected")
    await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many bad messages")


async def _send_outbox(socket: web.WebSocketResponse, outbox: Outbox) -> None:
    """Send what the room has for the page; close when the room says it is over or the page takes nothing."""
    try:
        while (message := await outbox.get()) is not None:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await socket.send_str(json.dumps(message, separators=(",", ":"), allow_nan=False))
    except (ConnectionResetError, TimeoutError):
        outbox.close()
    await socket.close()


async def _refuse(socket: web.WebSocketResponse, error: ComposureError) -> None:
    """Say why the page may not come in, and close."""
    last = {"type": "bye", "reason": "ended"} if isinstance(error, Gone) else error_message(error)
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await socket.send_str(json.dumps(last))
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"refused")
    except (ConnectionResetError, TimeoutError):
        return


def _parse(message: WSMessage) -> object:
    if message.type is not WSMsgType.TEXT:
        raise BadRequest("Messages are JSON text.")
    try:
        return json.loads(message.data, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadRequest("This message is not JSON.") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
