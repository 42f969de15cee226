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
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import numpy as np
import numpy.typing as npt
from aiortc import MediaStreamTrack

from server import clock
from server.demo.playback import file_tracks
from server.demo.publication import Publication
from server.demo.story import Story
from server.demo.tracks import StoryCamera, StoryMicrophone, microphone_samples
from server.protocol import HEARTBEAT_S

logger = logging.getLogger(__name__)

_RETRY_S = 2.0
_ANSWER_S = 8.0
_FULL_OR_STOPPING = (429, 503)
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
        self._story = Story()
        self._samples: npt.NDArray[np.int16] | None = None

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
                except (aiohttp.ClientConnectionError, aiohttp.ClientResponseError, TimeoutError) as exc:
                    if isinstance(exc, aiohttp.ClientResponseError) and exc.status not in _FULL_OR_STOPPING:
                        raise
                    logger.info("connection lost, trying again: %s", type(exc).__name__)
                    await asyncio.sleep(_RETRY_S)

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
        publication = Publication(
            lambda offer: self._exchange(http, csrf, offer), self._tracks, ice_addresses=self._ice_addresses
        )
        async with http.ws_connect(f"{self._base_url}/ws/{access['room_id']}") as socket, _tasks() as tasks:
            await socket.send_json({"type": "hello", "token": access["token"]})
            await socket.send_json({"type": "knock"})
            tasks["heartbeat"] = asyncio.create_task(_beat(socket), name="heartbeat")
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                event = message.json()
                if event["type"] == "bye":
                    return str(event["reason"])
                if event["type"] != "state":
                    continue
                publication.told(
                    any(who["publishing"] for who in event["participants"] if who["id"] == access["participant_id"])
                )
                if event["you"] == "admitted" and "publication" not in tasks:
                    tasks["publication"] = asyncio.create_task(publication.run(), name="publication")
                    await socket.send_json({"type": "devices", "microphone": True, "camera": True})
        raise aiohttp.ClientConnectionError("the websocket closed")

    async def _exchange(self, http: aiohttp.ClientSession, csrf: str, offer_sdp: str) -> str:
        """Publish by WHIP; an access token of its own, for the one before may have run out."""
        async with asyncio.timeout(_ANSWER_S):
            access = await self._post(http, csrf, "access", {})
            async with http.post(
                f"{self._base_url}/whip/{access['room_id']}",
                data=offer_sdp,
                headers={"Content-Type": "application/sdp", "Authorization": f"Bearer {access['token']}"},
            ) as response:
                response.raise_for_status()
                return await response.text()

    def _tracks(self) -> list[MediaStreamTrack]:
        if self._video is not None:
            return file_tracks(self._video, clock.monotonic_s())
        if self._samples is None:
            self._samples = microphone_samples(self._story)
        start_s = clock.monotonic_s()
        return [StoryMicrophone(self._samples, start_s), StoryCamera(self._story, start_s)]


@asynccontextmanager
async def _tasks() -> AsyncIterator[dict[str, asyncio.Task[None]]]:
    """Cancel at the end whatever was put in, and wait for it."""
    running: dict[str, asyncio.Task[None]] = {}
    try:
        yield running
    finally:
        for task in running.values():
            task.cancel()
        if running:
            await asyncio.wait(running.values())


async def _beat(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Show that we are there until the socket is closed."""
    with suppress(aiohttp.ClientConnectionError):
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await socket.send_json({"type": "ping"})


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
