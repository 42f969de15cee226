"""The database: does it open, and is it of a version that this program knows."""

from collections.abc import Sequence
from pathlib import Path

from server.config import Config, ConfigError
from server.db.engine import StorageError, open_database
from server.db.migrate import known_revisions, revision_of
from server.ops.doctor.findings import Finding, failed, ok
from server.ops.doctor.network import within

CHECK = "database"
TIMEOUT_S = 6.0


async def check(config: Config) -> Sequence[Finding]:
    """Open the database and read its version; changes nothing and never tells the URL, which may hold a password."""
    if not config.database_url and not (config.data_dir / "composure.db").exists():
        return [ok(CHECK, "none yet; it is made at the first start")]
    where = "the one of database_url" if config.database_url else str(config.data_dir / "composure.db")
    try:
        database = open_database(config)
    except (ConfigError, OSError) as exc:
        return [failed(CHECK, f"{where} cannot be used: {exc}", _open_fix(config))]
    try:
        revision = await within(TIMEOUT_S, revision_of(database))
    except TimeoutError:
        return [failed(CHECK, f"{where} did not answer within {TIMEOUT_S:g} s", _open_fix(config))]
    except (StorageError, OSError) as exc:
        reason = _plain_reason(exc)
        return [failed(CHECK, f"{where} does not open{reason}", _open_fix(config))]
    finally:
        await database.close()
    known = known_revisions()
    if revision is None:
        return [ok(CHECK, f"{where} is empty; its tables are made at the next start")]
    if revision not in known:
        fix = "Run the newer version of the program again, or put back the backup that was made before it."
        return [failed(CHECK, f"{where} was made by a newer version (revision {revision}, known: {known[-1]})", fix)]
    if revision != known[-1]:
        return [ok(CHECK, f"{where}, revision {revision}; brought to {known[-1]} at the next start")]
    return [ok(CHECK, f"{where}, revision {revision}")]


def _plain_reason(exc: Exception) -> str:
    """Return what SQLite says; other databases' messages may name users and hosts."""
    original = getattr(exc, "orig", None)
    if type(original).__module__ == "sqlite3":
        return f": {original}"
    return f" ({type(exc.__cause__ or exc).__name__})"


def _open_fix(config: Config) -> str:
    if config.database_url:
        return (
            "Check database_url (user, password with @, : and / written as %40, %3A and %2F, host, name) "
            "and that the database runs and takes connections."
        )
    path: Path = config.data_dir / "composure.db"
    return f"Put back the backup of {path} if it is damaged; if not, give it to the user who runs the server."
