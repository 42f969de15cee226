import asyncio
import logging
from pathlib import Path

import pytest
from sqlalchemy import text

from server.config import Config
from server.db import users
from server.db.engine import BUSY_TIMEOUT_MS, Database, IntegrityError, database_url
from server.db.migrate import migrate
from server.db.records import User
from server.protocol import Role
from tests.db.test_queries import NOW


def user(n: int) -> User:
    return User(
        id=str(n), name=str(n), email=f"{n}@example.org", role=Role.CANDIDATE, is_operator=False, created_at=NOW
    )


async def test_sqlite_is_set_up_for_safety_and_for_readers_beside_a_writer(tmp_path: Path):
    database = Database.open(database_url(Config(data_dir=tmp_path / "new")))
    async with database.read() as connection:
        values = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
        }
    await database.close()
    assert values == {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "secure_delete": 1,
    }


async def test_only_its_owner_reads_the_database(tmp_path: Path):
    database = Database.open(database_url(Config(data_dir=tmp_path)))  # a folder that others may enter
    await migrate(database)
    async with database.write() as connection:
        await users.insert_user(connection, user(1), "h")
    modes = [(tmp_path / f"composure.db{end}").stat().st_mode & 0o777 for end in ("", "-wal", "-shm")]
    await database.close()
    assert modes == [0o600] * 3


async def test_errors_quote_no_values(database: Database):
    async def insert_twice() -> None:
        async with database.write() as connection:
            await users.insert_user(connection, user(1), "h")
            await users.insert_user(connection, user(1), "h")

    with pytest.raises(IntegrityError) as failed:
        await insert_twice()
    assert "1@example.org" not in str(failed.value)


async def test_a_given_url_wins(tmp_path: Path):
    assert database_url(Config(data_dir=tmp_path, database_url="postgresql+asyncpg://x")) == "postgresql+asyncpg://x"


async def test_what_raises_is_rolled_back(database: Database):
    async def write_and_fail() -> None:
        async with database.write() as connection:
            await users.insert_user(connection, user(1), "h")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await write_and_fail()
    async with database.read() as connection:
        assert await users.count(connection) == 0


async def test_many_writers_that_read_first_all_succeed(database: Database):
    async def write(n: int) -> None:
        async with database.write() as connection:
            known = await users.count(connection)
            await asyncio.sleep(0)
            await users.insert_user(connection, user(n), str(known))

    await asyncio.gather(*(write(n) for n in range(30)))
    async with database.read() as connection:
        assert await users.count(connection) == 30


async def test_readers_do_not_wait_for_a_writer(database: Database):
    async with database.write() as writing:
        await users.insert_user(writing, user(1), "h")
        async with asyncio.timeout(5), database.read() as reading:
            assert await users.count(reading) == 0
    async with database.read() as reading:
        assert await users.count(reading) == 1


async def test_two_processes_may_write(tmp_path: Path):
    """Two engines stand for two processes, such as the server and a command."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'composure.db'}"
    one, two = Database.open(url), Database.open(url)
    await migrate(one)

    async def write(database: Database, n: int) -> None:
        async with database.write() as connection:
            await users.count(connection)
            await users.insert_user(connection, user(n), "h")

    await asyncio.gather(*(write(database, n) for n, database in enumerate([one, two] * 10)))
    async with two.read() as connection:
        assert await users.count(connection) == 20
    await one.close()
    await two.close()


async def test_ping_answers(database: Database):
    await database.ping()


@pytest.mark.parametrize("writes", [True, False])
async def test_a_cancelled_task_leaves_no_lock_and_no_open_connection(
    database: Database, writes: bool, caplog: pytest.LogCaptureFixture
):
    """At whatever point the cancellation comes, the next writer gets its turn and nothing is complained of."""

    async def work(n: int) -> None:
        async with database.write() if writes else database.read() as connection:
            if writes:
                await users.insert_user(connection, user(n), "h")
            await users.count(connection)

    kept = []  # tracebacks hold on to cursors
    for turns in range(40):
        task = asyncio.create_task(work(turns))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        kept += await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(BUSY_TIMEOUT_MS / 1000), database.write() as connection:
            await users.insert_user(connection, user(1000 + turns), "h")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert any(isinstance(result, asyncio.CancelledError) for result in kept)
