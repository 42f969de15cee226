"""Rubbish of every kind gets a clear 4xx and a log line without personal data, and the server goes on."""

import asyncio
import dataclasses
import json
import logging
import socket
from datetime import timedelta

import pytest
import pytest_asyncio

from server.db.interviews import update_interview
from server.http import keys
from server.http.body import MAX_BODY_BYTES
from server.ops.logs import without_details
from server.sessions.records import ConsentKind
from tests.http.world import PASSWORD, a_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

PERSONAL = ("Vicky", "vicky@example.org", "Olga", "olga@example.org", "Secret", PASSWORD, "127.0.0.1")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory):
    """One server for the tests that leave it as it was."""
    async with a_world(tmp_path_factory.mktemp("world")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def own_world(tmp_path):
    """A server of its own for a test that changes it."""
    async with a_world(tmp_path) as running:
        yield running


@pytest.fixture(autouse=True)
def log(caplog):
    """Collect what the server logs as ``serve`` configures it; every test checks it for personal data."""
    handler = logging.getLogger("aiohttp.server")
    handler.addFilter(without_details)
    caplog.set_level(logging.DEBUG, logger="server")
    yield caplog
    handler.removeFilter(without_details)
    text = "\n".join(record.getMessage() + (record.exc_text or "") for record in caplog.records)
    assert not [word for word in PERSONAL if word in text]


async def goes_on(world) -> None:
    status, body = await world.operator.ask("GET", "/healthz")
    assert status == 200
    assert json.loads(body)["status"] == "ok"


HUGE_NUMBER = b'{"answers": ' + b"1" * 5000 + b"}"
NOT_JSON_OBJECTS = [b"", b"{", b"null", b"[]", b"1", b'"x"', b"\xff\xfe", b"[" * 5000, HUGE_NUMBER]


@pytest.mark.parametrize("body", NOT_JSON_OBJECTS, ids=range(len(NOT_JSON_OBJECTS)))
async def test_json_calls_refuse_what_is_no_json_object(world, body):
    path = f"/api/join/{world.join_token}/consent"
    status, text = await world.anonymous.ask("POST", path, data=body, headers={"Content-Type": "application/json"})
    assert status == 400
    assert set(json.loads(text)) == {"error", "message"}
    await goes_on(world)


BAD_ANSWERS = [
    {},
    {"answers": "call"},
    {"answers": []},
    {"answers": [1]},
    {"answers": [{}]},
    {"answers": [{"kind": "soul", "granted": True, "text_version": "1"}]},
    {"answers": [{"kind": ["call"], "granted": True, "text_version": "1"}]},
    {"answers": [{"kind": "call", "granted": "yes", "text_version": "1"}]},
    {"answers": [{"kind": "call", "granted": True}]},
    {"answers": [{"kind": "call", "granted": True, "text_version": "x" * 41}]},
    {"answers": [{"kind": "call", "granted": False, "text_version": "\ud800"}]},
    {"answers": [{"kind": "call", "granted": False, "text_version": "\0"}]},
    {"answers": [{"kind": "call", "granted": True, "text_version": "1"}] * (len(ConsentKind) + 1)},
]


@pytest.mark.parametrize("body", BAD_ANSWERS, ids=range(len(BAD_ANSWERS)))
async def test_malformed_consents_are_refused_and_not_stored(world, body):
    before = await world.stored()
    status, answer = await world.anonymous.json("POST", f"/api/join/{world.join_token}/consent", body)
    assert status == 400, answer
    assert await world.stored() == before


async def test_a_yes_to_an_outdated_text_is_a_conflict(world):
    body = {"answers": [{"kind": "call", "granted": True, "text_version": "of last year"}]}
    status, answer = await world.anonymous.json("POST", f"/api/join/{world.join_token}/consent", body)
    assert status == 409
    assert "reload" in answer["message"]


async def test_wrong_content_types_are_415(world):
    path = f"/api/join/{world.join_token}/consent"
    status, _ = await world.anonymous.ask("POST", path, data=b"{}", headers={"Content-Type": "text/plain"})
    assert status == 415
    access = await world.interviewer_access()
    publisher = world.browser(bearer=access["token"])
    status, text = await publisher.ask("POST", f"/whip/{access['room_id']}", json={})
    assert status == 415
    assert json.loads(text)["error"] == "unsupported_media_type"


@pytest.mark.parametrize("sdp", ["", "v=0", "rubbish", "v=0\r\n" * 2000, "\x00" * 50])
async def test_malformed_sdp_is_a_4xx(world, sdp):
    access = await world.interviewer_access()
    publisher = world.browser(bearer=access["token"])
    for path in (f"/whip/{access['room_id']}", f"/whep/{access['room_id']}/{world.interview.candidate.id}"):
        status, text = await publisher.ask("POST", path, data=sdp.encode(), headers={"Content-Type": "application/sdp"})
        assert status in (400, 422), text
        assert json.loads(text)["message"]
    await goes_on(world)


async def test_oversized_bodies_are_413(world):
    big = b"x" * (MAX_BODY_BYTES + 1)
    access = await world.interviewer_access()
    publisher = world.browser(bearer=access["token"])
    for browser, path, content_type in (
        (world.anonymous, "/login", "application/x-www-form-urlencoded"),
        (world.anonymous, f"/api/join/{world.join_token}/consent", "application/json"),
        (world.operator, "/interviews/new", "application/x-www-form-urlencoded"),
        (publisher, f"/whip/{access['room_id']}", "application/sdp"),
    ):
        status, text = await browser.ask("POST", path, data=big, headers={"Content-Type": content_type})
        assert status == 413, f"{path}: {status} {text[:200]}"
    await goes_on(world)


BAD_FORMS = [
    (b"\xff\xfe%zz", "application/x-www-form-urlencoded; charset=utf-8"),
    (b"a=1", "application/x-www-form-urlencoded; charset=no-such-charset"),
    (b"rubbish", "multipart/form-data"),
    (b"rubbish", "multipart/form-data; boundary=xyz"),
    (b'--xyz\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n', "multipart/form-data; boundary=xyz"),
    (b"", "text/plain"),
]


@pytest.mark.parametrize(("body", "content_type"), BAD_FORMS, ids=range(len(BAD_FORMS)))
async def test_unreadable_forms_are_4xx_with_a_page(world, body, content_type):
    for csrf in ({}, {"X-CSRF-Token": await world.operator.csrf()}):
        headers = {"Content-Type": content_type, "X-CSRF-Token": "", **csrf}
        status, text = await world.operator.ask("POST", "/interviews/new", data=body, headers=headers)
        assert 400 <= status < 500, text
        assert "<h1" in text
    await goes_on(world)


FORM = "application/x-www-form-urlencoded"
ODD_BODIES = [
    (b"email=\\ud800&password=x", {"Content-Type": f"{FORM}; charset=unicode_escape"}, 415),
    (b"email=a&password=x", {"Content-Type": f"{FORM}; charset=punycode"}, 415),
    (b"not gzip", {"Content-Type": FORM, "Content-Encoding": "gzip"}, 415),
    (
        b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--",
        {"Content-Type": "multipart/form-data; boundary=x"},
        415,
    ),
    (b"&".join(b"a%d=1" % i for i in range(101)), {"Content-Type": FORM}, 400),
    (b"email=%00&password=%00", {"Content-Type": FORM}, 401),
    (b"email=%ff&password=%ed%a0%80", {"Content-Type": FORM}, 401),
]


@pytest.mark.parametrize(("body", "headers", "expected"), ODD_BODIES, ids=range(len(ODD_BODIES)))
async def test_odd_encodings_of_forms_are_refused(world, body, headers, expected):
    status, text = await world.anonymous.ask("POST", "/login", data=body, headers=headers)
    assert status == expected, text
    await goes_on(world)


async def test_a_body_that_does_not_come_is_not_waited_for_for_ever(world, monkeypatch):
    monkeypatch.setattr("server.http.body.BODY_TIMEOUT_S", 0.05)

    async def slowly():
        yield b"email="
        await asyncio.sleep(1)

    status, _ = await world.anonymous.ask("POST", "/login", data=slowly(), headers={"Content-Type": FORM})
    assert status == 408


async def test_bytes_that_are_no_text_in_headers_are_no_error_of_ours(world):
    port, csrf = int(world.url.rpartition(":")[2]), await world.anonymous.fresh_csrf()
    body = f"csrf={csrf}&email=vicky%40example.org&password={PASSWORD}".encode()
    cookie = next(item.value for item in world.anonymous.http.cookie_jar if item.key == "composure_form")
    head = f"POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: composure_form={cookie}\r\n"
    head += f"Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n"
    for header, expected in ((b"User-Agent: \xff\xfe", b"303"), (b"Origin: http://[", b"403")):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, family=socket.AF_INET)
        writer.write(head.encode() + header + b"\r\n\r\n" + body)
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert answer.split(b" ")[1] == expected, answer[:200]
        writer.close()


