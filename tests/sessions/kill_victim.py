"""A server below HTTP that analyses until it is killed: ``python -m tests.sessions.kill_victim DATA_DIR``.

Prints the session's id, then each estimate's time once it has been handed over, one a line.
"""

import asyncio
import sys
from pathlib import Path

from server.config import Config
from server.db.engine import Database, database_url
from server.db.migrate import migrate
from tests.fakes.rooms import FakeClock, estimate
from tests.sessions.conftest import Call, World

TICK_S = 0.05


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(data_dir: Path) -> None:
    config = Config(data_dir=data_dir)
    database = Database.open(database_url(config))
    await migrate(database)
    world = World(database, FakeClock(), config)
    user = await world.operator()
    call = Call(world, user, await world.interview(user))
    recording = asyncio.create_task(world.rooms.record(), name="estimate recorder")
    tell(await call.analyse())
    t_s = 0.0
    while not recording.done():
        t_s += 1.0
        world.analysis.newest.estimate(estimate(t_s, 0.9 if t_s == 5.0 else 0.4), 0.0)
        tell(str(t_s))
        await asyncio.sleep(TICK_S)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
