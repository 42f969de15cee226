"""A full server: 503 with Retry-After, and pages that say so and try again."""

import pytest

from server.sessions.consenttexts import consent_text
from server.sessions.records import ConsentKind
from tests.http.call import a_call, enter, receive
from tests.http.world import a_world


@pytest.mark.slow
async def test_a_full_server_sends_everybody_a_friendly_page_and_takes_them_when_there_is_room(tmp_path):
    async with a_world(tmp_path, max_sessions="1") as world:
        other = world.other_interview.interview.id
        join, room = f"/join/{world.other_join_token}", f"/interviews/{other}/room"
        async with a_call(world) as call:
            for browser, path in ((world.anonymous, join), (world.outsider, room)):
                status, page = await browser.ask("GET", path)
                assert status == 503
                assert browser.last.headers["Retry-After"] == "30"
                assert 'id="try-again" data-seconds="30"' in page
                assert "js/try_again.js" in page
                assert "All interview rooms of this server are in use right now. Your place is kept" in page
                assert "tries again by itself" in page
            status, error = await world.outsider.json("POST", f"/api/interviews/{other}/access")
            assert (status, error["error"]) == (503, "service_unavailable")
            assert world.outsider.last.headers["Retry-After"] == "30"
            # Those who are in the running one come and go as they like.
            assert (await world.operator.ask("GET", f"/interviews/{world.interview.interview.id}/room"))[0] == 200
            assert (await world.anonymous.ask("GET", f"/join/{world.join_token}"))[0] == 200
            await call.interviewer.send_json({"type": "end"})
            await receive(call.interviewer, "bye")
        assert (await world.anonymous.ask("GET", join))[0] == 200
        assert (await world.outsider.ask("GET", room))[0] == 200


@pytest.mark.slow
async def test_an_interviewer_who_admits_on_a_full_server_is_told(tmp_path):
    async with a_world(tmp_path, max_sessions="1") as world:
        socket = await enter(world.outsider, await world.outsider_access())
        version = consent_text(ConsentKind.CALL, world.other_interview.interview.purpose).version
        answer = {"kind": "call", "granted": True, "text_version": version}
        await world.anonymous.json("POST", f"/api/join/{world.other_join_token}/consent", {"answers": [answer]})
        access = await world.access(world.anonymous, f"/api/join/{world.other_join_token}/access")
        async with a_call(world):
            candidate = await enter(world.anonymous, access)
            await candidate.send_json({"type": "knock"})
            await receive(socket, "knock")
            await socket.send_json({"type": "admit"})
            refusal = await receive(socket, "error")
            assert refusal["code"] == "full"
            assert "as many interviews running as it may" in refusal["message"]
            await candidate.close()
        await socket.close()
