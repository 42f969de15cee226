"""Peers that fall silent, with real clients in processes of their own that are frozen."""

import asyncio
import contextlib
import logging
import time

import pytest

from server.errors import NotFound
from server.rtc.plane import PublisherState
from tests.fakes.plane_bench import bench
from tests.fakes.rtc_peer import until
from tests.fakes.rtc_process import ClientProcess

_log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def processes(it, *modes):
    """Clients that publish or watch, each in its own process, connected."""
    clients = []
    try:
        for mode in modes:
            client = await ClientProcess.start(mode)
            clients.append(client)
            if mode == "publish":
                resource = await it.plane.publish("room", "candidate", client.offer)
            else:
                resource = await it.plane.watch("room", "candidate", f"viewer{len(clients)}", client.offer)
            client.accept(resource.answer_sdp)
            client.resource_id = resource.id
            if mode == "publish":
                await it.live()
            await until(lambda: all(entry.peer.connection.is_up for entry in it.plane._resources.values()))
        yield clients
    finally:
        for client in clients:
            await client.kill()


def is_open(plane, client):
    try:
        plane.owner(client.resource_id)
    except NotFound:
        return False
    return True


@pytest.mark.slow
async def test_frozen_peers_are_interrupted_within_5_s_and_lost_within_15_s():
    async with bench() as it, processes(it, "publish", "watch") as (candidate, viewer):
        start_s = time.monotonic()
        candidate.freeze()
        viewer.freeze()
        await until(lambda: it.events[-1].state is PublisherState.INTERRUPTED)
        interrupted_s = time.monotonic() - start_s
        assert is_open(it.plane, candidate)
        await until(lambda: not is_open(it.plane, candidate), 20)
        publisher_lost_s = time.monotonic() - start_s
        await until(lambda: not is_open(it.plane, viewer), 20)
        viewer_lost_s = time.monotonic() - start_s
        _log.info(
            "interrupted %.2f s, publisher lost %.2f s, viewer lost %.2f s",
            interrupted_s,
            publisher_lost_s,
            viewer_lost_s,
        )
        assert interrupted_s <= 5.0
        assert 10.0 < publisher_lost_s <= 15.0
        assert 10.0 < viewer_lost_s <= 15.0
        assert it.states() == ["connecting", "live", "interrupted"]
        assert it.plane.stats().total["connections_lost"] == 2


@pytest.mark.slow
async def test_who_thaws_in_time_goes_on_by_the_same_connection():
    async with bench() as it, processes(it, "publish") as (candidate,):
        candidate.freeze()
        await until(lambda: it.events[-1].state is PublisherState.INTERRUPTED)
        candidate.thaw()
        await it.live()
        assert is_open(it.plane, candidate)
        assert it.plane.stats().total["connections_lost"] == 0


@pytest.mark.slow
async def test_stalls_of_our_own_are_nobodys_silence():
    async with bench() as it, processes(it, "publish", "watch") as clients:
        for _ in range(4):
            time.sleep(3.0)  # noqa: ASYNC251 - the stall that is tested
            await asyncio.sleep(0.3)
        assert all(is_open(it.plane, client) for client in clients)
        assert it.states() == ["connecting", "live"]


@pytest.mark.slow
async def test_a_candidate_with_camera_and_microphone_off_is_not_interrupted():
    async with bench() as it:
        candidate = await it.publisher()
        await it.live()
        candidate.video.is_paused = candidate.audio.is_paused = True
        connection = it.plane._resources[candidate.resource.id].peer.connection
        n_in = it.plane.stats().total["packets_in"]
        for _ in range(60):
            await asyncio.sleep(0.1)
            assert connection.silent_s < 4.0
        assert it.plane.stats().total["packets_in"] < n_in + 5
        assert it.states() == ["connecting", "live"]
        assert connection.route() == "host/udp"
        assert 0 < connection.rtt_s < 0.2
        assert time.monotonic() - connection.heard_s < 3.0
