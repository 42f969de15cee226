"""Consent questions, and what counts as silence."""

import asyncio

import pytest

from server.rtc.aiortc_private import consent
from server.rtc.liveness import MAX_STEP_S, Silence
from tests.fakes.rtc_sockets import AWAY, HOME, GuardedSocket


@pytest.fixture
async def it():
    guarded = GuardedSocket()
    yield guarded
    await guarded.close()


@pytest.fixture
def questions(it, monkeypatch):
    """Lets the test decide when the loop wakes; the consent loop's pauses are noted."""
    pauses, wake = [], asyncio.Queue()

    async def sleep(seconds):
        pauses.append(seconds)
        await wake.get()
        it.time.advance(seconds)

    class Driver:
        def __init__(self):
            self.pauses = pauses

        async def step(self):
            wake.put_nowait(None)
            for _ in range(5):
                await real_sleep(0)

    real_sleep = asyncio.sleep
    monkeypatch.setattr(consent.asyncio, "sleep", sleep)
    return Driver()


async def spin():
    loop = asyncio.get_running_loop()
    for _ in range(5):
        waiter = loop.create_future()
        loop.call_soon(waiter.set_result, None)
        await waiter


async def test_answers_give_the_round_trip_and_a_pause_of_about_two_seconds(it, questions):
    it.nominate(HOME)
    task = asyncio.create_task(it.ice.query_consent())
    await spin()
    heard_s = it.guard.heard_s
    it.time.now_s += 0.08
    it.answer(*it.sent[-1])
    assert it.consent.rtt_s == pytest.approx(0.08)
    assert it.guard.heard_s == it.time() > heard_s
    questions.pauses.clear()
    await questions.step()
    (pause_s,) = questions.pauses
    assert 0.8 * consent.PERIOD_S <= pause_s + consent.RETRY_S <= 1.2 * consent.PERIOD_S
    await questions.step()
    assert len(it.sent) == 2
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not it.protocol.transactions


async def test_without_an_answer_it_asks_again_soon_and_a_late_one_counts(it, questions):
    it.nominate(HOME)
    task = asyncio.create_task(it.ice.query_consent())
    await spin()
    for _ in range(3):
        await questions.step()
    assert len(it.sent) == 4
    assert all(pause_s <= 1.2 * consent.RETRY_S for pause_s in questions.pauses)
    heard_s = it.guard.heard_s
    it.answer(*it.sent[0])
    assert it.guard.heard_s > heard_s
    for _ in range(40):
        await questions.step()
    assert len(it.protocol.transactions) < 30  # those nobody will answer are forgotten
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_only_the_peer_can_answer_and_only_from_where_it_was_asked(it, questions):
    it.nominate(HOME)
    task = asyncio.create_task(it.ice.query_consent())
    await spin()
    request, addr = it.sent[-1]
    heard_s = it.guard.heard_s
    it.time.now_s += 1
    it.answer(request, addr, password="x" * 22)
    it.answer(request, AWAY)
    it.answer(request, addr, error=400)
    assert it.guard.heard_s == heard_s
    assert it.consent.rtt_s is None
    it.answer(request, addr)
    it.answer(request, addr)  # once more is an answer to nothing
    assert it.guard.heard_s == it.time()
    assert it.counters.stun_refused == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_check_of_the_peer_is_heard_by_the_nominated_pair_only(it):
    it.nominate(HOME)
    heard_s = it.guard.heard_s
    it.time.now_s += 1
    it.check(AWAY)
    assert it.guard.heard_s == heard_s
    it.check(HOME)
    assert it.guard.heard_s == it.time()


async def test_the_route_says_how_the_peer_is_reached(it):
    assert it.consent.route() is None
    pair = it.nominate(HOME)
    assert it.consent.route() == "host/udp"
    pair.remote_candidate.type = "prflx"
    assert it.consent.route() == "prflx/udp"


def test_silence_adds_up_until_something_is_heard():
    silence = Silence()
    assert silence.tick(1.0, 0.25) == 0.0
    assert [silence.tick(1.0, 0.25) for _ in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert silence.tick(1.2, 0.25) == 0.0


def test_a_stall_of_our_own_proves_nothing():
    silence = Silence()
    silence.tick(1.0, 0.25)
    assert silence.tick(1.0, 60.0) == MAX_STEP_S
