"""How late, how smooth and how dear the analysis is: ``scripts/bench analysis [--json]``.

A real server runs in this process with real workers. Each interview has a process of its own, in which a candidate
publishes encoded media by WHIP over loopback and a dashboard listens on its websocket. Latency is from the
arrival of the newest media behind an estimate at the server to the estimate at the dashboard. Cost is the processor
time of the server and its workers. A machine that does other work meanwhile gives worse figures.
"""

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import web

from scripts.bench_analysis_clip import encode_clip
from server import clock
from server.app import make_app
from server.config import Config
from server.http.keys import ACCOUNTS, POOL, SCHEDULE, TOKENS
from server.ops.lag import LagMonitor
from server.sessions.forms import InterviewForm
from server.sessions.principals import Grant
from server.sessions.records import Purpose, User

START_TIMEOUT_S = 60.0
SETTLED_ESTIMATES = 3
"""The first ones, while decoders and tracker start, are not counted."""
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one run gave."""

    interviews: int
    latency_p50_ms: float
    latency_p95_ms: float
    loop_lag_p99_ms: float
    interviews_per_core: float
    """How many interviews, with forwarding and analysis, one core carries."""
    estimates: int
    skipped_ticks: int
    """Estimates that should have been and were not."""
    face_share: float
    """Share of estimates with a face value."""
    dropped_frames: int
    skipped_late: int
    """Pictures that were due for measuring but came too late for it."""
    server_cores: float
    worker_cores: float
    load_average: float
    """Of the last minute; far above 2 the machine did much else, and the figures say little."""


@dataclass(slots=True)
class Client:
    """A process with one interview's candidate and dashboard, and what it reported."""

    process: asyncio.subprocess.Process
    reports: list[dict[str, Any]]
    settled: asyncio.Event

    async def read(self) -> None:
        """Collect reports until the process ends."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.reports.append(json.loads(line))
            if len(self.reports) >= SETTLED_ESTIMATES:
                self.settled.set()


async def measure(n_interviews: int, seconds: float, clip: Path, workers: int) -> Figures:
    """Run a server with so many interviews and measure for some seconds."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"data_dir": folder, "port": "0", "ice_addresses": "127.0.0.1", "analysis_workers": str(workers)}
        app = make_app(Config.from_env({}, settings | {"log_level": "error"}))
        async with _serving(app) as url:
            commands = await _prepare(app, url, clip, n_interviews)
            async with _clients(commands) as clients:
                async with asyncio.timeout(START_TIMEOUT_S):
                    await asyncio.gather(*(client.settled.wait() for client in clients))
                return await _measure(app, clients, seconds)


async def _measure(app: web.Application, clients: list[Client], seconds: float) -> Figures:
    pool = app[POOL]
    pids = pool.worker_pids()
    from_s, server_from_s, workers_from_s = clock.monotonic_s(), _cpu_s(os.getpid()), sum(map(_cpu_s, pids))
    with _lag() as lag:
        await asyncio.sleep(seconds)
    to_s = clock.monotonic_s()
    server_cores = (_cpu_s(os.getpid()) - server_from_s) / (to_s - from_s)
    worker_cores = (sum(map(_cpu_s, pids)) - workers_from_s) / (to_s - from_s)
    reports = [report for client in clients for report in client.reports if from_s <= report["received_s"] <= to_s]
    latencies_ms = [report["latency_ms"] for report in reports]
    stats = pool.stats().values()
    p50_ms, p95_ms = np.percentile(latencies_ms, (50, 95)).tolist()
    return Figures(
        interviews=len(clients),
        latency_p50_ms=round(p50_ms, 1),
        latency_p95_ms=round(p95_ms, 1),
        loop_lag_p99_ms=round(lag.p99_ms() or 0.0, 1),
        interviews_per_core=round(len(clients) / (server_cores + worker_cores), 1),
        estimates=len(reports),
        skipped_ticks=sum(feed.skipped_ticks for feed in stats),
        face_share=round(sum(report["has_face"] for report in reports) / len(reports), 3),
        dropped_frames=sum(feed.dropped_video + feed.dropped_audio for feed in stats),
        skipped_late=sum(feed.worker.skipped_late for feed in stats),
        server_cores=round(server_cores, 3),
        worker_cores=round(worker_cores, 3),
        load_average=round(os.getloadavg()[0], 1),
    )


@asynccontextmanager
async def _serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    try:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _prepare(app: web.Application, url: str, clip: Path, n_interviews: int) -> list[list[str]]:
    """Schedule the interviews; return the command of each one's client process."""
    setup = await app[ACCOUNTS].new_setup_token()
    assert setup is not None, "the data folder is new"
    user = await app[ACCOUNTS].set_up(
        setup, name="Bench", email="bench@composure.invalid", password=secrets.token_urlsafe(24)
    )
    return [await _prepare_one(app, url, clip, user, number) for number in range(n_interviews)]


async def _prepare_one(app: web.Application, url: str, clip: Path, user: User, number: int) -> list[str]:
    form = InterviewForm(
        title=f"Bench {number}",
        candidate_name="Candidate",
        candidate_email=f"candidate{number}@composure.invalid",
        scheduled_at=clock.utc_now().isoformat(),
        purpose=Purpose.PRACTICE,
        questions=(),
    )
    details = await app[SCHEDULE].create(user, form)
    participant = await app[SCHEDULE].interviewer_participant(user, details.interview.id)
    join_url = f"{url}/join/{app[TOKENS].join_token(details.interview, details.candidate)}"
    token = app[TOKENS].access_token(participant, details.interview, (Grant.CONTROL,))
    room_url = f"{url}/ws/{details.interview.room_id}"
    return [sys.executable, "-m", "scripts.bench_analysis_client", str(clip), join_url, room_url, token]


@asynccontextmanager
async def _clients(commands: list[list[str]]) -> AsyncIterator[list[Client]]:
    clients: list[Client] = []
    readers: list[asyncio.Task[None]] = []
    try:
        for command in commands:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=_ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
            )
            clients.append(Client(process=process, reports=[], settled=asyncio.Event()))
            readers.append(asyncio.create_task(clients[-1].read(), name="bench client"))
        yield clients
    finally:
        for client in clients:
            with contextlib.suppress(ProcessLookupError):
                client.process.terminate()
        for client in clients:
            try:
                await asyncio.wait_for(client.process.wait(), 5.0)
            except TimeoutError:
                client.process.kill()
                await client.process.wait()
        await asyncio.gather(*readers, return_exceptions=True)


@contextmanager
def _lag() -> Iterator[LagMonitor]:
    lag = LagMonitor(clock.monotonic_s)
    task = asyncio.get_running_loop().create_task(lag.run(), name="bench lag")
    try:
        yield lag
    finally:
        task.cancel()


def _cpu_s(pid: int) -> float:
    """Processor time of a process so far, threads included (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench analysis", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object: the last run, and all under runs")
    parser.add_argument("--interviews", default="1,4", help="how many at once, comma separated; a run for each")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each measurement")
    parser.add_argument("--workers", type=int, default=1, help="worker processes of the server")
    return parser


def main(argv: list[str]) -> int:
    """Measure and print."""
    options = _parser().parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip"
        encode_clip().save(clip)
        runs = [
            asdict(asyncio.run(measure(int(number), options.seconds, clip, options.workers)))
            for number in options.interviews.split(",")
        ]
    if options.json:
        print(json.dumps({**runs[-1], "runs": runs}, indent=2))
    else:
        for run in runs:
            print("\n".join(f"{name:22} {value}" for name, value in run.items()), end="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
