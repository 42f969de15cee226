"""The database: one engine, short reads, and writes one after the other."""

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import SQLAlchemyError as StorageError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.config import Config, ConfigError

__all__ = [
    "AsyncConnection",
    "Database",
    "IntegrityError",
    "StorageError",
    "database_url",
    "open_database",
    "sqlite_file",
]

BUSY_TIMEOUT_MS = 5000
"""How long SQLite waits for another process's lock."""

SCRUB_TIMEOUT_MS = 200
"""How long a scrub, which holds up all writing, waits for those who read."""

_logger = logging.getLogger(__name__)


def database_url(config: Config) -> str:
    """Return the SQLAlchemy URL of the configured database; the default is SQLite in the data folder."""
    if config.database_url:
        return config.database_url
    return f"sqlite+aiosqlite:///{config.data_dir / 'composure.db'}"


def open_database(config: Config) -> "Database":
    """Make the engine for the configured database; no connection is opened yet.

    Raises:
        ConfigError: the URL cannot be used; it is not shown, for it may hold a password.
        OSError: SQLite's file cannot be made.
    """
    try:
        return Database.open(database_url(config))
    except (StorageError, ImportError, ValueError) as exc:  # no URL, none that can be split, or no such driver
        raise ConfigError(f"COMPOSURE_DATABASE_URL=*** cannot be used ({type(exc).__name__})") from None


class Database:
    """A store that services read from and write to.

    ``read`` and ``write`` each give a connection in a transaction that is committed when the block ends and rolled
    back when it raises. Within this process one write runs at a time, and on SQLite it takes the write lock at once:
    a transaction that starts by reading and then writes could otherwise fail when another one wrote in between.

    Both raise StorageError when the database does not answer.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._writing = asyncio.Lock()
        self._is_scrub_due = False

    @classmethod
    def open(cls, url: str) -> "Database":
        """Make the engine for a URL; no connection is opened yet.

        Args:
            url: ``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://...``.
        """
        # What an error quotes ends in the log: never names, notes or hashes.
        engine = create_async_engine(url, hide_parameters=True)
        if engine.dialect.name == "sqlite":
            if (path := sqlite_file(engine.url)) is not None:
                _make_private(path)
            event.listen(engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(engine.sync_engine, "begin", _begin_sqlite)
            event.listen(engine.sync_engine, "invalidate", _end_sqlite_transaction)
        return cls(engine)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for queries that change nothing."""
        async with self._transaction(writes=False) as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give the connection that may write; others wait for their turn."""
        async with self._writing, self._transaction(writes=True) as connection:
            yield connection

    @asynccontextmanager
    async def _transaction(self, *, writes: bool) -> AsyncIterator[AsyncConnection]:
        # A task that is cancelled while it begins, commits or closes would leave a lock behind: those finish first.
        connection = self.engine.connect()
        try:
            await _undisturbed(_begin(connection, writes=writes))
            try:
                yield connection
            except BaseException:
                await _undisturbed(connection.rollback())
                raise
            await _undisturbed(connection.commit())
        finally:
            if connection.sync_connection is not None:  # else the database did not answer, which is the error to tell
                await _undisturbed(connection.close())

    async def scrub(self) -> None:
        """Remove deleted rows from SQLite's write-ahead log too; nothing to do on other databases.

        Whoever reads meanwhile can hold it up: then ``scrub_if_due`` does it later. It never raises StorageError, for
        what was deleted is deleted all the same.
        """
        if self.engine.dialect.name != "sqlite":
            return
        self._is_scrub_due = True
        await self.scrub_if_due()
        if self._is_scrub_due:
            _logger.warning("deleted rows stay in the write-ahead log until it can be emptied")

    async def scrub_if_due(self) -> None:
        """Scrub if the last time it was held up; to be called now and then."""
        if not self._is_scrub_due:
            return
        try:
            await _undisturbed(self._empty_log())
        except StorageError:
            self._is_scrub_due = True
            _logger.exception("the write-ahead log cannot be emptied")

    async def _empty_log(self) -> None:
        async with self._writing, self.engine.connect() as connection:
            self._is_scrub_due = False  # whoever deletes from here on waits for the lock, and asks again
            pooled = await connection.get_raw_connection()
            sqlite: Any = pooled.driver_connection
            try:
                await sqlite.execute(f"PRAGMA busy_timeout={SCRUB_TIMEOUT_MS}")
                # One row: whether it was held up, and two counts (https://www.sqlite.org/pragma.html).
                ((is_held_up, *_),) = await sqlite.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
                await sqlite.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            except sqlite3.Error as exc:
                await connection.invalidate(exc)  # the next one gets its own timeout again
                raise StorageError("the write-ahead log cannot be emptied") from exc
            self._is_scrub_due = bool(is_held_up)

    async def ping(self) -> None:
        """Run the smallest query; raises what the driver raises when the database cannot answer."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def sqlite_file(url: URL) -> Path | None:
    """Return the file of an SQLite database, None when it has none that is ours to make."""
    path = url.database
    return None if not path or path.startswith((":", "file:")) else Path(path)


def _make_private(path: Path) -> None:
    """Make the file before SQLite does, readable by its owner alone; its log and index get the same rights."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


async def _begin(connection: AsyncConnection, *, writes: bool) -> None:
    try:
        await connection.start()
    except StorageError:
        raise
    except Exception as exc:  # what drivers raise when nobody answers: asyncpg's own errors, OSError
        raise StorageError(f"the database does not answer ({type(exc).__name__})") from exc
    await connection.execution_options(composure_writes=writes)
    await connection.begin()


async def _undisturbed(work: Coroutine[Any, Any, None]) -> None:
    """Let work come to its end even if this task is cancelled meanwhile; the cancellation takes effect then."""
    task = asyncio.create_task(work, name="database")
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _prepare_sqlite(dbapi_connection: DBAPIConnection, _record: Any) -> None:
    # The driver must not begin transactions by itself: _begin_sqlite does.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("composure_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _end_sqlite_transaction(dbapi_connection: DBAPIConnection, _record: Any, _error: BaseException | None) -> None:
    # A connection is given up when its task is cancelled in a query. SQLite keeps the lock of an open transaction as
    # long as any cursor of the closed connection is referred to, and a traceback may do so.
    dbapi_connection.rollback()
