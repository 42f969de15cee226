"""The worker process: ``python -m server.analysis.worker FD``, FD being its end of the link; options may follow.

One thread takes messages in the order in which they come. The process ends when the link is closed, thus also when
the server dies. Whatever C libraries write to standard output or error does not touch the link.
"""

import os
import select
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import scipy.interpolate
import scipy.signal  # noqa: F401  # both load when first used, which would hold the first estimate up for a second

from models.face_mesh import FaceMeshFinder
from models.loader import FlipAveraged, load_emotion_classifier, load_eye_classifier, load_voice_classifier
from models.stress_module import load_stress_module
from models.voice_activity import WebRtcDetector
from pipeline.learned import LearnedStress
from server import clock
from server.analysis.analyser import Networks, SessionAnalyser
from server.analysis.link import Unpacker, pack
from server.analysis.messages import (
    Close,
    Closed,
    Explain,
    Failed,
    FromWorker,
    HearThrough,
    InSession,
    MakeEstimate,
    MarkGap,
    MarkQuestion,
    Media,
    Open,
    OthersSpeak,
    Ping,
    Pong,
    Ready,
    Recalibrate,
    Transcribe,
    from_body,
    to_body,
)
from server.analysis.transcription import Transcription

FLIP = "--emotion-flip"
TRANSCRIBER = "--transcriber="
"""Followed by the setting; without it no words are written down."""
STRESS_MODEL = "--stress-model"
"""Followed by the file of a decision module."""

NICENESS = 5
"""The media plane goes first when there are too few cores."""
RECEIVE_BYTES = 256 * 1024


class Worker:
    """The sessions of this process and the models they share."""

    def __init__(
        self,
        networks: Networks,
        make_face_finder: Callable[[], FaceMeshFinder],
        module: LearnedStress | None = None,
        transcription: Transcription | None = None,
    ) -> None:
        self._networks = networks
        self._module = module
        self._make_face_finder = make_face_finder
        self._sessions: dict[str, tuple[SessionAnalyser, FaceMeshFinder]] = {}
        self._transcription = transcription
        self._closing: set[str] = set()
        """Sessions of which only words are still to come."""

    def handle(self, message: object) -> Iterator[FromWorker]:
        """Take one message and yield the answers. An error in a session closes that session only."""
        match message:
            case Ping():
                yield Pong(number=message.number)
            case Close():
                yield from self._close(message.session_id)
            case (
                Open()
                | Media()
                | MarkGap()
                | OthersSpeak()
                | HearThrough()
                | MarkQuestion()
                | Transcribe()
                | MakeEstimate()
                | Recalibrate()
                | Explain()
            ):
                try:
                    yield from self._handle_in_session(message)
                except Exception as exc:  # the boundary of a session: the others must go on
                    self._forget(message.session_id)
                    yield Failed(session_id=message.session_id, error=_describe(exc))

    def _handle_in_session(
        self,
        message: Open | InSession,
    ) -> Iterator[FromWorker]:
        if isinstance(message, Open):
            self._forget(message.session_id)
            finder = self._make_face_finder()
            analyser = SessionAnalyser(
                message,
                networks=self._networks,
                find_face=finder,
                detect_speech=WebRtcDetector(),
                clock=clock.monotonic_s,
                transcription=self._transcription,
                module=self._module,
            )
            self._sessions[message.session_id] = (analyser, finder)
        elif message.session_id in self._sessions:
            # What is still under way to a session that failed is not answered.
            yield from self._sessions[message.session_id][0].handle(message)
            yield from self._close_if_done(message.session_id)

    def take_words(self) -> Iterator[FromWorker]:
        """Yield what the transcriber has written down; call when its socket can be read."""
        if self._transcription is None:
            return
        self._transcription.receive()
        for session_id, (analyser, _) in list(self._sessions.items()):
            yield from analyser.collect_words()
            yield from self._close_if_done(session_id)

    def _close(self, session_id: str) -> Iterator[FromWorker]:
        """Close a session, at once or when its last words have come; who waits for it knows how long to wait."""
        entry = self._sessions.get(session_id)
        if entry is not None and entry[0].finish_words():
            self._closing.add(session_id)
            return
        if entry is not None:
            yield from entry[0].collect_words()
        self._forget(session_id)
        yield Closed(session_id=session_id)

    def _close_if_done(self, session_id: str) -> Iterator[FromWorker]:
        if session_id in self._closing and not self._sessions[session_id][0].is_writing:
            self._forget(session_id)
            yield Closed(session_id=session_id)

    def _forget(self, session_id: str) -> None:
        self._closing.discard(session_id)
        entry = self._sessions.pop(session_id, None)
        if entry is not None:
            entry[0].drop_words()
            entry[1].close()


def serve(
    link: socket.socket,
    *,
    is_flip_averaged: bool,
    stress_model: Path | None = None,
    transcription: Transcription | None = None,
) -> None:
    """Load the models, say so, and work until the other end closes."""
    started_s = clock.monotonic_s()
    emotions = load_emotion_classifier()
    networks = Networks(
        emotions=FlipAveraged(emotions) if is_flip_averaged else emotions,
        eyes=load_eye_classifier(),
        voice=load_voice_classifier(),
    )
    module = None if stress_model is None else load_stress_module(stress_model).module
    FaceMeshFinder().close()  # the first one pays for loading the library
    worker = Worker(networks, FaceMeshFinder, module, transcription)
    unpacker = Unpacker()
    versions = (networks.emotions.version, *(() if module is None else (module.version,)))
    _send(link, Ready(model_version=" ".join(versions), load_s=clock.monotonic_s() - started_s))
    while True:
        if _wait(link, transcription):
            for answer in worker.take_words():
                _send(link, answer)
            continue
        data = link.recv(RECEIVE_BYTES)
        if not data:
            return
        for body in unpacker.feed(data):
            for answer in worker.handle(from_body(body)):
                _send(link, answer)


def _wait(link: socket.socket, transcription: Transcription | None) -> bool:
    """Wait for bytes; return True when they are the transcriber's."""
    writer = None if transcription is None else transcription.socket
    if writer is None:
        return False  # reading the link waits
    readable, _, _ = select.select([link, writer], [], [])
    return writer in readable


def main(argv: list[str]) -> int:
    """Run a worker on the inherited socket argv[0]; FLIP and STRESS_MODEL may follow."""
    os.nice(NICENESS)
    rest = argv[1:]
    stress_model = Path(rest[rest.index(STRESS_MODEL) + 1]) if STRESS_MODEL in rest else None
    setting = next((item.removeprefix(TRANSCRIBER) for item in rest if item.startswith(TRANSCRIBER)), None)
    transcription = None if setting is None else Transcription(setting)
    with socket.socket(fileno=int(argv[0])) as link:
        try:
            serve(link, is_flip_averaged=FLIP in rest, stress_model=stress_model, transcription=transcription)
        except (BrokenPipeError, ConnectionResetError):
            return 0
        finally:
            if transcription is not None:
                transcription.close()
    return 0


def _send(link: socket.socket, message: FromWorker) -> None:
    link.sendall(pack(to_body(message)))


def _describe(error: Exception) -> str:
    """Say what broke and where, without what the error says: that might quote media."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
