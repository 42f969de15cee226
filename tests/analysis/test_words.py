"""Words from encoded sound to the server's messages, with a real process that writes them down."""

import socket
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from pipeline.language.utterances import Utterance
from pipeline.language.words import Word
from pipeline.types import Reason
from server import clock
from server.analysis import transcription as transcription_module
from server.analysis.analyser import Networks
from server.analysis.feed import AnalysisFeed
from server.analysis.link import LinkError, Unpacker, pack
from server.analysis.messages import (
    Checkpoint,
    Close,
    Closed,
    EstimateMade,
    MakeEstimate,
    Media,
    Open,
    Transcribe,
    WordsMade,
)
from server.analysis.transcriber import READY, UTTERANCE, WORDS, serve, words_from
from server.analysis.transcription import MAX_QUEUED_S, Transcription
from server.analysis.worker import Worker
from tests.fakes.face import FixedClassifier, FixedEyeClassifier, FixedVoiceClassifier, NobodyFinder
from tests.fakes.media import at, portrait_voice

SECOND = np.full(16_000, 0.1, np.float32)
LIMIT_S = 60.0

PROGRAM = """
import socket, sys
from server.analysis.link import Unpacker, pack
link, unpacker, n = socket.socket(fileno=int(sys.argv[1])), Unpacker(), 0
link.sendall(pack(["ready", "counter 1"]))
while data := link.recv(65536):
    for _ in unpacker.feed(data):
        n += 1
        if {dies} and n == 2:
            sys.exit(3)
        link.sendall(pack(["words", [[f"w{{n}}", 0.1, 0.2, 0.5]]]))
"""
"""Starts much faster than one that loads numpy."""


@pytest.fixture
def make_transcription(monkeypatch):
    """A transcription whose process counts utterances instead of understanding them."""
    made = []
    real = transcription_module.subprocess.Popen

    def start(dies=False):
        def popen(command, **options):
            if "server.analysis.transcriber" in command:
                command = [sys.executable, "-c", PROGRAM.format(dies=dies), command[3]]
            return real(command, **options)

        monkeypatch.setattr(transcription_module.subprocess, "Popen", popen)
        made.append(Transcription("counter"))
        return made[-1]

    yield start
    for item in made:
        item.close()


def receive_until(transcription, condition, and_then=lambda: None):
    deadline_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline_s
        assert transcription.socket is not None
        transcription.socket.settimeout(LIMIT_S)
        transcription.receive()
        and_then()


def test_words_come_back_in_session_time_and_in_order(make_transcription):
    transcription = make_transcription()
    got = []
    for t_s in (5.0, 9.0):
        assert transcription.put("a", Utterance(t_s=t_s, samples=SECOND), got.append)
    receive_until(transcription, lambda: len(got) == 2)
    assert [(word.text, word.from_s) for (word,) in got] == [("w1", 5.1), ("w2", 9.1)]
    assert transcription.version == "counter 1"


def test_a_full_queue_refuses(make_transcription):
    transcription = make_transcription()
    taken = [transcription.put("a", Utterance(t_s=0.0, samples=SECOND), lambda words: None) for _ in range(40)]
    assert taken.index(False) == MAX_QUEUED_S + 1  # it is not ready yet, so all of them wait
    assert not any(taken[taken.index(False) :])


def test_what_was_withdrawn_is_never_delivered(make_transcription):
    transcription = make_transcription()
    withdrawn, kept = [], []
    owner = object()
    transcription.put(owner, Utterance(t_s=0.0, samples=SECOND), withdrawn.append)
    transcription.put(owner, Utterance(t_s=1.0, samples=SECOND), withdrawn.append)
    transcription.put("b", Utterance(t_s=2.0, samples=SECOND), kept.append)
    receive_until(transcription, lambda: transcription.version != "")  # the first one is being written down
    transcription.discard(owner)
    receive_until(transcription, lambda: kept)
    assert withdrawn == []
    assert kept[0][0].text == "w2"


def test_a_process_that_dies_loses_one_utterance_and_comes_back(make_transcription):
    transcription = make_transcription(dies=True)
    got = []
    for t_s in range(3):
        transcription.put("a", Utterance(t_s=float(t_s), samples=SECOND), got.append)
    receive_until(transcription, lambda: len(got) == 3)
    assert [words and words[0].text for words in got] == ["w1", None, "w1"]


def test_one_that_keeps_dying_is_given_up(make_transcription, monkeypatch):
    monkeypatch.setattr(transcription_module, "MAX_DEATHS", 1)
    transcription = make_transcription(dies=True)
    got = []
    for t_s in range(3):
        transcription.put("a", Utterance(t_s=float(t_s), samples=SECOND), got.append)
    receive_until(transcription, lambda: len(got) == 3)
    assert [words and words[0].text for words in got] == ["w1", None, None]
    assert not transcription.put("a", Utterance(t_s=9.0, samples=SECOND), got.append)


def test_the_process_writes_down_what_it_is_sent():
    heard = []

    class Listener:
        version = "x"

        def __call__(self, samples):
            heard.append(samples)
            return (Word(text="yes", from_s=0.0, to_s=0.5, confidence=None),)

    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(pack([UTTERANCE, np.full(100, 16384, "<i2").tobytes()]))
        ours.shutdown(socket.SHUT_WR)
        serve(theirs, Listener())
        answers = list(Unpacker().feed(ours.recv(65536)))
    assert answers[0] == [READY, "x"]
    assert words_from(answers[1]) == (Word(text="yes", from_s=0.0, to_s=0.5, confidence=None),)
    assert heard[0].dtype == np.float32
    assert np.allclose(heard[0], 0.5, atol=1e-4)


