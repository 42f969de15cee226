"""Researchers' streams over HTTP and websocket; each is one more consumer of what the interviewers see."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from socket import SO_SNDBUF, SOL_SOCKET

from aiohttp import WSCloseCode, WSMsgType, web

from pipeline.types import SAMPLE_RATE_HZ
from server.clock import monotonic_s
from server.errors import BadRequest
from server.http.access import current_tap
from server.http.keys import ROOMS, TAP_TOKENS, TAPS
from server.media import EncodedFrame, Kind
from server.protocol import MAX_MESSAGE_BYTES
from server.sessions.taps import EstimateSubscription
from server.taps.matroska import MatroskaWriter, StreamChangedError
from server.taps.pcm import SoundBlock, SoundDecoder, pack
from server.taps.queue import STALLED, FrameQueue

CHECK_S = 1.0
"""So often a tap without news looks whether its client is still there, and fills the sound up to the present."""

LINGER_S = 1.0
"""So long a tap that was ended by us may take to send what is on its way before its connection is cut."""

WRITE_TIMEOUT_S = 30.0
"""An estimates tap that takes nothing for so long is closed."""

SEND_BUFFER_BYTES = 128 * 1024
"""What the kernel may hold for a tap: by default it is megabytes, half a minute that nobody could take back."""

CLIENT_LEFT = "the client left"


async def media(request: web.Request) -> web.StreamResponse:
    """GET /taps/{interview_id}/media.mkv: the candidate's encoded media as live Matroska."""
    response = web.StreamResponse(headers={"Content-Type": "video/x-matroska", "X-Accel-Buffering": "no"})
    writer = MatroskaWriter()
    async with _frames(request) as queue:
        await response.prepare(request)
        with suppress(ConnectionResetError):
            while (frames := await queue.take(CHECK_S)) is not None and not _has_left(request):
                try:
                    data = b"".join([writer.write(frame) for frame in frames])
                except StreamChangedError:
                    break  # another header is needed: the client opens the tap again
                if data:
                    await response.write(data)
            await response.write_eof()
    return response


async def audio(request: web.Request) -> web.StreamResponse:
    """GET /taps/{interview_id}/audio: the candidate's sound as 16 kHz mono PCM over websocket."""
    socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, compress=False, timeout=LINGER_S)
    async with _frames(request, only=Kind.AUDIO) as queue:
        if not socket.can_prepare(request):
            raise BadRequest("This address speaks websocket only.")
        await socket.prepare(request)
        reader = asyncio.create_task(_wait_for_close(socket, queue), name="sound tap input")
        try:
            with suppress(ConnectionResetError):
                header = {"rate": SAMPLE_RATE_HZ, "format": "s16le", "channels": 1, "clock_s": monotonic_s()}
                await socket.send_str(json.dumps(header))
                await _send_sound(socket, queue)
                await socket.close(code=WSCloseCode.GOING_AWAY, message=(queue.end_reason or "").encode()[:120])
        finally:
            reader.cancel()
    return socket


async def estimates(request: web.Request) -> web.StreamResponse:
    """GET /taps/{interview_id}/estimates.ndjson: one estimate with its features a line, as they come."""
    holder = current_tap(request)
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "X-Accel-Buffering": "no"})
    with request.app[TAPS].tap(holder.interview_id) as tap:
        subscription = await request.app[ROOMS].subscribe_estimates(holder)
        try:
            await request.app[TAP_TOKENS].require_good(holder.tap_id)
            await response.prepare(request)
            with suppress(ConnectionResetError):
                await _send_estimates(request, response, subscription)
                await response.write_eof()
        except TimeoutError:
            tap.stalled = True
            _cut(request)
        finally:
            subscription.close()
            tap.dropped = subscription.dropped
    return response


@asynccontextmanager
async def _frames(request: web.Request, *, only: Kind | None = None) -> AsyncIterator[FrameQueue]:
    """Attach a queue to the candidate's media; when it ends, the connection goes too, even if it is stuck."""
    holder = current_tap(request)
    if request.transport is not None:
        request.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES)
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []

    def cut_soon() -> None:
        delay_s = 0.0 if queue.end_reason == STALLED else LINGER_S
        timers.append(loop.call_later(delay_s, _cut, request))

    queue = FrameQueue(only=only, on_end=cut_soon)
    with request.app[TAPS].tap(holder.interview_id) as tap:
        attachment = await request.app[ROOMS].attach_tap(holder, queue)
        try:
            await request.app[TAP_TOKENS].require_good(holder.tap_id)
            attachment.request_keyframe()
            yield queue
        finally:
            attachment.detach()
            for timer in timers:
                timer.cancel()
            tap.dropped = queue.dropped
            tap.stalled = queue.end_reason == STALLED


async def _send_sound(socket: web.WebSocketResponse, queue: FrameQueue) -> None:
    decoder = SoundDecoder()
    while (frames := await queue.take(CHECK_S)) is not None:
        if frames:
            blocks = await asyncio.to_thread(_decode, decoder, frames)
        else:
            blocks = decoder.fill_until(monotonic_s() - CHECK_S)
        for block in blocks:
            if block.is_gap:
                await socket.send_str(json.dumps({"gap": {"index": block.index, "samples": len(block.samples)}}))
            await socket.send_bytes(pack(block))


def _decode(decoder: SoundDecoder, frames: list[EncodedFrame]) -> list[SoundBlock]:
    return [block for frame in frames for block in decoder.decode(frame)]


async def _wait_for_close(socket: web.WebSocketResponse, queue: FrameQueue) -> None:
    """Answer pings, ignore what the client says, notice when it goes."""
    gone = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
    while (await socket.receive()).type not in gone:
        pass
    queue.ended(CLIENT_LEFT)


async def _send_estimates(
    request: web.Request, response: web.StreamResponse, subscription: EstimateSubscription
) -> None:
    while not _has_left(request):
        try:
            async with asyncio.timeout(CHECK_S):
                message = await anext(subscription)
        except TimeoutError:
            continue
        except StopAsyncIteration:
            return
        line = json.dumps(message, separators=(",", ":"), allow_nan=False) + "\n"
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await response.write(line.encode())


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
