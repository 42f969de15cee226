"""What was deleted cannot be read from SQLite's files either."""

import logging
from pathlib import Path

import pytest

from server.db import users
from server.db.engine import BUSY_TIMEOUT_MS, Database, StorageError
from server.db.migrate import migrate
from tests.db.test_engine import user

SECRET = b"4711@example.org"


@pytest.fixture
async def sqlite(tmp_path: Path):
    opened = Database.open(f"sqlite+aiosqlite:///{tmp_path / 'composure.db'}")
    await migrate(opened)
    yield opened
    await opened.close()


async def store_and_delete(database: Database) -> None:
    async with database.write() as connection:
        await users.insert_user(connection, user(4711), "h")
    async with database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM users")


def is_readable(folder: Path) -> bool:
    return any(SECRET in path.read_bytes() for path in folder.glob("composure.db*"))


async def test_deleted_rows_are_in_the_log_until_it_is_emptied(sqlite: Database, tmp_path: Path):
    await store_and_delete(sqlite)
    assert is_readable(tmp_path)
    await sqlite.scrub()
    assert not is_readable(tmp_path)


async def test_a_reader_holds_it_up_until_later(sqlite: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    async with sqlite.read() as reading:
        await users.count(reading)
        await store_and_delete(sqlite)
        await sqlite.scrub()
        await sqlite.scrub_if_due()
        assert is_readable(tmp_path)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    await sqlite.scrub_if_due()
    assert not is_readable(tmp_path)


async def test_other_writers_are_waited_for_as_long_as_before(sqlite: Database):
    await sqlite.scrub()
    async with sqlite.engine.connect() as connection:
        assert (await connection.exec_driver_sql("PRAGMA busy_timeout")).scalar_one() == BUSY_TIMEOUT_MS


async def test_nothing_is_due_without_a_deletion(database: Database):
    await database.scrub_if_due()
    await database.scrub()
    await database.scrub_if_due()


@pytest.mark.parametrize("place", ["/nowhere", "127.0.0.1:1"])
async def test_a_server_that_does_not_answer_is_a_storage_error(place: str):
    gone = Database.open(f"postgresql+asyncpg://composure@/x?host={place}")
    with pytest.raises(StorageError, match="does not answer"):
        await gone.ping()
    with pytest.raises(StorageError, match="does not answer"):
        async with gone.write():
            pass
    await gone.close()
