import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from server.config import Config
from server.db.engine import Database, database_url
from server.db.migrate import migrate
from server.db.series import find_estimates, get_session, sessions_of_interview
from server.sessions.figures import close_interrupted
from server.sessions.records import SessionStatus


@pytest.mark.slow
async def test_killing_the_server_loses_at_most_two_seconds_of_estimates(tmp_path: Path):
    """The victim ticks twenty times a second; what it may lose here is half a second, on however busy a machine."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.sessions.kill_victim", str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        session_id = (await process.stdout.readline()).decode().strip()
        for _ in range(40):
            newest_s = float(await process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest = (await process.stdout.read()).split()
    newest_s = float(rest[-1]) if rest else newest_s
    assert await process.wait() == -signal.SIGKILL

    database = Database.open(database_url(Config(data_dir=tmp_path)))
    await migrate(database)
    async with database.read() as connection:
        stored = [item.t_s for item in await find_estimates(connection, session_id)]
        session = await get_session(connection, session_id)
    assert stored == [float(n + 1) for n in range(len(stored))]
    assert len(stored) >= newest_s - 10
    assert session is not None
    assert session.status is SessionStatus.LIVE

    assert await close_interrupted(database) == 1
    async with database.read() as connection:
        (session,) = await sessions_of_interview(connection, session.interview_id)
    assert (session.status, session.end_reason) == (SessionStatus.INTERRUPTED, "killed")
    assert (session.peak_stress, session.peak_t_s) == (0.9, 5.0)
    assert session.mean_stress == pytest.approx((0.4 * (len(stored) - 1) + 0.9) / len(stored))
    assert session.ended_at == session.started_at + timedelta(seconds=stored[-1])
    await database.close()
