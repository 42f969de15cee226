"""A client in a process of its own, so that it can be frozen like a laptop that is closed.

Speaks lines on its standard streams: writes its offer, reads the answer, both as JSON strings; then runs until its
standard input ends. ``python -m tests.fakes.rtc_process publish|watch``
"""

import asyncio
import contextlib
import json
import os
import signal
import sys

from tests.fakes.rtc_peer import PublishingClient, WatchingClient


class ClientProcess:
    """Starts and talks to one."""

    def __init__(self, process, offer):
        self._process = process
        self.offer = offer

    @classmethod
    async def start(cls, mode):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.fakes.rtc_process", mode),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 20,
        )
        async with asyncio.timeout(20):
            return cls(process, json.loads(await process.stdout.readline()))

    def accept(self, answer_sdp):
        self._process.stdin.write(json.dumps(answer_sdp).encode() + b"\n")

    def freeze(self):
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self._process.pid, signal.SIGCONT)

    async def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.communicate()


async def _main(mode):
    client = PublishingClient() if mode == "publish" else WatchingClient()
    sys.stdout.write(json.dumps(await client.offer()) + "\n")
    sys.stdout.flush()
    answer = await asyncio.to_thread(sys.stdin.readline)
    await client.accept(json.loads(answer))
    await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
