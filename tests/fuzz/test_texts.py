"""Texts from strangers: SDP, SDP fragments, candidates, page messages, tokens, forms, settings."""

import contextlib
import json
import os

import pytest

from server.clock import monotonic_s, utc_now
from server.config import Config, ConfigError
from server.errors import BadRequest, ComposureError, NotAuthenticated
from server.http.websocket import _parse
from server.protocol import Role
from server.rtc.offer import is_usable_candidate, parse_offer
from server.rtc.plane import MediaPlane, PublisherState
from server.rtc.sdpfrag import parse_fragment
from server.sessions.events import read_hello, read_message
from server.sessions.forms import InterviewForm, check_form
from server.sessions.tokens import Tokens
from tests.fakes.rtc_peer import PublishingClient, until
from tests.fuzz.harness import Loop, fuzz

pytestmark = pytest.mark.slow


def text(data):
    return data.decode(errors="surrogateescape")


def test_sdp_offers():
    def target(data):
        with contextlib.suppress(ComposureError):
            parse_offer(text(data))

    fuzz("sdp", target, n=400, is_text=True)


def test_sdp_fragments():
    def target(data):
        with contextlib.suppress(ComposureError):
            fragment = parse_fragment(text(data))
            assert len(fragment.candidates) <= 32

    fuzz("sdpfrag", target, n=500, is_text=True)


def test_candidates():
    fuzz("candidate", lambda data: is_usable_candidate(text(data)), n=500, is_text=True)


def udp_sockets():
    """Count this process's."""
    with open("/proc/self/net/udp") as table:
        ours = {line.split()[9] for line in table}
    inodes = set()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            inodes.add(os.readlink(f"/proc/self/fd/{number}").removeprefix("socket:[").removesuffix("]"))
    return len(ours & inodes)


@contextlib.contextmanager
def plane_with_another_room():
    """A plane whose room ``other`` is at work; it must be as before when the fuzzing ends."""
    with Loop() as loop:
        events = []

        async def open_it():
            plane = MediaPlane(
                Config.from_env({}, {"ice_addresses": "127.0.0.1"}), clock=monotonic_s, on_publisher=events.append
            )
            client = PublishingClient(video=False)
            await client.publish(plane, "other", "person")
            await until(lambda: plane.publication("other", "person").state is PublisherState.LIVE)
            return plane, client

        plane, client = loop.run(open_it())
        before = plane.publication("other", "person")
        yield loop, plane
        assert plane.publication("other", "person") is before
        assert [event.room_id for event in events].count("other") == 2
        loop.run(plane.close())
        loop.run(client.close())


def test_offers_that_a_connection_answers():
    with plane_with_another_room() as (loop, plane):

        async def answer(offer):
            for open_it in (
                lambda: plane.publish("room", "person", offer),
                lambda: plane.watch("room", "person", "viewer", offer),
            ):
                with contextlib.suppress(ComposureError):
                    await open_it()
            await plane.close_room("room")
            await until(lambda: not any(task.get_name() == "rtc-close" for task in plane._context._tasks))
            assert udp_sockets() == n_sockets

        n_sockets = udp_sockets()
        fuzz("sdp", lambda data: loop.run(answer(text(data))), n=60, is_text=True)


def test_trickled_candidates_that_a_connection_takes():
    with plane_with_another_room() as (loop, plane):

        async def opened():
            client = PublishingClient(video=False)
            resource = await plane.publish("room", "person", await client.offer())
            await client.close()
            return resource.id

        async def trickle(data):
            resource_id = open_ids.pop() if open_ids else None
            if resource_id not in plane._resources:  # one that never connects is closed after a while
                resource_id = await opened()
            with contextlib.suppress(ComposureError):
                await plane.trickle(resource_id, data)
            open_ids.append(resource_id)
            for protocol in plane._resources[resource_id].peer.connection._guard._ice._protocols:
                assert len(protocol.transactions) <= 64

        open_ids = []
        fuzz("sdpfrag", lambda data: loop.run(trickle(text(data))), n=200, is_text=True)


def test_messages_of_pages():
    class Message:
        def __init__(self, data):
            from aiohttp import WSMsgType

            self.type, self.data = WSMsgType.TEXT, data

    def target(data):
        with contextlib.suppress(BadRequest):
            raw = _parse(Message(data.decode(errors="replace")))
            for read in (read_hello, lambda it: read_message(it, Role.INTERVIEWER)):
                with contextlib.suppress(ComposureError):
                    read(raw)

    fuzz("page_message", target, n=600, is_text=True)


def test_access_and_join_tokens():
    tokens = Tokens(bytes(32), None, now=utc_now)

    def target(data):
        with pytest.raises(NotAuthenticated):
            tokens.read_access(text(data))
        assert tokens._claims(text(data), "composure:join") is None

    fuzz("token", target, n=500)


def test_forms():
    def target(data):
        words = [*text(data).split("&"), *[""] * 8]
        with contextlib.suppress(ComposureError):
            check_form(
                InterviewForm(
                    title=words[0],
                    candidate_name=words[1],
                    candidate_email=words[2].partition("=")[2],
                    scheduled_at=words[3].partition("=")[2],
                    timezone=words[4],
                    duration_min=words[5],
                    purpose=words[6],
                    questions=words[7:],
                    co_interviewers=words[:2],
                )
            )

    fuzz("form", target, n=400, is_text=True)


@pytest.mark.parametrize("corpus_name", ["setting", "setting_servers"])
def test_settings(corpus_name):
    names = [name for name in Config.__dataclass_fields__ if name != "data_dir"]

    def target(data):
        for name in names:
            with contextlib.suppress(ConfigError):
                Config.from_env({}, {name: text(data)})

    fuzz(corpus_name, target, n=150, is_text=True)


def test_a_settings_error_is_one_line():
    with pytest.raises(ConfigError) as caught:
        Config.from_env({}, {"ice_servers": json.dumps([{"urls": 5}])})
    assert "\n" not in str(caught.value)
