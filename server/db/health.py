"""Whether the database answers."""

from sqlalchemy.exc import SQLAlchemyError

from server.db.engine import Database


async def answers(database: Database) -> bool:
    """Return whether the smallest query works; what went wrong is the driver's to say, not ours to show."""
    try:
        await database.ping()
    except (SQLAlchemyError, OSError):
        return False
    return True
