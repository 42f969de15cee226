"""``python -m server password EMAIL``: a new password for somebody who lost theirs, set on the server itself."""

from alembic.util import CommandError

from server import clock
from server.config import Config
from server.db.engine import StorageError, open_database
from server.db.migrate import migrate
from server.errors import CannotStart
from server.sessions.accounts import Accounts


async def set_password(config: Config, email: str, password: str) -> None:
    """Set a user's password and end their login sessions; the server may be running.

    Raises:
        ConfigError: the database's URL cannot be used.
        NotFound: there is no such account.
        FieldErrors: the password cannot be used.
        CannotStart: the database does not answer, or was made by a newer version.
    """
    database = open_database(config)
    try:
        await migrate(database)
        await Accounts(database, now=clock.utc_now, clock=clock.monotonic_s).set_password(email, password)
    except (StorageError, CommandError) as exc:
        raise CannotStart(str(exc)) from exc
    finally:
        await database.close()
