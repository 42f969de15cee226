"""Processes of a bench that talk to it in JSON lines on their stdin and stdout."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ANSWER_TIMEOUT_S = 30.0
END_TIMEOUT_S = 5.0
ROOT = Path(__file__).resolve().parents[1]


class Peer:
    """One process of the bench, as the bench sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._is_frozen = False

    async def order(self, **message: Any) -> None:
        """Send one order."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        await self._process.stdin.drain()

    async def said(self) -> dict[str, Any]:
        """Return the next thing the process says."""
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process of the bench ended early; see its message above")
        message: dict[str, Any] = json.loads(line)
        return message

    def cpu_s(self) -> float:
        """Return the processor time so far, threads included (proc(5): utime and stime)."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does; it only ends by being killed."""
        self._process.send_signal(signal.SIGSTOP)
        self._is_frozen = True

    async def end(self) -> None:
        """Let the process end; kill it if it does not."""
        assert self._process.stdin is not None
        if self._is_frozen:
            self._process.kill()
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_TIMEOUT_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def started(
    module: str, *arguments: Sequence[str], within: Sequence[Sequence[str]] = ()
) -> AsyncIterator[list[Peer]]:
    """Start a process of this module for each list of arguments; end them again.

    Args:
        within: commands that start them, such as one that enters a namespace; none, or one for each.
    """
    running: list[Peer] = []
    try:
        for before, each in zip(within or [()] * len(arguments), arguments, strict=True):
            process = await asyncio.create_subprocess_exec(
                *(*before, sys.executable, "-m", module, *each),
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=1 << 26,
            )
            running.append(Peer(process))
        yield running
    finally:
        await asyncio.gather(*(peer.end() for peer in running))


def say(**message: Any) -> None:
    """Tell the bench something, from within a process of it."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def orders() -> AsyncIterator[dict[str, Any]]:
    """Yield what the bench orders, until it closes our stdin."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)
