"""WHIP and WHEP over HTTP, as RFC 9725 and its draft sister want them; authorisation is the access rule's, not ours."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.clock import monotonic_s
from server.config import Config
from server.http import whip
from server.http.keys import CONFIG, PLANE, ROOMS
from server.http.middleware import map_errors
from server.rtc.plane import MediaPlane
from tests.fakes.open_rooms import OpenRooms, let_in
from tests.fakes.rtc_peer import PublishingClient, WatchingClient, until

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
ICE_SERVERS = '[{"urls": ["turn:127.0.0.1:9?transport=tcp"], "username": "a\\"b", "credential": "c"}]'


@pytest.fixture
async def http():
    # The TURN server has a transport that aioice passes over, so that none is contacted.
    config = Config.from_env({}, {"ice_addresses": "127.0.0.1", "ice_servers": ICE_SERVERS})
    plane = MediaPlane(config, clock=monotonic_s, on_publisher=lambda event: None)
    app = web.Application(middlewares=[map_errors, let_in])
    app[PLANE], app[CONFIG], app[ROOMS] = plane, config, OpenRooms()
    app.router.add_post("/whip/{room_id}", whip.publish)
    app.router.add_route("OPTIONS", "/whip/{room_id}", whip.options)
    app.router.add_patch("/whip/{room_id}/{resource}", whip.trickle)
    app.router.add_delete("/whip/{room_id}/{resource}", whip.delete)
    app.router.add_post("/whep/{room_id}/{participant_id}", whip.watch)
    app.router.add_patch("/whep/{room_id}/{participant_id}/{resource}", whip.trickle)
    app.router.add_delete("/whep/{room_id}/{participant_id}/{resource}", whip.delete)
    async with TestClient(TestServer(app)) as client:
        client.plane = plane
        yield client
    await plane.close()


@pytest.fixture
async def candidate():
    client = PublishingClient()
    yield client
    await client.close()


async def test_publish_watch_and_end(http, candidate):
    created = await http.post("/whip/room", data=await candidate.offer(), headers=SDP)
    assert created.status == 201
    assert created.headers["Content-Type"] == "application/sdp"
    location = created.headers["Location"]
    assert location.startswith("/whip/room/")
    assert len(location) > 40
    assert created.headers["ETag"].startswith('"')
    assert created.headers.getall("Link") == [
        '<turn:127.0.0.1:9?transport=tcp>; rel="ice-server"; username="a\\"b"; credential="c"; '
        'credential-type="password"'
    ]
    await candidate.accept(await created.text())
    viewer = WatchingClient()
    watched = await http.post(
        "/whep/room/candidate",
        data=await viewer.offer(),
        headers=SDP | {"X-Who": "interviewer", "Accept": "application/sdp"},
    )
    assert watched.status == 201
    assert watched.headers["Location"].startswith("/whep/room/candidate/")
    await viewer.accept(await watched.text())
    await until(lambda: viewer.video.packets and viewer.audio.packets)
    assert (await http.delete(watched.headers["Location"])).status == 404, "it is the interviewer's"
    ended = await http.delete(watched.headers["Location"], headers={"X-Who": "interviewer"})
    assert ended.status == 200
    assert (await http.delete(watched.headers["Location"], headers={"X-Who": "interviewer"})).status == 404
    assert (await http.delete(location, headers={"If-Match": '"other"'})).status == 200
    assert http.plane.stats().total["publishers"] == 0
    await viewer.close()


async def test_trickle(http, candidate):
    offer = await candidate.offer()
    created = await http.post("/whip/room", data=offer, headers=SDP)
    location, etag = created.headers["Location"], created.headers["ETag"]
    ufrag = next(line for line in offer.splitlines() if line.startswith("a=ice-ufrag"))
    candidate_line = next(line for line in offer.splitlines() if line.startswith("a=candidate"))
    body = f"{ufrag}\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n{candidate_line}\r\na=end-of-candidates\r\n"

    async def patch(body=body, **headers):
        return await http.patch(location, data=body, headers=FRAGMENT | headers)

    accepted = await patch(**{"If-Match": etag})
    assert accepted.status == 204
    assert await accepted.text() == ""
    assert (await patch(**{"If-Match": '"another"'})).status == 412
    assert (await patch(**{"X-Who": "stranger"})).status == 404
    assert (await patch(**{"Content-Type": "application/sdp"})).status == 415
    assert (await patch(body="no fragment")).status == 400
    restart = await patch(body="a=ice-ufrag:else\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n", **{"If-Match": "*"})
    assert restart.status == 422
    assert "ICE restart" in (await restart.json())["message"]
    assert (await http.patch("/whip/room/unknown", data=body, headers=FRAGMENT)).status == 404


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param("v=0", {"Content-Type": "text/plain"}, 415, id="wrong content type"),
        pytest.param("hello", SDP, 400, id="no SDP"),
        pytest.param(b"v=0\xff\xfe", SDP, 400, id="no UTF-8"),
        pytest.param("v=0\r\ns=-\r\n", SDP, 422, id="SDP without media"),
        pytest.param("v=0\r\n" + "a=x\r\n" * 20_000, SDP, 413, id="too large"),
        pytest.param("v=0", SDP | {"Accept": "text/html"}, 406, id="wants another answer"),
    ],
)
async def test_bad_offers(http, body, headers, status):
    response = await http.post("/whip/room", data=body, headers=headers)
    assert response.status == status
    assert (await response.json())["message"]
    watched = await http.post("/whep/room/candidate", data=body, headers=headers)
    assert watched.status == status


async def test_an_endless_body_without_a_length_is_cut_off(http):
    async def endless():
        for _ in range(100):
            yield b"v=0\r\n" * 1000

    response = await http.post("/whip/room", data=endless(), headers=SDP)
    assert response.status == 413


async def test_wrong_methods_name_the_right_ones(http):
    response = await http.get("/whip/room")
    assert response.status == 405
    assert set(response.headers["Allow"].split(",")) == {"POST", "OPTIONS"}
    assert (await http.post("/whip/room/resource", data="", headers=SDP)).status == 405
    options = await http.options("/whip/room")
    assert options.status == 204
    assert options.headers["Accept-Post"] == "application/sdp"


async def test_watching_too_early_says_when_to_come_again(http):
    viewer = WatchingClient()
    response = await http.post("/whep/room/candidate", data=await viewer.offer(), headers=SDP)
    assert response.status == 409
    assert response.headers["Retry-After"] == "1"
    await viewer.close()


async def test_a_wrong_codec_is_refused_and_the_server_goes_on(http, candidate):
    offer = await candidate.offer()
    only_av1 = offer.replace("VP8/90000", "AV1/90000").replace("H264/90000", "VP9/90000")
    refused = await http.post("/whip/room", data=only_av1, headers=SDP)
    assert refused.status == 422
    assert "VP8 or H.264" in (await refused.json())["message"]
    assert (await http.post("/whip/room", data=offer, headers=SDP)).status == 201
