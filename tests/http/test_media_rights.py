"""Who may do what with the media of a running call, with real peers."""

import asyncio
from datetime import timedelta

import pytest

from server import clock
from server.http import keys
from server.sessions.principals import Grant
from server.sessions.tokens import Tokens, load_key
from tests.fakes.rtc_peer import PublishingClient, WatchingClient, until
from tests.http.call import SDP, a_call, exchange, receive, state

pytestmark = pytest.mark.slow

FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


async def test_a_media_session_belongs_to_the_one_who_made_it(world):
    async with a_call(world) as call:
        room, person = call.candidate_access["room_id"], call.candidate_access["participant_id"]
        interviewer = world.browser(bearer=call.interviewer_access["token"])
        candidate = world.browser(bearer=call.candidate_access["token"])
        client = WatchingClient()
        await client.accept(await exchange(interviewer, f"/whep/{room}/{person}", await client.offer()))
        resource = interviewer.last.headers["Location"]
        for method, options in (("DELETE", {}), ("PATCH", {"data": b"a=end-of-candidates", "headers": FRAGMENT})):
            status, _ = await candidate.ask(method, resource, **options)
            assert status == 404
        await until(lambda: client.video.packets)
        status, _ = await interviewer.ask("DELETE", resource)
        assert status == 200
        status, _ = await interviewer.ask("DELETE", resource)
        assert status == 404
        await client.close()


async def test_nobody_watches_themselves_or_somebody_who_is_not_there(world):
    async with a_call(world) as call:
        room, own_id = call.candidate_access["room_id"], call.candidate_access["participant_id"]
        candidate, client = world.browser(bearer=call.candidate_access["token"]), WatchingClient()
        offer = (await client.offer()).encode()
        status, _ = await candidate.ask("POST", f"/whep/{room}/{own_id}", data=offer, headers=SDP)
        assert status == 403
        stranger = world.other_interview.candidate.id
        status, _ = await candidate.ask("POST", f"/whep/{room}/{stranger}", data=offer, headers=SDP)
        assert status == 404
        await client.close()


async def test_grants_and_expiry_of_access_tokens_are_kept(world):
    details, database = world.interview, world.app[keys.DATABASE]
    path, offer = f"/whip/{details.interview.room_id}", b"v=0"
    tokens = world.app[keys.TOKENS]
    watch_only = tokens.access_token(details.candidate, details.interview, (Grant.WATCH, Grant.CONTROL))
    status, _ = await world.browser(bearer=watch_only).ask("POST", path, data=offer, headers=SDP)
    assert status == 403
    key = load_key(world.app[keys.CONFIG].data_dir)
    long_ago = Tokens(key, database, now=lambda: clock.utc_now() - timedelta(minutes=11))
    old = long_ago.access_token(details.candidate, details.interview, tuple(Grant))
    status, text = await world.browser(bearer=old).ask("POST", path, data=offer, headers=SDP)
    assert status == 401
    assert "expired" in text


async def test_a_candidate_publishes_only_once_admitted_and_no_longer_after_leaving(world):
    access = await world.candidate_access()
    sender, client = world.browser(bearer=access["token"]), PublishingClient()
    offer = (await client.offer()).encode()
    status, text = await sender.ask("POST", f"/whip/{access['room_id']}", data=offer, headers=SDP)
    assert status == 409
    assert "let in" in text
    await client.close()
    async with a_call(world) as call:
        await call.candidate.send_json({"type": "leave"})
        await state(call.interviewer, lambda event: not any(person["publishing"] for person in event["participants"]))
        status, _ = await sender.ask("POST", f"/whip/{access['room_id']}", data=offer, headers=SDP)
        assert status == 409


async def test_who_is_put_out_while_the_offer_is_on_its_way_does_not_get_in(world, monkeypatch):
    async with a_call(world) as call:
        room, person = call.candidate_access["room_id"], call.candidate_access["participant_id"]
        sender, client = world.browser(bearer=call.candidate_access["token"]), PublishingClient()
        offer, was_let_in, has_left = (await client.offer()).encode(), asyncio.Event(), asyncio.Event()
        rooms, plane = world.app[keys.ROOMS], world.app[keys.PLANE]
        authorise = rooms.authorise_publish

        async def noted(principal):
            await authorise(principal)
            was_let_in.set()

        async def late():
            yield offer[:10]
            await has_left.wait()
            yield offer[10:]

        monkeypatch.setattr(rooms, "authorise_publish", noted)
        posted = asyncio.create_task(sender.ask("POST", f"/whip/{room}", data=late(), headers=SDP))
        await asyncio.wait_for(was_let_in.wait(), 5)
        await call.candidate.send_json({"type": "leave"})
        await until(lambda: plane.publication(room, person) is None)
        has_left.set()
        status, _ = await posted
        assert status == 409
        assert plane.stats().total["publishers"] == 0
        await client.close()


async def test_the_end_closes_the_room_for_every_token(world):
    async with a_call(world) as call:
        await call.interviewer.send_json({"type": "end"})
        assert (await receive(call.candidate, "bye"))["reason"] == "ended"
        sender = world.browser(bearer=call.candidate_access["token"])
        status, _ = await sender.ask("POST", f"/whip/{call.candidate_access['room_id']}", data=b"v=0", headers=SDP)
        assert status == 410
        async with world.anonymous.socket(call.candidate_access["room_id"]) as socket:
            await socket.send_json({"type": "hello", "token": call.candidate_access["token"]})
            assert await receive(socket) == {"type": "bye", "reason": "ended"}