async def test_bad_credentials_of_every_kind(world):
    room = world.interview.interview.room_id
    for bearer in ("", "x", "a.b.c", world.join_token, world.tap_secret, "\u00e9"[:0] + "%00"):
        browser = world.browser(bearer=bearer)
        status, text = await browser.ask("POST", f"/whip/{room}", data=b"", headers={"Content-Type": "application/sdp"})
        assert status == 401, f"{bearer[:10]}: {status}"
        assert browser.last.headers["WWW-Authenticate"] == "Bearer"
    for path in ("/join/x", f"/join/{world.join_token}x", "/join/a.b.c", "/setup/x", "/invite/x"):
        status, text = await world.anonymous.ask("GET", path)
        assert status in (404, 410), f"{path}: {status}"
        assert "<h1" in text


async def test_an_expired_join_link_says_so(own_world):
    interview = own_world.interview.interview
    past = dataclasses.replace(interview, scheduled_at=interview.scheduled_at - timedelta(days=30))
    async with own_world.app[keys.DATABASE].write() as connection:
        await update_interview(connection, past)
    status, text = await own_world.anonymous.ask("GET", f"/join/{own_world.join_token}")
    assert status == 410
    assert "expired" in text


async def test_a_replaced_join_link_says_so(own_world):
    status, _ = await own_world.operator.ask("POST", f"/interviews/{own_world.interview.interview.id}/join-link")
    assert status == 303
    status, text = await own_world.anonymous.ask("GET", f"/join/{own_world.join_token}")
    assert status == 410
    assert "newer" in text


