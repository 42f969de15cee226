import json

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
