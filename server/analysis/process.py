"""One worker process: started, watched, restarted; the parent's end of the link."""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from server.analysis.feed import AnalysisFeed, WorkerState
from server.analysis.link import LinkError, Unpacker, pack
from server.analysis.messages import (
    Checkpoint,
    Closed,
    EstimateMade,
    Explained,
    Failed,
    KeyframeWanted,
    Ping,
    Pong,
    Ready,
    ToWorker,
    WordsMade,
    from_body,
    to_body,
)

START_TIMEOUT_S = 120.0
"""Loading the models on a busy machine."""
HEARTBEAT_S = 1.0
PONG_TIMEOUT_S = 2.5
MISSED_PONGS = 2
"""A worker that lets this many heartbeats in a row pass without an answer (5 s together) is frozen."""
MAX_BACK_OFF_S = 30.0
HEALTHY_S = 60.0
"""A worker that lived this long is restarted without delay."""
WRITE_BUFFER_BYTES = 64 * 1024
"""More waits in the feeds, where drops are chosen well."""
EXIT_TIMEOUT_S = 2.0
KEPT_STDERR_BYTES = 2000
"""The last words of a worker, for the log when it dies."""

_ROOT = Path(__file__).resolve().parents[2]
_log = logging.getLogger(__name__)


class Link(asyncio.Protocol):
    """The socket to one incarnation of the worker: pulls from the feeds when there is room, hands out what comes."""

    def __init__(self, pump: Callable[[], None], on_message: Callable[[object], None]) -> None:
        self._pump = pump
        self._on_message = on_message
        self._unpacker = Unpacker()
        self._transport: asyncio.Transport | None = None
        self._is_paused = False
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound the transport's own buffer."""
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand out complete messages; give the link up when they make no sense."""
        try:
            for body in self._unpacker.feed(data):
                self._on_message(from_body(body))
        except LinkError as exc:
            _log.error("analysis worker broke the link: %s", exc)
            self.close()

    def pause_writing(self) -> None:
        """The worker is behind."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """There is room again."""
        self._is_paused = False
        self._pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """The worker closed its end or died."""
        self.lost.set()

    @property
    def has_room(self) -> bool:
        """True while a message can be written without piling up."""
        return not self._is_paused and not self.lost.is_set()

    def write(self, message: ToWorker) -> None:
        """Send a message."""
        if self._transport is not None and not self.lost.is_set():
            self._transport.write(pack(to_body(message)))

    def close(self) -> None:
        """Close the socket; a healthy worker exits on that."""
        if self._transport is not None:
            self._transport.abort()


class WorkerProcess:
    """A place in the pool: always one process, or one being restarted, and the feeds it serves."""

    def __init__(self, name: str, *, clock: Callable[[], float], arguments: Sequence[str] = ()) -> None:
        self.name = name
        self.state = WorkerState.STARTING
        self.settled = asyncio.Event()
        """Set once the first start has succeeded or failed."""
        self.pid: int | None = None
        """Of the running process."""
        self.restarts = 0
        self.model_version: str | None = None
        self._clock = clock
        self._arguments = tuple(arguments)
        self._feeds: dict[str, AnalysisFeed] = {}
        self._link: Link | None = None
        self._ready = asyncio.Event()
        self._pong = asyncio.Event()
        self._stderr = b""
        self._task = asyncio.get_running_loop().create_task(self._keep_running(), name=name)

    @property
    def n_feeds(self) -> int:
        """How many sessions this worker has."""
        return sum(not feed.is_closed for feed in self._feeds.values())

    def add(self, feed: AnalysisFeed) -> None:
        """Serve a feed from now on, through all restarts."""
        self._feeds[feed.session_id] = feed
        if self.state is WorkerState.READY:
            feed.attach(self._pump)
        else:
            feed.detach(self.state)

    def remove(self, feed: AnalysisFeed) -> None:
        """Forget a feed that is closed."""
        self._feeds.pop(feed.session_id, None)

    async def stop(self) -> None:
        """End the process for good."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _keep_running(self) -> None:
        back_off_s = 0.0
        while True:
            started_s = self._clock()
            await self._run_once()
            self.settled.set()
            if self._clock() - started_s > HEALTHY_S:
                back_off_s = 0.0
            self.restarts += 1
            self._change(WorkerState.RESTARTING if back_off_s < MAX_BACK_OFF_S else WorkerState.FAILED)
            await asyncio.sleep(back_off_s)
            back_off_s = min(MAX_BACK_OFF_S, max(1.0, 2 * back_off_s))

    async def _run_once(self) -> None:
        """Start a process and return when it is no more."""
        ours, theirs = socket.socketpair()
        process: asyncio.subprocess.Process | None = None
        stderr_task: asyncio.Task[None] | None = None
        self._ready.clear()
        self._stderr = b""
        try:
            ours.setblocking(False)
            with theirs:
                process = await _spawn(theirs.fileno(), self._arguments)
            self.pid = process.pid
            stderr_task = asyncio.create_task(self._read_stderr(process), name=f"{self.name}-stderr")
            loop = asyncio.get_running_loop()
            _, self._link = await loop.create_connection(lambda: Link(self._pump, self._take), sock=ours)
            await self._watch(self._link)
        except OSError:
            _log.exception("%s could not be started", self.name)
        finally:
            if self._link is not None:
                self._link.close()
            self._link = None
            ours.close()
            self.pid = None
            if process is not None:
                await _end(process)
            if stderr_task is not None:
                stderr_task.cancel()
        _log.error(
            "%s ended, exit status %s; last words: %s", self.name, process and process.returncode, list(self._stderr)
        )

    async def _watch(self, link: Link) -> None:
        """Return when the worker is dead, frozen or not able to start."""
        lost = asyncio.create_task(link.lost.wait(), name=f"{self.name}-lost")
        try:
            if not await _first(self._ready, lost, START_TIMEOUT_S):
                return
            self._change(WorkerState.READY)
            self.settled.set()
            n_missed, number = 0, 0
            while n_missed < MISSED_PONGS and not lost.done():
                self._pong.clear()
                number += 1
                link.write(Ping(number=number))
                if await _first(self._pong, lost, PONG_TIMEOUT_S):
                    n_missed = 0
                    await asyncio.wait([lost], timeout=HEARTBEAT_S)
                else:
                    n_missed += 1
            if not lost.done():
                _log.error("%s is frozen", self.name)
        finally:
            lost.cancel()

    async def _read_stderr(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while data := await process.stderr.read(4096):
            self._stderr = (self._stderr + data)[-KEPT_STDERR_BYTES:]

    def _change(self, state: WorkerState) -> None:
        self.state = state
        self._feeds = {name: feed for name, feed in self._feeds.items() if not feed.is_closed}
        for feed in list(self._feeds.values()):
            if state is WorkerState.READY:
                feed.attach(self._pump)
            else:
                feed.detach(state)

    def _pump(self) -> None:
        """Move messages from the feeds to the link, in turn, while the link has room."""
        link = self._link
        if link is None:
            return
        waiting = list(self._feeds.values())
        while waiting and link.has_room:
            for feed in list(waiting):
                message = feed.take()
                if message is None:
                    waiting.remove(feed)
                else:
                    link.write(message)
                if not link.has_room:
                    return

    def _take(self, message: object) -> None:
        match message:
            case Ready():
                self.model_version = message.model_version
                self._ready.set()
            case Pong():
                self._pong.set()
            case EstimateMade() | WordsMade() | Checkpoint() | Explained() | KeyframeWanted() | Closed() | Failed():
                feed = self._feeds.get(message.session_id)
                if feed is not None:
                    self._take_for(feed, message)
            case _:
                raise LinkError("message of the wrong direction")

    def _take_for(
        self,
        feed: AnalysisFeed,
        message: EstimateMade | WordsMade | Checkpoint | Explained | KeyframeWanted | Closed | Failed,
    ) -> None:
        match message:
            case EstimateMade():
                feed.take_estimate(message)
            case WordsMade():
                feed.take_words(message)
            case Checkpoint():
                feed.take_checkpoint(message)
            case Explained():
                feed.take_explanation(message)
            case KeyframeWanted():
                feed.want_keyframe()
            case Closed():
                self.remove(feed)
                feed.finish(has_failed=False)
            case Failed():
                _log.error("analysis of session %s failed in the worker: %s", feed.session_id, message.error)
                if not feed.start_over(self._pump):
                    self.remove(feed)
                    feed.finish(has_failed=True)


async def _first(event: asyncio.Event, lost: asyncio.Task[bool], timeout_s: float) -> bool:
    """Wait for an event; False when the link was lost or the time is up."""
    waiter = asyncio.create_task(event.wait(), name="analysis-wait")
    await asyncio.wait([waiter, lost], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
    return event.is_set()


async def _spawn(fd: int, arguments: Sequence[str]) -> asyncio.subprocess.Process:
    # The server's settings hold secrets that a process which decodes foreign media has no use for.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSURE_")}
    env |= {"PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    # MediaPipe's threads come and go with the sessions; with an arena each, 2 MB of every session would never return.
    env["MALLOC_ARENA_MAX"] = "1"
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server.analysis.worker",
        str(fd),
        *arguments,
        pass_fds=[fd],
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        # A terminal's Ctrl-C reaches the server only, which ends its workers in order.
        start_new_session=True,
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    """Wait for the process to exit, which it does when its link is closed; kill it when it does not."""
    try:
        await asyncio.wait_for(process.wait(), EXIT_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
