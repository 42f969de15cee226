"""The worker's side of its transcriber: a bounded queue of utterances and the process that writes them down."""

import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.language.utterances import Utterance
from pipeline.language.words import Word
from server.analysis.link import LinkError, Unpacker, pack
from server.analysis.transcriber import READY, RECEIVE_BYTES, UTTERANCE, to_pcm, words_from

MAX_QUEUED_S = 30.0
"""Speech of all sessions that may wait for the transcriber; what finds no room is dropped, and counted by its owner."""
MAX_DEATHS = 3
"""A transcriber that died so often is not started again."""
SEND_BUFFER_BYTES = 400_000
"""Holds the longest utterance, so that sending one waits for nobody."""
EXIT_TIMEOUT_S = 2.0

_ROOT = Path(__file__).resolve().parents[2]

Deliver = Callable[[tuple[Word, ...] | None], None]
"""Takes the words of an utterance in session time, or None when it was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    owner: object
    utterance: Utterance
    deliver: Deliver


class Transcription:
    """Writes down the utterances of all sessions of a worker, one after the other, in a process of its own.

    Nothing here waits: the owner calls ``receive`` when ``socket`` can be read. The process is started by the first
    ``warm`` or ``put``.

    Args:
        setting: of the transcriber, not ``off``.
    """

    def __init__(self, setting: str) -> None:
        self.version = ""
        """Of the transcriber, once it is ready."""
        self._setting = setting
        self._jobs: deque[_Job] = deque()
        self._working_on: _Job | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._unpacker = Unpacker()
        self._is_ready = False
        self._n_deaths = 0

    @property
    def socket(self) -> socket.socket | None:
        """What to wait for; None while no process runs."""
        return self._link

    def warm(self) -> None:
        """Start the process, unless it runs or has died too often."""
        if self._link is not None or self._n_deaths >= MAX_DEATHS:
            return
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server.analysis.transcriber", str(theirs.fileno()), self._setting],
                cwd=_ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._link, self._unpacker, self._is_ready = ours, Unpacker(), False

    def put(self, owner: object, utterance: Utterance, deliver: Deliver) -> bool:
        """Queue an utterance; False when there is no room for it or no transcriber."""
        self.warm()
        queued_s = sum(len(job.utterance.samples) for job in self._jobs) / 16_000
        if self._link is None or queued_s > MAX_QUEUED_S:
            return False
        self._jobs.append(_Job(owner=owner, utterance=utterance, deliver=deliver))
        self._send_next()
        return True

    def discard(self, owner: object) -> None:
        """Forget what of an owner waits; what is being written down now is thrown away when it comes."""
        self._jobs = deque(job for job in self._jobs if job.owner is not owner)
        if self._working_on is not None and self._working_on.owner is owner:
            self._working_on = replace(self._working_on, deliver=_throw_away)

    def receive(self) -> None:
        """Take what the process sent, hand it to its owners, and send the next utterance."""
        if self._link is None:
            return
        try:
            data = self._link.recv(RECEIVE_BYTES)
            if not data:
                raise ConnectionResetError
            for body in self._unpacker.feed(data):
                if body[0] == READY:
                    self._is_ready, self.version = True, str(body[1])
                else:
                    self._answer(words_from(body))
        except (LinkError, OSError):
            self._bury()
        self._send_next()

    def close(self) -> None:
        """End the process."""
        self._jobs.clear()
        self._working_on = None
        if self._link is not None:
            self._link.close()
        self._link = None
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(EXIT_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def _send_next(self) -> None:
        if self._link is None or not self._is_ready or self._working_on is not None or not self._jobs:
            return
        self._working_on = self._jobs.popleft()
        try:
            self._link.sendall(pack([UTTERANCE, to_pcm(self._working_on.utterance.samples)]))
        except OSError:
            self._bury()

    def _answer(self, words: tuple[Word, ...]) -> None:
        job, self._working_on = self._working_on, None
        if job is None:
            raise LinkError("an answer without a question")
        t_s = job.utterance.t_s
        job.deliver(tuple(replace(word, from_s=t_s + word.from_s, to_s=t_s + word.to_s) for word in words))

    def _bury(self) -> None:
        """The process is dead or talks nonsense: what it had is lost, what waits goes to the next one."""
        self._n_deaths += 1
        lost = [] if self._working_on is None else [self._working_on]
        waiting = deque(self._jobs)
        self.close()
        self._jobs = waiting
        self.warm()
        if self._link is None:
            lost += self._jobs
            self._jobs = deque()
        for job in lost:
            job.deliver(None)


def _throw_away(words: tuple[Word, ...] | None) -> None:
    """Nobody wants them any more."""
