"""Time-limited TURN credentials: what is handed out, and what the real coturn makes of it."""

import asyncio
import base64
import hashlib
import hmac
import socket
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aioice import stun
from aioice.turn import create_turn_endpoint

from server.clock import monotonic_s, utc_now
from server.config import Config
from server.http import whip
from server.http.keys import CONFIG, PLANE, ROOMS
from server.rtc.plane import MediaPlane
from server.rtc.turn import ice_servers_for, own_ice_servers
from tests.fakes.coturn import SECRET, Coturn, Receiver
from tests.fakes.open_rooms import OpenRooms, let_in
from tests.fakes.rtc_peer import PublishingClient, WatchingClient, until

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
URLS = "turn:t.example.org:3478?transport=udp,turns:t.example.org"


def config(**settings):
    return Config.from_env({}, {"turn_urls": URLS, "turn_secret": SECRET, "ice_addresses": "127.0.0.1", **settings})


def test_credentials_are_what_coturn_computes():
    (server,) = ice_servers_for(config(), "participant", NOW)
    assert server.urls == ("turn:t.example.org:3478?transport=udp", "turns:t.example.org")
    expiry, _, name = server.username.partition(":")
    assert int(expiry) == int(NOW.timestamp()) + 600
    assert name
    digest = hmac.new(SECRET.encode(), server.username.encode(), hashlib.sha1).digest()
    assert server.credential == base64.b64encode(digest).decode()


def test_the_name_tells_participants_apart_and_nothing_about_them():
    names = [ice_servers_for(config(), who, NOW)[0].username.partition(":")[2] for who in ("ada", "sam", "ada")]
    assert names[0] == names[2] != names[1]
    assert not any("ada" in name or "sam" in name for name in names)
    other = ice_servers_for(config(turn_secret="another secret of operators"), "ada", NOW)
    assert other[0].username.partition(":")[2] != names[0]


def test_the_lifetime_is_a_setting():
    (server,) = ice_servers_for(config(turn_ttl_s="14400"), "participant", NOW)
    assert server.username.startswith(f"{int(NOW.timestamp()) + 14_400}:")


def test_fixed_servers_come_first_and_unchanged():
    both = config(ice_servers='[{"urls": "stun:s.example.org"}]')
    assert [server.urls[0][:5] for server in ice_servers_for(both, "p", NOW)] == ["stun:", "turn:"]
    fixed = Config.from_env({}, {"ice_servers": '[{"urls": "turn:t", "username": "u", "credential": "c"}]'})
    assert ice_servers_for(fixed, "p", NOW) == own_ice_servers(fixed, NOW) == fixed.ice_servers


def test_our_own_side_stays_off_turn_unless_told():
    assert own_ice_servers(config(), NOW) == ()
    (server,) = own_ice_servers(config(server_uses_turn="1"), NOW)
    assert server.username.startswith(str(int(NOW.timestamp()) + 600))


def test_neither_the_secret_nor_a_credential_is_shown():
    it = config()
    (server,) = ice_servers_for(it, "participant", NOW)
    assert SECRET not in repr(it)
    assert server.credential not in repr(server)


async def test_each_answer_of_whip_and_whep_carries_fresh_credentials():
    it = config()
    plane = MediaPlane(it, clock=monotonic_s, on_publisher=lambda event: None)
    app = web.Application(middlewares=[let_in])
    app[PLANE], app[CONFIG], app[ROOMS] = plane, it, OpenRooms()
    app.router.add_post("/whip/{room_id}", whip.publish)
    app.router.add_post("/whep/{room_id}/{participant_id}", whip.watch)
    candidate, interviewer = PublishingClient(), WatchingClient()
    before_s = int(utc_now().timestamp())
    async with TestClient(TestServer(app)) as http:
        links = []
        for path, client in (("/whip/room?who=sam", candidate), ("/whep/room/sam?who=ada", interviewer)):
            offer = await client.offer()
            response = await http.post(path, data=offer, headers={"Content-Type": "application/sdp"})
            assert response.status == 201
            links.append(response.headers.getall("Link"))
    await plane.close()
    await candidate.close()
    await interviewer.close()
    for who, values in zip(("sam", "ada"), links, strict=True):
        assert [value.split(">")[0] for value in values] == [f"<{url}" for url in URLS.split(",")]
        for value in values:
            username = value.split('username="')[1].split('"')[0]
            assert before_s + 600 <= int(username.split(":")[0]) <= before_s + 610
            expected = ice_servers_for(it, who, NOW)[0].username.split(":")[1]
            assert username.endswith(":" + expected)
            assert 'credential-type="password"' in value


# With the real coturn


@pytest.fixture
def coturn(tmp_path):
    with Coturn(tmp_path) as running:
        yield running


async def allocate(coturn, transport, server, receiver=None):
    return await create_turn_endpoint(
        lambda: receiver or Receiver(),
        server_addr=("127.0.0.1", coturn.port),
        username=server.username,
        password=server.credential,
        transport=transport,
    )


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_coturn_refuses_what_is_wrong_or_too_old(coturn, transport):
    good = ice_servers_for(config(), "sam", utc_now())[0]
    relay, _ = await allocate(coturn, transport, good)
    relay.close()
    old = ice_servers_for(config(), "sam", utc_now() - timedelta(seconds=601))[0]
    forged = ice_servers_for(config(turn_secret="a secret that is not coturn's"), "sam", utc_now())[0]
    for bad in (old, forged):
        with pytest.raises(stun.TransactionFailed, match="401"):
            await allocate(coturn, transport, bad)
    await until(lambda: good.username in coturn.users())


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_call_outlives_its_credentials(coturn, transport):
    """Refreshed and used for a new peer after the end; only a new allocation is refused."""
    short = ice_servers_for(config(), "sam", utc_now() - timedelta(seconds=598))[0]
    receiver = Receiver()
    relay, _ = await allocate(coturn, transport, short, receiver)
    await asyncio.sleep(int(short.username.split(":")[0]) + 1.1 - utc_now().timestamp())
    with pytest.raises(stun.TransactionFailed, match="401"):
        await allocate(coturn, transport, short)
    refresh = stun.Message(message_method=stun.Method.REFRESH, message_class=stun.Class.REQUEST)
    refresh.attributes["LIFETIME"] = 600
    # The transport has no public way to refresh at once.
    answer, _ = await relay._TurnTransport__inner_protocol.request_with_retry(refresh)
    assert answer.attributes["LIFETIME"] == 600
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.setblocking(False)
        relay.sendto(b"there", peer.getsockname())
        loop = asyncio.get_running_loop()
        data, relayed_from = await asyncio.wait_for(loop.sock_recvfrom(peer, 100), 5)
        assert data == b"there"
        await loop.sock_sendto(peer, b"and back", relayed_from)
        assert (await asyncio.wait_for(receiver.received.get(), 5))[0] == b"and back"
    relay.close()


async def test_our_own_side_allocates_only_when_told(coturn):
    for told, expected in (("0", False), ("1", True)):
        settings = {"turn_urls": coturn.url("udp"), "server_uses_turn": told}
        plane = MediaPlane(config(**settings), clock=monotonic_s, on_publisher=lambda event: None)
        client = PublishingClient()
        resource = await client.publish(plane)
        assert (" typ relay" in resource.answer_sdp) is expected
        assert bool(coturn.users()) is expected
        await plane.close()
        await client.close()
