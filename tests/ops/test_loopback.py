"""A call of the media plane with itself."""

import asyncio
import contextlib
import socket

import pytest

from server.clock import monotonic_s
from server.config import Config
from server.ops.loopback import call_ourselves, loopback_call
from server.rtc.plane import MediaPlane
from tests.fakes.rtc_peer import until


@contextlib.asynccontextmanager
async def plane(**settings):
    events = []
    config = Config.from_env({}, {"ice_addresses": "127.0.0.1", **settings})
    it = MediaPlane(config, clock=monotonic_s, on_publisher=events.append)
    it.events = events
    try:
        yield it
    finally:
        await it.close()


async def test_a_call_carries_sound_and_video_and_leaves_nothing_open():
    tasks = asyncio.all_tasks()
    async with plane() as it:
        result = await loopback_call(it)
        assert result.ok, result.reason
        assert result.reason == ""
        assert 0 < result.connected_s <= result.first_packet_s < 5.0
        assert it.stats().rooms == {}
        assert it.stats().total["publishers"] == it.stats().total["viewers"] == 0
    await until(lambda: not asyncio.all_tasks() - tasks, 3)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"host": "0.0.0.0"},
        {"ice_addresses": "::1"},
        {"ice_addresses": "127.0.0.1", "public_addresses": "203.0.113.7/127.0.0.1"},
        {"host": "0.0.0.0", "public_addresses": "203.0.113.7"},
        {"ice_servers": '[{"urls": "stun:127.0.0.1:9"}]', "server_uses_turn": "1"},
    ],
)
async def test_a_call_works_on_whatever_addresses_are_offered(settings):
    turn = {"turn_urls": "turn:127.0.0.1:9", "turn_secret": "a secret of twenty characters"}
    result = await call_ourselves(Config.from_env({}, {**turn, **settings}), timeout_s=5.0)
    assert result.ok, result.reason
    assert result.first_packet_s < 4.0, "nothing waits for servers that are silent"


async def test_a_plane_without_a_free_port_is_said():
    with contextlib.ExitStack() as stack:
        port = _take_two_ports(stack)
        async with plane(udp_ports=f"{port}-{port + 1}") as it:
            result = await loopback_call(it)
    assert not result.ok
    assert result.reason == "publishing failed: no UDP port is free for media"
    assert result.connected_s is None


async def test_sides_that_cannot_reach_each_other_end_at_the_limit():
    async with plane() as it:
        start_s = monotonic_s()
        result = await loopback_call(it, address="::1", timeout_s=1.0)
        assert monotonic_s() - start_s < 4.0
    assert not result.ok
    assert result.reason == "connecting took longer than 1 s"


async def test_an_address_that_is_not_ours_is_said():
    async with plane() as it:
        result = await loopback_call(it, address="192.0.2.1")
    assert not result.ok
    assert "192.0.2.1" in result.reason


async def test_a_plane_that_is_closed_is_said():
    async with plane() as it:
        await it.close()
        result = await loopback_call(it)
    assert "shutting down" in result.reason


async def test_a_plane_that_forwards_nothing_is_said(monkeypatch):
    monkeypatch.setattr("server.rtc.source.Source.on_packet", lambda *_: None, raising=True)
    async with plane() as it:
        result = await loopback_call(it, timeout_s=2.0)
    assert result.reason == "waiting for media took longer than 2 s"
    assert result.connected_s is not None


def _take_two_ports(stack):
    """Occupy two neighbouring UDP ports; return the first."""
    for port in range(20_000, 30_000, 2):
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2)]
        with contextlib.suppress(OSError):
            for n, it in enumerate(sockets):
                it.bind(("127.0.0.1", port + n))
            return port
    pytest.fail("no two neighbouring ports are free")
