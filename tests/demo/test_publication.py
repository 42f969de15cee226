"""The demo's candidate publishes again when its connection dies, however it dies."""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.demo import publication
from server.demo.candidate import Candidate
from server.demo.publication import LATER_AFTER_S, Publication, back_off_s
from server.demo.story import Story
from server.demo.tracks import StoryCamera
from server.http import keys
from server.rtc.plane import PublisherState
from tests.fakes.rtc_peer import unplug, until
from tests.http.call import enter, receive
from tests.http.world import a_world


class Attending:
    """A candidate in a call of a running server, in this process."""

    def __init__(self, world):
        self._world = world
        self._plane = world.app[keys.PLANE]
        self._room = world.interview.interview.room_id
        self._person = world.interview.candidate.id

    def entries(self):
        """Return the open publications by the id of their resource."""
        everything = self._plane._resources.items()
        return {name: entry for name, entry in everything if entry.owner.participant_id == self._person}

    def is_live(self):
        publication = self._plane.publication(self._room, self._person)
        return publication is not None and publication.state is PublisherState.LIVE

    async def close(self):
        """Give the connection up, as the server does when it has been silent for too long."""
        (name,) = self.entries()
        await self._plane.close_resource(name)


@asynccontextmanager
async def attending(tmp_path):
    async with a_world(tmp_path) as world:
        interviewer = await enter(world.operator, await world.interviewer_access())
        candidate = Candidate(f"{world.url}/join/{world.join_token}", ice_addresses=["127.0.0.1"])
        staying = asyncio.create_task(candidate.run(), name="candidate")
        try:
            await receive(interviewer, "knock")
            await interviewer.send_json({"type": "admit"})
            it = Attending(world)
            await until(it.is_live, 30)
            yield it
            await interviewer.send_json({"type": "end"})
            assert await asyncio.wait_for(staying, 10) == "ended"
        finally:
            staying.cancel()
            await asyncio.wait([staying])
            await interviewer.close()


@pytest.fixture
def peers(monkeypatch):
    """Collect the candidate's peer connections."""
    made, connected = [], Publication._connected

    @asynccontextmanager
    async def collecting(publication):
        async with connected(publication) as peer:
            made.append(peer)
            yield peer

    monkeypatch.setattr(Publication, "_connected", collecting)
    return made


@pytest.mark.slow
async def test_a_candidate_whose_connection_the_server_ended_publishes_again(tmp_path, peers):
    async with attending(tmp_path) as it:
        for n in (2, 3):
            await it.close()
            await until(lambda n=n: len(peers) == n and it.is_live(), 30)
        assert [peer.connectionState for peer in peers] == ["closed", "closed", "connected"]
        assert len(it.entries()) == 1


@pytest.mark.slow
async def test_a_candidate_who_cannot_see_that_the_connection_is_dead_is_told_by_the_room(tmp_path, peers, monkeypatch):
    monkeypatch.setattr(publication, "CONNECT_S", 2.0)
    async with attending(tmp_path) as it:
        unplug(peers[0])
        await it.close()
        await until(lambda: len(peers) == 2 and it.is_live(), 30)
        assert len(it.entries()) == 1


@asynccontextmanager
async def refusing(*answers):
    """A server that answers offers with these, the last one again and again; yields what was asked and how."""
    asked = []

    async def answer(request):
        asked.append(await request.text())
        status, headers = answers[min(len(asked), len(answers)) - 1]
        return web.Response(status=status, headers=headers)

    app = web.Application()
    app.router.add_post("/", answer)
    async with TestServer(app) as server, aiohttp.ClientSession(raise_for_status=True) as http:

        async def send_offer(offer):
            async with http.post(server.make_url("/"), data=offer) as response:
                return await response.text()

        yield Publication(send_offer, lambda: [StoryCamera(Story(), 0.0)], ice_addresses=["127.0.0.1"]), asked


@pytest.mark.parametrize(
    ("answers", "n_asked"),
    [
        ([(403, {})], 1),
        ([(401, {})], 2),
        ([(503, {"Retry-After": "0"}), (409, {}), (502, {}), (410, {})], 4),
    ],
)
async def test_a_publication_ends_with_a_refusal_for_good_and_not_before(answers, n_asked):
    async with refusing(*answers) as (publishing, asked), asyncio.timeout(20):
        await publishing.run()
    assert len(asked) == n_asked
    assert all(offer.startswith("v=0") for offer in asked)


def test_waits_grow_and_the_servers_own_wish_wins():
    waits = [back_off_s(n, lost_s=0, chance=0.5) for n in (1, 2, 3, 4, 50)]
    assert waits == pytest.approx([0.1, 0.5, 1, 2, 2])
    assert back_off_s(9, lost_s=LATER_AFTER_S + 1, chance=0.5) == pytest.approx(8)
    assert back_off_s(1, lost_s=0, chance=1.0) == pytest.approx(0.12)
    assert back_off_s(1, lost_s=0, retry_after="7", chance=0.0) == 7
    assert back_off_s(1, lost_s=0, retry_after="soon", chance=0.5) == pytest.approx(0.1)
