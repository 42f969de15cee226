"""Bytes from strangers and from a worker that has gone mad: STUN and other datagrams, messages on the link."""

import asyncio
import contextlib

import pytest

from server.analysis.link import LinkError, Unpacker
from server.analysis.messages import from_body
from server.rtc.aiortc_private import datagrams
from tests.fakes.rtc_sockets import AWAY, HOME, STRANGER, GuardedSocket
from tests.fuzz.harness import Loop, fuzz
from tests.fuzz.seeds import LOCAL_PASSWORD, LOCAL_UFRAG

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("is_up", [False, True])
def test_datagrams(is_up):
    with Loop() as loop:

        async def open_it():
            it = GuardedSocket()
            it.ice._local_username, it.ice._local_password = LOCAL_UFRAG, LOCAL_PASSWORD
            it.guard._username = f"{LOCAL_UFRAG}:".encode()
            it.ice._early_checks_done = True
            if is_up:
                it.nominate(HOME)
            return it

        it = loop.run(open_it())

        async def arrive(data):
            it.time.advance(0.1)
            for addr in (HOME, AWAY, STRANGER):
                it.come(data, addr)
                if len(data) > 20:  # as an answer to something that was asked
                    with contextlib.suppress(asyncio.InvalidStateError):
                        it.come(
                            data[:4] + data[4:8] + next(iter(it.protocol.transactions), bytes(12)) + data[20:], addr
                        )
            await asyncio.sleep(0)
            it.sent.clear()
            it.queued()
            assert len(it.ice._check_list) <= datagrams.MAX_ADDRESSES + 1
            assert len(it.protocol.transactions) <= datagrams.MAX_ADDRESSES + 1

        fuzz("stun", lambda data: loop.run(arrive(data)), n=600)
        loop.run(it.close())


def test_messages_on_the_link():
    def target(data):
        with contextlib.suppress(LinkError):
            for body in Unpacker().feed(data):
                with contextlib.suppress(LinkError):
                    from_body(body)

    fuzz("link", target, n=600)