@pytest.mark.parametrize("body", [["x", []], [WORDS], [WORDS, [["a", 0.0, 1.0]]], [WORDS, [["a", "b", 1.0, None]]]])
def test_nonsense_is_no_answer(body):
    with pytest.raises(LinkError):
        words_from(body)


# --- through the worker ---


class Desk:
    def __init__(self, transcription):
        self.transcription = transcription
        networks = Networks(emotions=FixedClassifier(), eyes=FixedEyeClassifier(), voice=FixedVoiceClassifier())
        self.worker = Worker(networks, NobodyFinder, transcription=transcription)
        self.answers = []

    def send(self, *messages):
        for message in messages:
            self.answers += self.worker.handle(message)

    def of(self, kind):
        return [answer for answer in self.answers if isinstance(answer, kind)]

    def take_words(self):
        self.answers += self.worker.take_words()

    def wait_for(self, kind):
        deadline_s = time.monotonic() + LIMIT_S
        while not self.of(kind):
            assert time.monotonic() < deadline_s
            self.transcription.socket.settimeout(LIMIT_S)
            self.take_words()


def open_session(desk, *, is_on=True, seconds=6.0):
    origin_s = clock.monotonic_s() + 60.0
    desk.send(Open(session_id="a", origin_s=origin_s, analysis_fps=5.0, landmark_fps=30.0, state=None))
    if is_on:
        desk.send(Transcribe(session_id="a", is_on=True))
    return [Media(session_id="a", frame=frame) for frame in at(portrait_voice(seconds), origin_s)]


def test_words_of_the_voice_are_made_and_closing_waits_for_the_last(make_transcription):
    desk = Desk(make_transcription())
    desk.send(*open_session(desk), Close(session_id="a"))
    assert desk.answers == []
    desk.wait_for(Closed)
    words = [word for made in desk.of(WordsMade) for word in made.words]
    assert words
    assert {made.transcriber for made in desk.of(WordsMade)} == {"counter 1"}
    assert all(0 <= word.from_s < 6.1 for word in words)
    assert desk.answers[-1] == Closed(session_id="a")


def test_without_consent_no_process_is_started(make_transcription):
    desk = Desk(make_transcription())
    desk.send(*open_session(desk, is_on=False), MakeEstimate(session_id="a", t_s=6.0), Close(session_id="a"))
    assert desk.transcription.socket is None
    assert desk.of(WordsMade) == []
    assert len(desk.of(Closed)) == 1


def test_a_withdrawal_stops_words_at_once_and_a_closing_session_too(make_transcription):
    desk = Desk(make_transcription())
    desk.send(*open_session(desk), Close(session_id="a"), Transcribe(session_id="a", is_on=False))
    assert len(desk.of(Closed)) == 1
    assert desk.of(WordsMade) == []


def test_a_worker_that_goes_on_after_a_withdrawal_says_nothing_of_the_words_in_its_checkpoint(make_transcription):
    first, second = Desk(make_transcription()), Desk(make_transcription())
    first.send(*open_session(first, seconds=12.0))
    first.wait_for(WordsMade)
    first.send(MakeEstimate(session_id="a", t_s=12.0))
    (checkpoint,) = first.of(Checkpoint)
    origin_s = clock.monotonic_s() + 60.0
    second.send(
        Open(session_id="a", origin_s=origin_s, analysis_fps=5.0, landmark_fps=30.0, state=checkpoint.state),
        Transcribe(session_id="a", is_on=False),
        MakeEstimate(session_id="a", t_s=13.0),
    )
    (made,) = second.of(EstimateMade)
    of_words = [signal for signal in made.estimate.signals if signal.name.startswith("words.")]
    assert {(signal.value, signal.reason) for signal in of_words} == {(None, Reason.NOT_TRANSCRIBED)}


def test_signals_of_words_are_in_the_estimate(make_transcription):
    desk = Desk(make_transcription())
    desk.send(*open_session(desk, seconds=12.0))  # long enough for an utterance to be cut off
    desk.wait_for(WordsMade)
    desk.send(MakeEstimate(session_id="a", t_s=12.0))
    estimate = desk.answers[-1].estimate
    reasons = {signal.name: signal.reason for signal in estimate.signals if signal.name.startswith("words.")}
    assert set(reasons.values()) == {"too_short"}
    desk.send(Transcribe(session_id="a", is_on=False), MakeEstimate(session_id="a", t_s=13.0))
    assert {s.reason for s in desk.answers[-1].estimate.signals if s.name in reasons} == {"not_transcribed"}


async def test_a_feed_takes_no_words_from_before_the_consent():
    now_s, got = 100.0, []
    feed = AnalysisFeed(
        "a",
        origin_s=90.0,
        analysis_fps=5.0,
        landmark_fps=30.0,
        clock=lambda: now_s,
        on_estimate=lambda estimate, arrival_s: None,
        on_health=lambda health: None,
        on_words=got.append,
    )
    early = Word(text="before", from_s=8.0, to_s=9.0, confidence=None)
    made = WordsMade(
        session_id="a", words=(early, replace(early, text="after", from_s=11.0, to_s=12.0)), transcriber="x", lost_s=2.0
    )
    feed.take_words(made)
    assert got == []
    feed.transcribe(is_on=True)
    feed.take_words(made)
    assert [word.text for word in got[0].words] == ["after"]
    assert (feed.stats().words, feed.stats().lost_speech_s) == (1, 2.0)
    feed.transcribe(is_on=False)
    feed.take_words(made)
    assert len(got) == 1
    await feed.close()
