"""Each switch breaks what it says it breaks, and no production server has one."""

import ast
import asyncio
import re
import time
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.app import make_app
from server.config import Config
from server.http import keys
from server.http.routes import ROUTES
from server.sessions.records import ConsentKind
from tests.fakes.priority import ahead_of_others
from tests.fakes.rtc_peer import until
from tests.faults.switches import Switches
from tests.http.call import a_call, enter, state
from tests.http.world import a_world

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60
"""Of waits whose length is not what is tested; a busy machine is slow."""


@asynccontextmanager
async def a_faulty_world(tmp_path):
    """Yields the world and a function that sets a switch."""
    made = []
    async with (
        a_world(tmp_path, prepare=lambda app: made.append(Switches(app))) as world,
        TestServer(made[0].control()) as control,
        aiohttp.ClientSession() as http,
    ):

        async def switch(name, **body):
            async with http.post(control.make_url(f"/{name}"), json=body) as response:
                assert response.status == 200
                return await response.json()

        yield world, switch


async def test_signalling_is_dropped_and_refused_for_a_while(tmp_path):
    async with a_faulty_world(tmp_path) as (world, switch):
        access = await world.interviewer_access()
        socket = await enter(world.operator, access)
        assert await switch("signalling", refuse_s=1) == {"dropped": 1}
        async with asyncio.timeout(5):
            while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        assert socket.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await enter(world.operator, access)
        assert refused.value.status == 503
        async with asyncio.timeout(5):
            while True:
                try:
                    await (await enter(world.operator, access)).close()
                except aiohttp.WSServerHandshakeError:
                    await asyncio.sleep(0.2)
                else:
                    break


async def test_a_killed_publication_dies_without_a_goodbye(tmp_path):
    async with a_faulty_world(tmp_path) as (world, switch), a_call(world) as call:
        candidate = call.candidate_access["participant_id"]
        assert await switch("media", participant_id="nobody") == {"connections": 0}
        assert await switch("media", participant_id=candidate, direction="watch") == {"connections": 0}
        began_s = time.monotonic()
        assert await switch("media", participant_id=candidate) == {"connections": 1}
        await state(call.interviewer, lambda event: not any(person["publishing"] for person in event["participants"]))
        assert time.monotonic() - began_s > 1, "the server had to notice the silence by itself"
        assert call.publication.peer.connectionState == "connected", "and the sender was not told"


async def test_packets_are_lost_by_share_and_direction(tmp_path):
    async with a_faulty_world(tmp_path) as (world, switch), a_call(world) as call, call.watching() as viewer:
        packets_in = lambda: world.app[keys.PLANE].stats().total["packets_in"]  # noqa: E731
        assert await switch("media", direction="publish", up=0.5, down=0) == {"connections": 1}
        n_sent, n_in = len(call.publication.video.sent), packets_in()
        await asyncio.sleep(2)
        assert packets_in() > n_in, "some come through"
        assert world.app[keys.PLANE].stats().total["packets_asked_again"] > 10
        assert len(call.publication.video.sent) > n_sent
        await switch("media", direction="publish", up=0, down=0)
        await switch("media", direction="watch", up=0, down=1)
        await asyncio.sleep(0.3)
        n_seen = len(viewer.video.packets)
        await asyncio.sleep(0.5)
        assert len(viewer.video.packets) == n_seen


async def test_the_loop_is_blocked(tmp_path):
    async with a_faulty_world(tmp_path) as (_, switch):
        # This test lives on the loop that is blocked: what it awaits is late.
        lateness = asyncio.create_task(_longest_lateness_s(1.0))
        await switch("loop", block_s=0.4)
        assert await lateness > 0.3


async def _longest_lateness_s(during_s: float) -> float:
    longest_s, end_s = 0.0, time.monotonic() + during_s
    while (began_s := time.monotonic()) < end_s:
        await asyncio.sleep(0.01)
        longest_s = max(longest_s, time.monotonic() - began_s - 0.01)
    return longest_s


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_workers_freeze_and_thaw(tmp_path):
    # Ahead of others: on a busy machine the pool would take a worker that gets no processor for frozen.
    with ahead_of_others():
        async with a_faulty_world(tmp_path) as (world, switch):
            await world.consent(ConsentKind.CALL, ConsentKind.ANALYSIS)
            await world.app[keys.POOL].warm()
            await until(world.app[keys.POOL].worker_pids, LIMIT_S)
            (pid,) = (await switch("workers", frozen=True))["pids"]
            await until(lambda: _state_of(pid) == "T", LIMIT_S)
            await switch("workers", frozen=False)
            await until(lambda: _state_of(pid) != "T", LIMIT_S)


def _state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]


def test_the_production_server_has_no_switch(tmp_path):
    """Its routes are those of the table, which knows none; nothing in it imports from the tests."""
    app = make_app(Config.from_env({}, {"data_dir": str(tmp_path)}))
    paths = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    listed = {(route.method, re.sub(r":[^}]+}", "}", route.path)) for route in ROUTES}
    assert {pair for pair in paths if pair[0] != "HEAD"} == listed
    control = Switches(web.Application()).control()
    switched = {route.resource.canonical for route in control.router.routes() if route.resource}
    assert not switched & {path for _, path in listed}
    for file in [*ROOT.glob("server/**/*.py"), *ROOT.glob("pipeline/**/*.py"), *ROOT.glob("models/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "tests" for name in names), file
