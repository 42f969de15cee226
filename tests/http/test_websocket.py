import asyncio
import json

import aiohttp
import pytest
import pytest_asyncio

from server.http import keys, websocket
from server.protocol import CLIENT_EVENTS, MAX_MESSAGE_BYTES, SERVER_EVENTS, Role
from server.sessions.principals import Grant
from server.sessions.records import ConsentKind
from tests.http.call import WAIT_S, a_call, closed, enter, receive
from tests.http.world import a_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_hello_is_answered_by_welcome_state_and_history(world):
    access = await world.interviewer_access()
    async with await enter(world.operator, access) as socket:
        state = await receive(socket, "state")
        assert state["status"] == "scheduled"
        history = await receive(socket, "history")
        assert [question["text"] for question in history["questions"]] == ["Secret question"]
        await socket.send_json({"type": "ping"})
        assert await receive(socket, "pong") == {"type": "pong"}


async def test_a_handshake_without_a_good_token_gets_an_error_and_nothing_else(world):
    room_id = world.interview.interview.room_id
    other = await world.outsider_access()
    tokens, details = world.app[keys.TOKENS], world.interview
    no_grant = tokens.access_token(details.candidate, details.interview, (Grant.WATCH,))
    for first in (
        {"type": "hello", "token": "rubbish"},
        {"type": "hello", "token": other["token"]},
        {"type": "hello", "token": no_grant},
        {"type": "hello", "token": world.join_token},
        {"type": "hello", "token": "\ud800"},
        {"type": "hello", "token": "x", "since_s": 10**400},
        {"type": "hello"},
        {"type": "ping"},
        ["hello"],
    ):
        async with world.anonymous.socket(room_id) as socket:
            await socket.send_json(first)
            answer = await receive(socket)
            assert answer["type"] == "error", first
            assert "Secret" not in json.dumps(answer)
            assert await closed(socket) == 1008


async def test_a_socket_that_says_nothing_is_closed(world, monkeypatch):
    monkeypatch.setattr(websocket, "HELLO_TIMEOUT_S", 0.05)
    async with world.anonymous.socket(world.interview.interview.room_id) as socket:
        assert (await receive(socket))["type"] == "error"
        assert await closed(socket) == 1008


async def test_only_so_many_may_connect_without_saying_who_they_are(world, monkeypatch):
    monkeypatch.setattr(websocket, "MAX_STRANGERS", 2)
    room = world.interview.interview.room_id
    async with world.anonymous.socket(room) as first, world.anonymous.socket(room):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await world.anonymous.socket(room)
        assert refused.value.status == 503
        await first.send_json({"type": "hello", "token": (await world.interviewer_access())["token"]})
        await receive(first, "welcome")  # no stranger any more
        async with world.anonymous.socket(room):
            pass


async def test_a_page_that_falls_silent_is_gone(world, monkeypatch):
    monkeypatch.setattr(websocket, "HEARTBEAT_TIMEOUT_S", 0.05)
    async with await enter(world.operator, await world.interviewer_access()) as socket:
        await closed(socket)


async def test_another_site_cannot_open_the_socket(world):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await world.operator.socket(world.interview.interview.room_id, headers={"Origin": "https://evil.example"})
    assert refused.value.status == 403


async def test_a_plain_request_is_told_to_speak_websocket(world):
    status, body = await world.operator.ask("GET", f"/ws/{world.interview.interview.room_id}")
    assert status == 400
    assert json.loads(body)["error"] == "bad_request"


MALFORMED = [
    "not json",
    "{",
    "[]",
    "null",
    "1",
    '"text"',
    "{}",
    '{"type": 5}',
    '{"type": "no such event"}',
    '{"type": "marker"}',
    '{"type": "marker", "kind": "no such kind"}',
    '{"type": "marker", "kind": "moment", "t_s": NaN}',
    '{"type": "marker", "kind": "moment", "t_s": 1e999}',
    '{"type": "marker", "kind": "moment", "t_s": "now"}',
    '{"type": "marker", "kind": "moment", "extra": 1}',
    '{"type": "note", "text": ' + json.dumps("x" * 4001) + "}",
    '{"type": "note", "text": ["a"]}',
    '{"type": "devices", "microphone": 1, "camera": true}',
    '{"type": "note", "text": "half a pair: \\ud800"}',
    '{"type": "note", "text": "zero: \\u0000"}',
    '{"type": "note", "text": "when?", "t_s": 1' + "0" * 400 + "}",
    '{"type": "devices", "microphone": true, "camera": true, "settings": {"a": [1]}}',
    '{"type": "devices", "microphone": true, "camera": true, "settings": {"a": 1e999}}',
    '{"type": "devices", "microphone": true, "camera": true, "settings": {"a": 1' + "0" * 400 + "}}",
    '{"type": "devices", "microphone": true, "camera": true, "settings": {"a": "\\ud800"}}',
    '{"type": "devices", "microphone": true, "camera": true, "settings": {"a": "' + "x" * 201 + '"}}',
    '{"type": "hello", "token": "again"}',
    "[" * 3000 + "]" * 3000,
]


