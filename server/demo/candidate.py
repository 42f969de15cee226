"""A candidate without a browser: follows a join link, consents, waits, publishes the story or a given file.

It is a client like any other and talks to the server over HTTP, websocket and WebRTC only. Run as a process of its
own: ``python -m server.demo.candidate JOIN_URL [--video FILE] [--ice-address 127.0.0.1]``.
"""

import argparse
import asyncio
import json
import logging
import re
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from server import clock
from server.demo.playback import file_tracks
from server.demo.story import Story
from server.demo.tracks import StoryCamera, StoryMicrophone
from server.protocol import HEARTBEAT_S
from server.rtc.aiortc_private import bind_candidates

logger = logging.getLogger(__name__)

_RETRY_S = 2.0
_PAGE = re.compile(r"data-page='([^']+)'")
_CSRF = re.compile(r'<meta name="csrf" content="([^"]+)"')
_AGREES_TO = ("call", "analysis", "research")


class Candidate:
    """One visit to an interview through its join link."""

    def __init__(self, join_url: str, *, video: Path | None = None, ice_addresses: Sequence[str] = ()) -> None:
        parts = urlsplit(join_url)
        self._join_url = join_url
        self._base_url = f"{parts.scheme}://{parts.netloc}"
        self._token = parts.path.rsplit("/", 1)[-1]
        self._video = video
        self._ice_addresses = ice_addresses
        self._peer: RTCPeerConnection | None = None

    async def run(self) -> str:
        """Stay until the interview is over; return the reason the server gave.

        Raises:
            aiohttp.ClientResponseError: the join link is refused.
        """
        cookies = aiohttp.CookieJar(unsafe=True)
        connector = aiohttp.TCPConnector(ssl=_trusting_own_machine())
        async with aiohttp.ClientSession(cookie_jar=cookies, connector=connector) as http:
            csrf = await self._consent(http)
            while True:
                try:
                    return await self._attend(http, csrf)
                except (aiohttp.ClientConnectionError, TimeoutError) as exc:
                    logger.info("connection lost, trying again: %s", type(exc).__name__)
                    await asyncio.sleep(_RETRY_S)
                finally:
                    await self._hang_up()

    async def _consent(self, http: aiohttp.ClientSession) -> str:
        """Read the join page and answer its consent texts; return the page's CSRF token."""
        async with http.get(self._join_url) as response:
            response.raise_for_status()
            text = await response.text()
        csrf, page = _CSRF.search(text), _PAGE.search(text)
        if csrf is None or page is None:
            raise ValueError("this is not a candidate's page")
        answers = [
            {"kind": kind, "granted": kind in _AGREES_TO, "text_version": version}
            for kind, version in json.loads(page[1])["versions"].items()
        ]
        await self._post(http, csrf[1], "consent", {"answers": answers})
        return csrf[1]

    async def _post(self, http: aiohttp.ClientSession, csrf: str, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        url = f"{self._base_url}/api/join/{self._token}/{verb}"
        async with http.post(url, json=body, headers={"X-CSRF-Token": csrf}) as response:
            response.raise_for_status()
            answer: dict[str, Any] = await response.json()
            return answer

    async def _attend(self, http: aiohttp.ClientSession, csrf: str) -> str:
        access = await self._post(http, csrf, "access", {})
        async with http.ws_connect(f"{self._base_url}/ws/{access['room_id']}") as socket:
            await socket.send_json({"type": "hello", "token": access["token"]})
            await socket.send_json({"type": "knock"})
            async with _heartbeat(socket):
                async for message in socket:
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        break
                    event = message.json()
                    if event["type"] == "bye":
                        return str(event["reason"])
                    if event["type"] == "state" and event["you"] == "admitted" and self._peer is None:
                        await self._publish(http, access)
                        await socket.send_json({"type": "devices", "microphone": True, "camera": True})
        raise aiohttp.ClientConnectionError("the websocket closed")

    async def _publish(self, http: aiohttp.ClientSession, access: dict[str, Any]) -> None:
        self._peer = peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        for track in self._tracks():
            peer.addTransceiver(track, direction="sendonly")
        if self._ice_addresses:
            bind_candidates(peer, self._ice_addresses, None)
        await peer.setLocalDescription(await peer.createOffer())
        async with http.post(
            f"{self._base_url}/whip/{access['room_id']}",
            data=peer.localDescription.sdp,
            headers={"Content-Type": "application/sdp", "Authorization": f"Bearer {access['token']}"},
        ) as response:
            response.raise_for_status()
            await peer.setRemoteDescription(RTCSessionDescription(sdp=await response.text(), type="answer"))

    def _tracks(self) -> list[MediaStreamTrack]:
        start_s = clock.monotonic_s()
        if self._video is not None:
            return file_tracks(self._video, start_s)
        story = Story()
        return [StoryMicrophone(story, start_s), StoryCamera(story, start_s)]

    async def _hang_up(self) -> None:
        if self._peer is not None:
            await self._peer.close()
            self._peer = None


@asynccontextmanager
async def _heartbeat(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[None]:
    async def beat() -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await socket.send_json({"type": "ping"})

    task = asyncio.create_task(beat(), name="heartbeat")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _trusting_own_machine() -> ssl.SSLContext:
    """Return a context that accepts the server's self-signed certificate: it never leaves this machine."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def main(arguments: list[str] | None = None) -> int:
    """Run the candidate until the interview ends."""
    parser = argparse.ArgumentParser(prog="python -m server.demo.candidate", description=__doc__)
    parser.add_argument("join_url")
    parser.add_argument("--video", type=Path, help="play this file in a loop instead of the synthetic candidate")
    parser.add_argument("--ice-address", action="append", default=[], help="local address to use for media")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="demo candidate: %(message)s")
    candidate = Candidate(options.join_url, video=options.video, ice_addresses=options.ice_address)
    logger.info("left: %s", asyncio.run(candidate.run()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
