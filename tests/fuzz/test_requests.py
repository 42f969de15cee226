"""Requests to the whole server: odd bodies, headers and queries get an answer below 500 and change nothing."""

import asyncio
import contextlib
import itertools

import pytest

from server.http import keys
from tests.fuzz.harness import Loop, fuzz
from tests.http.world import a_world

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def a_server(data_dir):
    """Run a server with two interviews; the other one must be as before in the end."""
    with Loop() as loop:
        running = a_world(data_dir)
        world = loop.run(running.__aenter__())
        other = world.other_interview.interview.id

        async def rows():
            stored = await world.stored(but=frozenset({"login_sessions", "users"}))
            return [row for table in stored.values() for row in table if other in row]

        before = loop.run(rows())
        assert before
        yield loop, world
        assert loop.run(rows()) == before
        status, _ = loop.run(world.operator.ask("GET", "/healthz"))
        assert status == 200
        loop.run(running.__aexit__(None, None, None))


def test_bodies(tmp_path):
    with a_server(tmp_path) as (loop, world):
        access = loop.run(world.interviewer_access())

        async def with_token():
            return world.browser(bearer=access["token"])

        publisher = loop.run(with_token())
        whip = f"/whip/{access['room_id']}"
        whep = f"/whep/{access['room_id']}/{world.interview.candidate.id}"
        form = "application/x-www-form-urlencoded"
        doors = itertools.cycle(
            [
                (world.anonymous, "POST", f"/api/join/{world.join_token}/consent", "application/json"),
                (publisher, "POST", whip, "application/sdp"),
                (publisher, "POST", whep, "application/sdp"),
                (publisher, "PATCH", f"{whip}/nothing", "application/trickle-ice-sdpfrag"),
                (world.operator, "POST", "/interviews/new", form),
                (world.operator, "POST", "/account", form),
                (world.anonymous, "POST", f"/join/{world.join_token}", form),
                (world.anonymous, "POST", "/login", form),
            ]
        )

        async def send(data):
            browser, method, path, content_type = next(doors)
            status, text = await browser.ask(method, path, data=data, headers={"Content-Type": content_type})
            assert status < 500, (method, path, status, text[:300])

        fuzz("body", lambda data: loop.run(send(data)), n=400, is_text=True)


def test_heads(tmp_path):
    """What stands where a token, a path or a query belongs, as raw bytes."""
    with a_server(tmp_path) as (loop, world):
        port = int(world.url.rpartition(":")[2])
        tap = f"/taps/{world.interview.interview.id}".encode()
        doors = itertools.cycle(
            [
                (b"GET /taps/x/audio?%b", b"Bearer %b"),
                (b"GET %b/estimates.ndjson?%%b" % tap, b"Bearer %b"),
                (b"GET %b/media.mkv?x=%%b" % tap, b"Basic %b"),
                (b"POST /whip/%b", b"Bearer %b"),
                (b"GET /join/%b", b"%b"),
                (b"GET /static/%b", b"%b"),
                (b"GET /login?next=%b", b"%b"),
                (b"%b /", b"%b"),
            ]
        )

        async def send(data):
            line, authorization = next(doors)
            path = bytes(byte for byte in data if byte not in b" \r\n")[:3000]
            value = bytes(byte for byte in data if byte not in b"\r\n\0")[:6000]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                b"%b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: %b\r\nContent-Length: 0\r\n\r\n"
                % (line % path, authorization % value)
            )
            async with asyncio.timeout(10):
                answer = await reader.read()
            writer.close()
            status = int(answer.split(b" ", 2)[1])
            assert status < 500, (line, status, answer[-300:])

        fuzz("token", lambda data: loop.run(send(data)), n=400)


def test_first_messages_of_a_websocket(tmp_path):
    with a_server(tmp_path) as (loop, world):
        room_id = loop.run(world.interviewer_access())["room_id"]

        async def send(data):
            async with world.anonymous.socket(room_id) as socket:
                await socket.send_str(data.decode(errors="replace"))
                message = await socket.receive(timeout=10)
                assert message.data is None or '"welcome"' not in str(message.data)
            assert world.app[keys.ROOMS].stats() is not None

        fuzz("page_message", lambda data: loop.run(send(data)), n=250, is_text=True)
