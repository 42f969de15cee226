"""The transcriber's process: ``python -m server.analysis.transcriber FD SETTING``, FD being its end of a socket pair.

A transcriber is slow, and some hold Python's interpreter lock for seconds: in a process of its own it delays nobody.
The worker that started it sends one utterance at a time, ``["utterance", pcm]``, and gets ``["words", [...]]`` for it;
first of all comes ``["ready", version]``. The process ends when the socket is closed, thus also when the worker dies.
"""

import os
import socket
import sys
from typing import Any

import numpy as np

from models.transcriber import load_transcriber
from pipeline.language.words import Transcriber, Word
from pipeline.types import FloatArray
from server.analysis.link import LinkError, Unpacker, pack

NICENESS = 5
"""Added to the worker's: estimates go first."""
RECEIVE_BYTES = 256 * 1024
READY, UTTERANCE, WORDS = "ready", "utterance", "words"
_FULL_SCALE = 32767


def to_pcm(samples: FloatArray) -> bytes:
    """Return sound in [-1, 1] as 16-bit little-endian numbers."""
    return np.round(np.clip(samples, -1.0, 1.0) * _FULL_SCALE).astype("<i2").tobytes()


def words_from(body: list[Any]) -> tuple[Word, ...]:
    """Return the words of an answer. Raises LinkError when it is none."""
    try:
        tag, rows = body
        if tag != WORDS:
            raise LinkError("not an answer of the transcriber")
        return tuple(
            Word(text=str(text), from_s=float(from_s), to_s=float(to_s), confidence=confidence)
            for text, from_s, to_s, confidence in rows
        )
    except (TypeError, ValueError) as exc:
        raise LinkError("not an answer of the transcriber") from exc


def serve(link: socket.socket, transcribe: Transcriber) -> None:
    """Answer utterances until the other end closes."""
    unpacker = Unpacker()
    link.sendall(pack([READY, transcribe.version]))
    while data := link.recv(RECEIVE_BYTES):
        for _, pcm in unpacker.feed(data):
            samples: FloatArray = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(_FULL_SCALE)
            words = transcribe(samples)
            link.sendall(pack([WORDS, [[word.text, word.from_s, word.to_s, word.confidence] for word in words]]))


def main(argv: list[str]) -> int:
    """Run on the inherited socket argv[0] with the transcriber of the setting argv[1]."""
    os.nice(NICENESS)
    with socket.socket(fileno=int(argv[0])) as link:
        try:
            serve(link, load_transcriber(argv[1]))
        except (BrokenPipeError, ConnectionResetError):
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
