"""One server at a time on a database: a second one would end the interviews of the first."""

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import URL, NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from server.db.engine import AsyncConnection, Database, StorageError, sqlite_file
from server.errors import CannotStart

ADVISORY_KEY = 0x436F6D706F737572
"""``Composur`` in ASCII: names our lock among those of a PostgreSQL database."""

_KEEPALIVE = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}
"""Seconds, seconds, probes: PostgreSQL lets go of the lock of a machine that went away a minute later."""


@asynccontextmanager
async def sole_server(database: Database) -> AsyncIterator[None]:
    """Be the only server on a database while the context is open; a process that is killed lets go of it too.

    Other commands may read and write meanwhile. On SQLite it is a file beside the database; on PostgreSQL an advisory
    lock on a connection of its own, which a database that restarts does not keep.

    Raises:
        CannotStart: another server runs on it.
        StorageError: the database does not answer.
        OSError: the file cannot be made.
    """
    if database.engine.dialect.name == "postgresql":
        async with _advisory_lock(database.engine.url):
            yield
    elif (path := sqlite_file(database.engine.url)) is not None:
        descriptor = _lock(path.with_name(f"{path.name}.lock"))
        try:
            yield
        finally:
            os.close(descriptor)
    else:
        yield  # in memory: nobody else sees it


def _lock(path: Path) -> int:
    # The file stays: with it removed, one could hold the old file's lock and another the new one's.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(descriptor)
        if isinstance(exc, BlockingIOError):
            raise _in_use(str(path.with_suffix(""))) from None
        raise
    return descriptor


@asynccontextmanager
async def _advisory_lock(url: URL) -> AsyncIterator[None]:
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True)
    connection = engine.connect()
    try:
        if not await _is_granted(connection):
            raise _in_use("the database of database_url")
        yield
    finally:
        if connection.sync_connection is not None:
            await connection.close()
        await engine.dispose()


async def _is_granted(connection: AsyncConnection) -> bool:
    try:
        await connection.start()
    except StorageError:
        raise
    except Exception as exc:  # asyncpg's own errors, OSError
        raise StorageError(f"the database does not answer ({type(exc).__name__})") from exc
    for name, value in _KEEPALIVE.items():
        await connection.execute(text(f"SET {name} = {value}"))
    return bool(await connection.scalar(text(f"SELECT pg_try_advisory_lock({ADVISORY_KEY})")))


def _in_use(what: str) -> CannotStart:
    return CannotStart(f"another server runs on {what}: stop it first, or give this one a data_dir of its own")
