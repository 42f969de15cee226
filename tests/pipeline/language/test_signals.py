import pickle

import pytest

from pipeline.catalogue import CATALOGUE
from pipeline.language.signals import DEFINITIONS, KEPT_WORDS, WordsState, follow_words, view_words
from pipeline.language.words import Transcript
from pipeline.types import Reason
from tests.fakes.talk import talk

ANSWER = " ".join(f"word{i}" for i in range(80))


def said(text, state=None, **how):
    return follow_words(state or WordsState(), Transcript(is_on=True, words=talk(text, **how)))


def view(state, t_s):
    signals = {signal.name: signal for signal in view_words(state, t_s)}
    assert list(signals) == [item.name for item in DEFINITIONS]
    return signals


def test_every_definition_is_in_the_catalogue():
    assert all(CATALOGUE[item.name] is item for item in DEFINITIONS)


def test_without_a_transcript_nothing_is_said():
    assert {signal.reason for signal in view_words(WordsState(), 5.0)} == {Reason.NOT_TRANSCRIBED}


def test_silence_and_few_words_are_no_zeros():
    state = follow_words(WordsState(), Transcript(is_on=True))
    assert {(signal.value, signal.reason) for signal in view(state, 5.0).values()} == {(None, Reason.SILENCE)}
    few = view(said("yes i do"), 5.0)
    assert {(signal.value, signal.reason) for signal in few.values()} == {(None, Reason.TOO_SHORT)}


def test_the_last_minute_counts():
    state = said(f"um um {ANSWER}")  # 82 words in 32.8 s
    early = view(state, 33.0)
    assert early["words.per_minute"].value == pytest.approx(60 * 80 / 32.8)
    assert early["words.fillers"].value == pytest.approx(60 * 2 / 32.8)
    assert early["words.diversity"].value == 1.0
    assert early["words.per_minute"].quality == pytest.approx(0.9)
    assert early["words.per_minute"].age_s == pytest.approx(0.2)
    later = view(state, 70.0)
    assert later["words.fillers"].value == 0.0
    assert view(state, 200.0)["words.per_minute"].reason is Reason.SILENCE


def test_what_the_transcriber_doubts_is_weak():
    weak = view(said(ANSWER, confidence=0.2), 33.0)["words.per_minute"]
    assert weak.reason is Reason.WEAK
    assert weak.quality == pytest.approx(0.2)


def test_memory_is_bounded_and_can_be_stored():
    state = WordsState()
    for i in range(30):
        state = said(ANSWER, state, from_s=40.0 * i)
    assert len(state.words) <= 2 * KEPT_WORDS
    assert pickle.loads(pickle.dumps(state)) == state


def test_a_withdrawal_forgets_the_words():
    state = follow_words(said(ANSWER), Transcript(is_on=False))
    assert state == WordsState()
