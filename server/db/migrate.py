"""Bringing a database to the present tables."""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from server.db.engine import Database

MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate(database: Database, *, revision: str = "head") -> None:
    """Apply every migration that the database does not have, all or none.

    Args:
        database: empty, or at any earlier revision.
        revision: where to stop.

    Raises:
        alembic.util.CommandError: the database was made by a newer version of this software.
    """
    async with database.write() as connection:
        await connection.run_sync(_upgrade, revision)


async def revision_of(database: Database) -> str | None:
    """Return the revision of a database's tables, None when it has none yet."""
    async with database.read() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def known_revisions() -> tuple[str, ...]:
    """Return every revision that this version knows, oldest first."""
    return tuple(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())[::-1]


def alembic_config(connection: Connection) -> AlembicConfig:
    """Return Alembic's settings for one connection; there is no alembic.ini."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection, revision: str) -> None:
    command.upgrade(alembic_config(connection), revision)
