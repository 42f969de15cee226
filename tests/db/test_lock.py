"""One server at a time on a database of each kind."""

import asyncio
import sys
from pathlib import Path

import pytest

from server.db.engine import Database
from server.db.lock import sole_server
from server.errors import CannotStart

ROOT = Path(__file__).parents[2]
WAIT_S = 20.0

HOLDER = """
import asyncio, sys
from server.db.engine import Database
from server.db.lock import sole_server

async def hold():
    async with sole_server(Database.open(sys.argv[1])):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


def another(database: Database) -> Database:
    return Database.open(database.engine.url.render_as_string(hide_password=False))


async def is_free(database: Database) -> bool:
    try:
        async with sole_server(database):
            return True
    except CannotStart:
        return False


async def test_a_second_server_is_refused_until_the_first_one_ends(database: Database):
    other = another(database)
    async with sole_server(database):
        with pytest.raises(CannotStart, match="another server runs on"):
            async with sole_server(other):
                pass
        await other.ping()  # reading beside it is allowed
    assert await is_free(other)
    await other.close()


async def test_a_server_that_fails_lets_go(database: Database):
    with pytest.raises(ZeroDivisionError):
        async with sole_server(database):
            raise ZeroDivisionError
    assert await is_free(database)


@pytest.mark.slow
async def test_a_killed_server_lets_go(database: Database):
    url = database.engine.url.render_as_string(hide_password=False)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(WAIT_S):
        assert await process.stdout.readline() == b"held\n"  # type: ignore[union-attr]
        assert not await is_free(database)
        process.kill()
        await process.communicate()
        while not await is_free(database):  # noqa: ASYNC110 - PostgreSQL notices a moment later
            await asyncio.sleep(0.05)


async def test_a_database_in_memory_is_nobody_elses():
    database = Database.open("sqlite+aiosqlite://")
    async with sole_server(database):
        assert await is_free(database)
    await database.close()
