import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.db.engine import Database
from server.db.migrate import migrate


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a private PostgreSQL cluster on a Unix socket, stopped afterwards."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert programs, "no PostgreSQL: scripts/test installs it"
    folder = Path("/tmp") / f"composure-pg-{secrets.token_hex(4)}"  # a socket's path must be short
    folder.mkdir(mode=0o700)
    # PostgreSQL refuses to run as root.
    user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        shutil.chown(folder, user)

    def pg(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs[-1] / program, *arguments],
            check=True,
            cwd=folder,
            user=user if os.getuid() == 0 else None,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )

    data = folder / "data"
    pg("initdb", "-D", str(data), "-U", "composure", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    pg("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+asyncpg://composure@/postgres?host={folder}"
    finally:
        pg("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A migrated, empty database of each kind."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'composure.db'}"
    else:
        url = await _fresh_postgres(request.getfixturevalue("postgres_url"))
    opened = Database.open(url)
    await migrate(opened)
    yield opened
    await opened.close()


async def _fresh_postgres(url: str) -> str:
    name = f"test_{secrets.token_hex(4)}"
    admin = Database.open(url)
    async with admin.engine.connect() as connection:
        raw = await connection.get_raw_connection()
        await raw.driver_connection.execute(f"CREATE DATABASE {name}")
    await admin.close()
    return url.replace("/postgres?", f"/{name}?")
