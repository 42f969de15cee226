"""A real call in a running server: a candidate who publishes, an interviewer in the room."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from server.sessions.records import ConsentKind
from tests.fakes.rtc_peer import PublishingClient, WatchingClient
from tests.http.world import Browser, World

WAIT_S = 20.0
SDP = {"Content-Type": "application/sdp"}


@dataclass(slots=True, kw_only=True)
class Call:
    """Everybody's sockets, tokens and the candidate's publication."""

    world: World
    candidate: aiohttp.ClientWebSocketResponse
    interviewer: aiohttp.ClientWebSocketResponse
    candidate_access: dict[str, Any]
    interviewer_access: dict[str, Any]
    publication: PublishingClient

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[WatchingClient]:
        """Watch the candidate as the interviewer does."""
        access, client = self.interviewer_access, WatchingClient()
        path = f"/whep/{access['room_id']}/{self.candidate_access['participant_id']}"
        await client.accept(await exchange(self.world.browser(bearer=access["token"]), path, await client.offer()))
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def a_call(world: World, *kinds: ConsentKind, codec: str = "VP8") -> AsyncIterator[Call]:
    """Bring a candidate with these consents, beside the one to the call, into a running call."""
    client = PublishingClient(codec=codec)  # first: encoding its clip takes a while, and pages must not fall silent
    await world.consent(ConsentKind.CALL, *kinds)
    candidate_access, interviewer_access = await world.candidate_access(), await world.interviewer_access()
    candidate = await enter(world.anonymous, candidate_access)
    interviewer = await enter(world.operator, interviewer_access)
    await candidate.send_json({"type": "knock"})
    await receive(interviewer, "knock")
    await interviewer.send_json({"type": "admit"})
    await state(candidate, lambda event: event["you"] == "admitted")
    sender = world.browser(bearer=candidate_access["token"])
    try:
        await client.accept(await exchange(sender, f"/whip/{candidate_access['room_id']}", await client.offer()))
        await state(interviewer, lambda event: any(person["publishing"] for person in event["participants"]))
        yield Call(
            world=world,
            candidate=candidate,
            interviewer=interviewer,
            candidate_access=candidate_access,
            interviewer_access=interviewer_access,
            publication=client,
        )
    finally:
        await client.close()
        await candidate.close()
        await interviewer.close()


async def exchange(browser: Browser, path: str, offer: str) -> str:
    """Post an offer, return the answer."""
    status, answer = await browser.ask("POST", path, data=offer.encode(), headers=SDP)
    assert status == 201, answer
    return answer


async def enter(browser: Browser, access: dict[str, Any]) -> aiohttp.ClientWebSocketResponse:
    """Open the room's websocket and say hello."""
    socket = await browser.socket(access["room_id"])
    await socket.send_json({"type": "hello", "token": access["token"]})
    assert (await receive(socket))["type"] == "welcome"
    return socket


async def receive(socket: aiohttp.ClientWebSocketResponse, *types: str, timeout_s: float = WAIT_S) -> dict[str, Any]:
    """Return the next event of one of these types, skipping others."""
    async with asyncio.timeout(timeout_s):
        while True:
            message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise ConnectionError(f"closed with {message.data or socket.close_code}")
            event = json.loads(message.data)
            if not types or event["type"] in types:
                return event


async def state(socket: aiohttp.ClientWebSocketResponse, holds: Any) -> dict[str, Any]:
    """Return the first state of the room for which something holds."""
    async with asyncio.timeout(WAIT_S):
        while not holds(event := await receive(socket, "state")):
            pass
        return event


async def closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """Read on until the server closes; return the code."""
    async with asyncio.timeout(WAIT_S):
        while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
    return socket.close_code
