import asyncio
import io

import pytest

from server import clock
from server.__main__ import main
from server.config import Config
from server.db.engine import Database, database_url
from server.db.migrate import migrate
from server.errors import NotAuthenticated
from server.sessions.accounts import Accounts

OLD, NEW = "the password I lost", "the password I have now"


@pytest.fixture
async def accounts(tmp_path):
    database = Database.open(database_url(Config.from_env({}, {"data_dir": str(tmp_path)})))
    await migrate(database)
    accounts = Accounts(database, now=clock.utc_now, clock=clock.monotonic_s)
    token = await accounts.new_setup_token()
    await accounts.set_up(token, name="Ada", email="ada@example.org", password=OLD)
    yield accounts
    await database.close()


async def run(monkeypatch, tmp_path, email: str, password: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    return await asyncio.to_thread(main, ["password", email, "--data-dir", str(tmp_path)])


async def test_a_new_password_replaces_the_old_one_and_ends_logins(accounts, tmp_path, monkeypatch):
    who, cookie = await accounts.log_in("ada@example.org", OLD, address="::1")
    assert await run(monkeypatch, tmp_path, "Ada@example.org", NEW) == 0
    with pytest.raises(NotAuthenticated):
        await accounts.principal_for(cookie)
    with pytest.raises(NotAuthenticated):
        await accounts.log_in("ada@example.org", OLD, address="::1")
    assert (await accounts.log_in("ada@example.org", NEW, address="::1"))[0].user == who.user


async def test_a_database_url_that_cannot_be_used_is_not_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COMPOSURE_DATABASE_URL", "postgresql+asyncpg://ada:p@ss:hush@h/d")
    assert await run(monkeypatch, tmp_path, "ada@example.org", NEW) == 2
    said = capsys.readouterr().err
    assert "COMPOSURE_DATABASE_URL=***" in said
    assert "hush" not in said


@pytest.mark.parametrize(("email", "password"), [("bob@example.org", NEW), ("ada@example.org", "short")])
async def test_what_cannot_be_done_is_said(accounts, tmp_path, monkeypatch, capsys, email, password):
    assert await run(monkeypatch, tmp_path, email, password) == 1
    assert "composure: " in capsys.readouterr().err
    await accounts.log_in("ada@example.org", OLD, address="::1")
