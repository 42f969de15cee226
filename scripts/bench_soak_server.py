"""The server that is soaked: ``python -m server serve --demo`` as a process of its own, and an interviewer's way in."""

import asyncio
import os
import re
import signal
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from scripts.bench_processes import ROOT
from server.protocol import HEARTBEAT_S

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
_CSRF = re.compile(r'name="csrf" content="([^"]+)"')
_TAP_TOKEN = re.compile(r'id="tap-token"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*id="tap-token"')


class SoakServer:
    """A running demo, seen by an interviewer who is logged in."""

    def __init__(self, process: asyncio.subprocess.Process, base_url: str, http: aiohttp.ClientSession) -> None:
        self.pid = process.pid
        self.base_url = base_url
        self.http = http
        self.interview_id = ""
        self.candidate_id = ""
        self.n_estimates = 0
        self._csrf = ""

    async def log_in(self, link: str) -> None:
        """Use the link that the server printed."""
        async with self.http.get(link) as response:
            response.raise_for_status()
            self.interview_id = response.url.path.split("/")[2]
            self._csrf = _first(_CSRF, await response.text())

    async def access(self) -> dict[str, Any]:
        """Return a fresh access token with its room and participant."""
        url = f"{self.base_url}/api/interviews/{self.interview_id}/access"
        async with self.http.post(url, headers={"X-CSRF-Token": self._csrf}) as response:
            response.raise_for_status()
            answer: dict[str, Any] = await response.json()
            return answer

    async def make_tap_token(self) -> str:
        """Return a token for research taps."""
        url = f"{self.base_url}/interviews/{self.interview_id}/taps"
        async with self.http.post(url, data={"csrf": self._csrf, "label": "soak"}) as response:
            response.raise_for_status()
            return _first(_TAP_TOKEN, await response.text())

    async def attend(self) -> None:
        """Be in the room for ever: the candidate is known by it, the analysis is started, estimates are counted."""
        while True:
            access = await self.access()
            async with self.http.ws_connect(f"{self.base_url}/ws/{access['room_id']}") as ws:
                await ws.send_json({"type": "hello", "token": access["token"]})
                beat = asyncio.create_task(_beat(ws), name="heartbeat")
                try:
                    async for message in ws:
                        await self._take(ws, message.json())
                finally:
                    beat.cancel()
                    await asyncio.gather(beat, return_exceptions=True)

    async def _take(self, ws: aiohttp.ClientWebSocketResponse, event: dict[str, Any]) -> None:
        self.n_estimates += event["type"] == "estimate"
        if event["type"] == "state":
            candidate = next(person for person in event["participants"] if person["role"] == "candidate")
            if candidate["publishing"]:
                self.candidate_id = candidate["id"]
                if not event["analysis"]["on"]:
                    await ws.send_json({"type": "start_analysis"})

    async def watch(self, offer: str) -> str:
        """Answer an offer to watch the candidate."""
        access = await self.access()
        url = f"{self.base_url}/whep/{access['room_id']}/{self.candidate_id}"
        headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {access['token']}"}
        async with self.http.post(url, data=offer, headers=headers) as response:
            response.raise_for_status()
            return await response.text()

    async def health(self) -> dict[str, Any]:
        """Return what /healthz says."""
        async with self.http.get(f"{self.base_url}/healthz") as response:
            answer: dict[str, Any] = await response.json()
            return answer

    def rss_mb(self) -> float:
        """Return the resident memory of the server's own process (proc(5): statm)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def worker_pids(self) -> list[int]:
        """Return its analysis workers."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"server.analysis.worker" in _command(pid)]


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""  # it has ended meanwhile


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    if found is None:
        raise RuntimeError("the page is not as expected")
    return next(group for group in found.groups() if group is not None)


async def _beat(ws: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        await ws.send_json({"type": "ping"})


@asynccontextmanager
async def soak_server() -> AsyncIterator[SoakServer]:
    """Run the demo while the context is open; nothing of it is left afterwards."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSURE_")}
    environ |= {"COMPOSURE_ICE_ADDRESSES": "127.0.0.1", "PYTHONUNBUFFERED": "1"}
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", "serve", "--demo", "--port", "0", "--data-dir", f"{folder}/data"),
            cwd=ROOT,
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        said: deque[str] = deque(maxlen=50)
        reader: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                link = await _link(process, said)
            reader = asyncio.create_task(_read(process, said), name="server output")
            async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
                server = SoakServer(process, link.split("/enter/")[0], http)
                await server.log_in(link)
                yield server
        except BaseException:
            print("the server said:", *said, sep="\n", file=sys.stderr)
            raise
        finally:
            await _stop(process)
            if reader is not None:
                await reader


async def _link(process: asyncio.subprocess.Process, said: deque[str]) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        said.append(line.decode().rstrip())
        if found := re.search(r"\S+/enter/\S+", said[-1]):
            return found[0]
    raise RuntimeError("the server ended early")


async def _read(process: asyncio.subprocess.Process, said: deque[str]) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        said.append(line.decode().rstrip())


async def _stop(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGTERM):  # the first lets interviews end, the second does not wait
        if process.returncode is None:
            process.send_signal(number)
            await asyncio.sleep(1.0)
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        print("the server did not end by itself", file=sys.stderr)
    try:
        os.killpg(process.pid, signal.SIGKILL)  # its session: also a worker that was frozen
    except ProcessLookupError:
        return
    await process.wait()
