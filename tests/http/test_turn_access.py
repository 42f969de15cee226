"""TURN credentials in the answer that gives access to a room."""

from datetime import UTC, datetime

from server.clock import utc_now
from server.http.keys import CONFIG
from server.rtc.turn import ice_servers_for
from tests.http.world import a_world

SECRET = "a secret of twenty characters"


async def test_each_person_gets_credentials_of_their_own(tmp_path):
    settings = {"turn_urls": "turn:t.example.org,turns:t.example.org", "turn_secret": SECRET}
    async with a_world(tmp_path, **settings) as world:
        before_s = int(utc_now().timestamp())
        answers = [await world.interviewer_access(), await world.candidate_access()]
        servers = []
        for answer in answers:
            (server,) = answer["ice_servers"]
            assert server["urls"] == ["turn:t.example.org", "turns:t.example.org"]
            expiry, _, name = server["username"].partition(":")
            assert before_s + 600 <= int(expiry) <= before_s + 620
            assert answer["participant_id"] not in name
            (expected,) = ice_servers_for(
                world.app[CONFIG], answer["participant_id"], datetime.fromtimestamp(int(expiry) - 600, UTC)
            )
            assert server["credential"] == expected.credential
            servers.append(server)
        assert servers[0]["username"].partition(":")[2] != servers[1]["username"].partition(":")[2]
        assert SECRET not in str(answers)