@pytest.mark.parametrize("message", MALFORMED, ids=range(len(MALFORMED)))
async def test_a_bad_message_is_answered_by_an_error_and_the_connection_lives(world, message):
    async with await enter(world.operator, await world.interviewer_access()) as socket:
        await socket.send_str(message)
        error = await receive(socket, "error")
        assert error["message"]
        assert error["code"] == "bad_request"
        await socket.send_json({"type": "ping"})
        await receive(socket, "pong")


async def test_binary_messages_are_refused_politely(world):
    async with await enter(world.operator, await world.interviewer_access()) as socket:
        await socket.send_bytes(b"\x00\x01")
        assert (await receive(socket, "error"))["code"] == "bad_request"


async def test_a_message_over_the_limit_closes_the_connection(world):
    async with await enter(world.operator, await world.interviewer_access()) as socket:
        await socket.send_str(json.dumps({"type": "note", "text": "x" * (MAX_MESSAGE_BYTES + 1)}))
        assert await closed(socket) == 1009


async def test_a_flood_is_refused_then_disconnected_and_the_server_goes_on(world):
    async with await enter(world.operator, await world.interviewer_access()) as socket:
        for _ in range(websocket.BURST + websocket.MAX_STRIKES + 40):
            await socket.send_str('{"type": "ping"}')
        assert await closed(socket) == 1008
    async with await enter(world.operator, await world.interviewer_access()) as socket:
        await receive(socket, "state")


async def test_a_second_connection_of_the_same_person_replaces_the_first(world):
    access = await world.interviewer_access()
    async with await enter(world.operator, access) as first, await enter(world.operator, access):
        assert (await receive(first, "bye"))["reason"] == "replaced"
        await closed(first)


def a_message(name: str) -> dict[str, object]:
    """Return a well-formed message of a type."""
    values = {str: "x", float: 1.0, bool: True, dict: {}}
    fields = CLIENT_EVENTS[name].fields.items()
    return {"type": name, **{field: rule.choices[0] if rule.choices else values[rule.type] for field, rule in fields}}


FORBIDDEN = [(role, name) for name, event in CLIENT_EVENTS.items() for role in Role if role not in event.roles]


@pytest.mark.parametrize(("role", "name"), FORBIDDEN)
async def test_events_of_the_other_role_are_refused_and_change_nothing(world, role, name):
    if role is Role.CANDIDATE:
        browser, access = world.anonymous, await world.candidate_access()
    else:
        browser, access = world.operator, await world.interviewer_access()
    before = await world.stored()
    async with await enter(browser, access) as socket:
        await socket.send_json(a_message(name))
        error = await receive(socket, "error")
        assert error["code"] == "forbidden"
        assert await world.stored() == before


async def test_every_forbidden_pair_is_in_the_matrix():
    assert {name for role, name in FORBIDDEN if role is Role.CANDIDATE} == {
        "admit",
        "decline",
        "start_analysis",
        "stop_analysis",
        "recalibrate",
        "end",
        "explain",
        "marker",
        "delete_marker",
        "note",
    }


@pytest.mark.slow
async def test_a_candidate_hears_nothing_but_what_the_table_allows(own_world):
    """A whole interview with analysis: the interviewer hears estimates, the candidate none, nor any value."""
    heard: list[dict] = []

    async def listen(socket):
        while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            heard.append(json.loads(message.data))

    async with a_call(own_world, ConsentKind.ANALYSIS) as call:
        listening = asyncio.create_task(listen(call.candidate))
        await call.interviewer.send_json({"type": "start_analysis"})
        await receive(call.interviewer, "estimate", timeout_s=60)
        await call.interviewer.send_json({"type": "marker", "kind": "moment", "label": "secret label"})
        await receive(call.interviewer, "marker")
        await call.interviewer.send_json({"type": "note", "text": "secret note"})
        await receive(call.interviewer, "note")
        await call.interviewer.send_json({"type": "end"})
        async with asyncio.timeout(WAIT_S):
            await listening
    kinds = {event["type"] for event in heard}
    assert {"state", "bye"} <= kinds
    assert all(Role.CANDIDATE in SERVER_EVENTS[kind].roles for kind in kinds)
    for event in heard:
        text = json.dumps(event)
        assert not [word for word in ("stress", "secret", "emotions", "peak", "session_id", "question") if word in text]
        if event["type"] == "state":
            assert set(event["analysis"]) == {"on"}
    assert any(event["type"] == "state" and event["analysis"]["on"] for event in heard)