async def test_access_needs_the_consent_to_the_call(own_world):
    status, answer = await own_world.anonymous.json("POST", f"/api/join/{own_world.join_token}/access")
    assert status == 403
    assert "call" in answer["message"]
    await own_world.consent(ConsentKind.CALL)
    status, answer = await own_world.anonymous.json("POST", f"/api/join/{own_world.join_token}/access")
    assert status == 200
    assert set(answer) == {
        "token",
        "expires_in",
        "room_id",
        "participant_id",
        "role",
        "ice_servers",
        "video_kbps",
    }


async def test_strange_paths_are_404_or_400_never_500(world):
    for path in (
        "/nothing",
        "/static/../server/app.py",
        "/static/%2e%2e/%2e%2e/pyproject.toml",
        "/static/" + "x" * 5000,
        "/static/a%00b.css",
        "/interviews/%00",
        "/sessions/'; drop table users; --",
        "/interviews/" + "9" * 4000,
        "/join/" + "e" * 4000,
        "/%ff%fe",
        "/join/%ff%fe",
        "/setup/%ff%00",
        "/invite/%ed%a0%80",
        "/interviews/%ff",
    ):
        status, text = await world.operator.ask("GET", path)
        assert status in (400, 404, 410), f"{path[:40]}: {status}"
        assert "import" not in text
    status, _ = await world.operator.ask("PUT", "/interviews")
    assert status == 405
    await goes_on(world)


async def test_broken_http_is_answered_400_and_logged_without_what_it_said(world, log):
    port = int(world.url.rpartition(":")[2])
    bad_header = b"GET / HTTP/1.1\r\nHost: x\r\nBad header vicky@example.org\r\n\r\n"
    for raw in (bad_header, b"\x16\x03\x01\x02\x00vicky\r\n\r\n", b"GET\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, family=socket.AF_INET)
        writer.write(raw)
        await writer.drain()
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert b" 400 " in answer.split(b"\r\n")[0]
        writer.close()
    await goes_on(world)


async def test_bytes_that_are_no_text_in_credentials_are_refused(world):
    port = int(world.url.rpartition(":")[2])
    room, interview = world.interview.interview.room_id, world.interview.interview.id
    for request in (
        b"GET /interviews HTTP/1.1\r\nCookie: composure_session=\xff\xfe\xed\xa0\x80\r\n",
        b"POST /login HTTP/1.1\r\nX-CSRF-Token: \xff\xfe\r\nCookie: composure_form=\xff\xfe\r\n",
        f"POST /whip/{room} HTTP/1.1\r\n".encode() + b"Authorization: Bearer \xff\xfe\r\n",
        f"GET /taps/{interview}/media.mkv HTTP/1.1\r\n".encode() + b"Authorization: Bearer \xff\xfe\r\n",
        f"GET /taps/{interview}/media.mkv?access_token=%ff%fe HTTP/1.1\r\n".encode(),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, family=socket.AF_INET)
        writer.write(request + b"Host: localhost\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert answer.split(b" ")[1] in (b"303", b"400", b"401", b"403"), answer[:300]
        writer.close()


async def test_an_unexpected_error_is_a_500_that_tells_nothing_and_is_logged_once(world, log, monkeypatch):
    async def fails(*_):
        raise RuntimeError("no such thing as vicky@example.org")

    monkeypatch.setattr(world.app[keys.SCHEDULE], "list_for_interviewer", fails)
    status, text = await world.operator.ask("GET", "/interviews")
    assert status == 500
    assert "vicky" not in text
    errors = [record for record in log.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "RuntimeError" in errors[0].getMessage()
    await goes_on(world)


async def test_the_access_log_holds_no_secret(world, log):
    await world.anonymous.ask("GET", f"/join/{world.join_token}?name=Vicky")
    await world.anonymous.ask("GET", f"/taps/{world.interview.interview.id}/media.mkv?access_token=tap_secret")
    await world.anonymous.ask("GET", "/invite/very-secret-invitation")
    await world.anonymous.ask("GET", "/no/such/vicky@example.org")
    text = "\n".join(record.getMessage() for record in log.records)
    assert "GET /join/{token} 200" in text
    for secret in (world.join_token, "tap_secret", "very-secret", "vicky"):
        assert secret not in text


async def test_login_attempts_are_limited(own_world):
    csrf = await own_world.anonymous.csrf()
    for _ in range(40):
        form = {"email": "olga@example.org", "password": "wrong", "csrf": csrf}
        status, _ = await own_world.anonymous.ask("POST", "/login", data=form)
        if status == 429:
            assert int(own_world.anonymous.last.headers["Retry-After"]) > 0
            return
        assert status == 401
    pytest.fail("forty wrong passwords and no limit")
