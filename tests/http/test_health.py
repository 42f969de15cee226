import asyncio
import json

from server import clock
from server.db.engine import Database
from server.http import keys


async def test_healthz_tells_the_state_and_no_worker_runs_without_consent(world):
    status, body = await world.anonymous.ask("GET", "/healthz")
    health = json.loads(body)
    assert status == 200
    assert health["status"] == health["database"] == "ok"
    assert (health["rooms"], health["workers"], health["taps"]) == (0, 0, 0)
    assert "loop_lag_p99_ms" in health


async def test_healthz_fails_when_the_database_does_not_answer(world, monkeypatch, tmp_path):
    (tmp_path / "letter.db").write_text("Dear Sir or Madam, this is no database. " * 100)
    broken = Database.open(f"sqlite+aiosqlite:///{tmp_path / 'letter.db'}")
    monkeypatch.setattr(world.app[keys.DATABASE], "engine", broken.engine)
    status, body = await world.anonymous.ask("GET", "/healthz")
    assert status == 503
    assert json.loads(body)["status"] == "failing"
    await broken.close()


async def test_readyz_is_ready_once_a_call_with_ourselves_worked_and_people_do_not_see_it(world):
    async with asyncio.timeout(20):
        while (await world.anonymous.ask("GET", "/readyz"))[0] != 200:  # noqa: ASYNC110 - as a balancer asks
            await asyncio.sleep(0.1)
    _, body = await world.anonymous.ask("GET", "/readyz")
    answer = json.loads(body)
    assert (answer["status"], answer["reasons"]) == ("ready", [])
    assert 0 < answer["media_call"]["connected_s"] <= answer["media_call"]["first_packet_s"]
    assert answer["media_call"]["worked_s_ago"] < 20
    assert world.app[keys.ROOMS].stats()["rooms"] == 0
    assert not any(world.app[keys.PLANE].stats().total.values())
    assert world.app[keys.PLANE].measures.joins.count == 0
    world.app[keys.ROOMS].drain(clock.utc_now())
    status, body = await world.anonymous.ask("GET", "/readyz")
    assert (status, json.loads(body)["reasons"]) == (503, ["draining"])
