"""A server that is full, and one that is about to stop."""

from datetime import timedelta

import pytest

from server.errors import Unavailable
from server.sessions.principals import Grant
from tests.sessions.conftest import Call, World, last, received


async def begin_others(call: Call, world: World, n: int) -> list[Call]:
    others = []
    for i in range(n):
        others.append(other := Call(world, call.user, await world.interview(call.user, title=f"Other {i}")))
        await other.begin()
    return others


async def test_a_full_server_takes_nobody_into_a_further_interview(call: Call, world: World):
    others = await begin_others(call, world, 2)
    with pytest.raises(Unavailable) as refusal:
        world.rooms.require_capacity(call.details.interview)
    assert refusal.value.retry_after_s == 30
    live = (await world.schedule.get(call.user, others[0].details.interview.id)).interview
    world.rooms.require_capacity(live)  # whose people reload their pages
    await world.say(others[0].interviewer, "end")
    world.rooms.require_capacity(call.details.interview)
    ended = (await world.schedule.get(call.user, others[0].details.interview.id)).interview
    await begin_others(call, world, 1)
    world.rooms.require_capacity(ended)  # where consents are taken back


async def test_whoever_waits_keeps_the_place_when_the_server_fills(call: Call, world: World):
    await call.wait()
    await begin_others(call, world, 2)
    world.rooms.require_capacity(call.details.interview)


async def test_draining_lets_live_interviews_go_on_and_begins_none(call: Call, world: World):
    (running,) = await begin_others(call, world, 1)
    await call.wait()
    until = world.clock.now() + timedelta(seconds=600)
    world.rooms.drain(until)
    for page in (running.interviewer, running.candidate, call.candidate):
        assert last(received(page), "state")["server"] == {"draining": True, "until": until.isoformat()}
    assert last(await world.say(call.interviewer, "admit"), "error")["code"] == "draining"
    assert world.rooms.n_live() == 1
    with pytest.raises(Unavailable):
        world.rooms.require_capacity(call.details.interview)
    with pytest.raises(Unavailable):
        await world.candidate_page(call.details)
    tokens = world.tokens
    waiting = tokens.read_access(tokens.access_token(call.details.candidate, call.details.interview, Grant))
    with pytest.raises(Unavailable):
        await world.rooms.authorise_publish(waiting)
    # The running one: its candidate reconnects, media too.
    back = await world.candidate_page(running.details)
    assert last(received(back), "state")["you"] == "admitted"
    candidate = tokens.read_access(tokens.access_token(running.details.candidate, running.details.interview, Grant))
    await world.rooms.authorise_publish(candidate)
    await world.say(running.interviewer, "end")
    assert world.rooms.n_live() == 0


async def test_in_normal_times_the_state_says_so(call: Call, world: World):
    await call.begin()
    assert last(received(call.interviewer), "state")["server"] == {"draining": False, "until": None}
