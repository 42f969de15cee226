"""The candidate's media on the server, published anew whenever the connection dies, as ``link.js`` does for pages."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import aiohttp
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from server import clock
from server.rtc.aiortc_private import bind_candidates

logger = logging.getLogger(__name__)

CONNECT_S = 5.0
"""A connection by which nothing arrives at the server for so long is replaced."""
SLOW_CONNECT_S = 10.0
"""After three such failures the way is slow rather than broken: each gets longer."""
LATER_AFTER_S = 60.0
"""After so long attempts become rarer."""
_REFUSALS = (400, 403, 410, 415, 422)
"""Answers that are a no for good."""


def back_off_s(n_failures: int, *, lost_s: float, retry_after: str | None = None, chance: float) -> float:
    """Return how long to wait before the next attempt at something that failed; the same as ``backOffS`` of the pages.

    Args:
        n_failures: in a row, at least 1.
        lost_s: since when it has been lost.
        retry_after: the header of that name, seconds; it wins.
        chance: 0 to 1, so that not all come back at once.

    Returns:
        0.1, 0.5, 1, then 2 seconds, after a minute 2, 4, then 8, give or take a fifth.
    """
    if retry_after is not None and retry_after.isdigit():
        return min(max(float(retry_after), 0.2), 60.0)
    waits = (2.0, 4.0, 8.0) if lost_s > LATER_AFTER_S else (0.1, 0.5, 1.0, 2.0)
    return waits[min(max(n_failures, 1), len(waits)) - 1] * (0.8 + 0.4 * chance)


class Publication:
    """Keeps one person's media arriving.

    Args:
        send_offer: gets the answer to an offer; raises ``aiohttp.ClientResponseError`` for a refusal.
        make_tracks: makes the tracks of a new connection; runs in a thread.
        ice_addresses: local addresses to use; none leaves the choice to the system.
    """

    def __init__(
        self,
        send_offer: Callable[[str], Awaitable[str]],
        make_tracks: Callable[[], list[MediaStreamTrack]],
        *,
        ice_addresses: Sequence[str] = (),
    ) -> None:
        self._send_offer = send_offer
        self._make_tracks = make_tracks
        self._ice_addresses = ice_addresses
        self._news = asyncio.Event()
        self._is_arriving = False
        self._n_failures = 0
        self._lost_at_s = 0.0

    def told(self, is_arriving: bool) -> None:
        """Take the server's word on whether our media arrive: aiortc itself needs half a minute to see that not."""
        if is_arriving != self._is_arriving:
            self._is_arriving = is_arriving
            self._news.set()

    async def run(self) -> None:
        """Publish until cancelled; returns when the server refuses for good."""
        self._lost_at_s = clock.monotonic_s()
        n_unauthorised = 0
        while True:
            retry_after = None
            try:
                async with self._connected() as peer:
                    n_unauthorised = 0
                    await self._until_dead(peer)
            except aiohttp.ClientResponseError as exc:
                # A token that ran out is refused once; a second time with a fresh one is a no.
                n_unauthorised = n_unauthorised + 1 if exc.status == 401 else 0
                if exc.status in _REFUSALS or n_unauthorised > 1:
                    logger.warning("may not publish: %s %s", exc.status, exc.message)
                    return
                retry_after = exc.headers.get("Retry-After") if exc.headers else None
            except (aiohttp.ClientError, OSError) as exc:  # TimeoutError is one of the latter
                logger.info("no connection: %s", type(exc).__name__)
            self._n_failures += 1
            lost_s = clock.monotonic_s() - self._lost_at_s
            wait_s = back_off_s(self._n_failures, lost_s=lost_s, retry_after=retry_after, chance=random.random())
            logger.info("not publishing, trying again in %.1f s", wait_s)
            await asyncio.sleep(wait_s)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[RTCPeerConnection]:
        """Make an offer and take the answer; the connection may not be up yet."""
        tracks = await asyncio.to_thread(self._make_tracks)
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        try:
            for track in tracks:
                peer.addTransceiver(track, direction="sendonly")
            if self._ice_addresses:
                bind_candidates(peer, self._ice_addresses, None)
            peer.on("connectionstatechange", self._news.set)
            self._is_arriving = False
            await peer.setLocalDescription(await peer.createOffer())
            answer = await self._send_offer(peer.localDescription.sdp)
            await peer.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
            yield peer
        finally:
            await peer.close()

    async def _until_dead(self, peer: RTCPeerConnection) -> None:
        was_up = False
        while peer.connectionState not in ("failed", "closed"):
            self._news.clear()
            is_up = peer.connectionState == "connected" and self._is_arriving
            if is_up:
                self._n_failures = 0
            elif was_up:
                self._lost_at_s = clock.monotonic_s()
            was_up = is_up
            try:
                async with asyncio.timeout(None if is_up else CONNECT_S if self._n_failures < 3 else SLOW_CONNECT_S):
                    await self._news.wait()
            except TimeoutError:
                return
        if was_up:
            self._lost_at_s = clock.monotonic_s()
