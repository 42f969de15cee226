import pickle
from dataclasses import replace

import numpy as np
import pytest

from models.voice_activity import WebRtcDetector
from pipeline.audio.turns import (
    CONVERSATION,
    DEFINITIONS,
    TurnsState,
    count_interruptions,
    find_latencies,
    follow_turns,
    settle_turns,
    view_turns,
)
from pipeline.audio.voice import hear, measure_pending, new_voice, view_window
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, FloatArray, OtherVoice, Reason, Signal
from tests.fakes.vowels import make_noise, make_vowel

SECOND = SAMPLE_RATE_HZ
HEARD = ((0.0, 60.0),)


def syllables(times_s, duration_s, *, noise_rms=1e-4, length_s=0.14) -> FloatArray:
    """Sound with a vowel at each of these times, the pitch gliding, over a quiet room."""
    sound = make_noise(round(duration_s * SECOND), noise_rms).astype(np.float64)
    n = round(length_s * SECOND)
    ramp = np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.03 * SECOND))
    for i, t_s in enumerate(times_s):
        start = round(t_s * SECOND)
        f0_hz = np.linspace(130, 115, n) + 10 * np.sin(i)
        sound[start : start + n] += ramp * make_vowel(f0_hz, rms=0.05)
    return sound.astype(np.float32)


def phrase(start_s, n, *, rate_hz=5.0):
    return [start_s + i / rate_hz for i in range(n)]


class Talk:
    """The state after sound and news of others, fed as the worker does."""

    def __init__(self):
        self.voice, self.detector, self.state, self.t_s = new_voice(), WebRtcDetector(), TurnsState(), 0.0

    def hear(self, sound, *, size=320, others=()):
        others = sorted(others, reverse=True)
        for i in range(0, len(sound), size):
            chunk = AudioChunk(t_s=self.t_s, samples=sound[i : i + size])
            self.voice = hear(self.voice, chunk)
            activity = self.detector(chunk)
            if activity is not None:
                self.state = follow_turns(self.state, activity)
            before_s, self.t_s = self.t_s, self.t_s + len(chunk.samples) / SECOND
            while others and others[-1][0] <= self.t_s:
                t_s, is_speaking = others.pop()
                self.state = follow_turns(self.state, OtherVoice(t_s=t_s, is_speaking=is_speaking))
            if int(self.t_s + 1e-9) > int(before_s + 1e-9):
                self.tick()
        return self

    def tick(self):
        self.voice = measure_pending(self.voice)
        window = view_window(self.voice, self.t_s)
        snr_db = None if window is None else window.features.snr_db
        self.state = pickle.loads(pickle.dumps(settle_turns(self.state, self.voice.track, snr_db)))

    def view(self, after_s=0.0) -> dict[str, Signal]:
        signals = view_turns(self.state, self.t_s + after_s)
        assert [signal.name for signal in signals] == [definition.name for definition in DEFINITIONS]
        for signal in signals:
            assert 0 <= signal.quality <= 1
            assert (signal.value is None) == (signal.quality == 0)
            assert signal.value is not None or signal.reason is not Reason.OK
        return {signal.name: signal for signal in signals}


def paused_speech(*, noise_rms=1e-4):
    """Eighteen seconds: phrases of ten syllables in 2 s, pauses of 1 s between them."""
    times = [t for start in range(0, 18, 3) for t in phrase(start + 0.2, 10)]
    return syllables(times, 19.0, noise_rms=noise_rms)


@pytest.fixture(scope="module")
def paused():
    return Talk().hear(paused_speech())


def test_pauses_are_counted_and_measured(paused):
    signals = paused.view()
    # From the end of a phrase's last syllable (start + 2.14 s) to the next phrase are 1.06 s, which the detector's own
    # hangover shortens.
    assert signals["turns.pause_mean"].value == pytest.approx(1.0, abs=0.15)
    assert signals["turns.pause_rate"].value == pytest.approx(60 * 5 / 17.1, abs=1.5)
    assert signals["turns.pause_share"].value == pytest.approx(5 * 1.06 / 17.1, abs=0.06)
    assert signals["turns.speech_share"].value == pytest.approx(0.64, abs=0.06)
    assert signals["turns.pause_mean"].quality > 0.8
    assert signals["turns.pause_mean"].reason is Reason.OK


def test_syllables_are_counted_with_and_without_the_pauses(paused):
    signals = paused.view()
    assert signals["turns.articulation_rate"].value == pytest.approx(60 / 12.0, rel=0.12)
    assert signals["turns.speech_rate"].value == pytest.approx(60 / 17.1, rel=0.12)


@pytest.mark.parametrize("rate_hz", [3.0, 6.0])
def test_the_rate_of_articulation_follows_the_speaker(rate_hz):
    times = [t for start in (0.2, 5.2, 10.2) for t in phrase(start, round(4 * rate_hz), rate_hz=rate_hz)]
    talk = Talk().hear(syllables(times, 16.0, length_s=0.6 / rate_hz))
    assert talk.view()["turns.articulation_rate"].value == pytest.approx(rate_hz, rel=0.15)


def test_how_the_sound_is_divided_does_not_matter(paused):
    other = Talk().hear(paused_speech(), size=800)
    for name, signal in paused.view().items():
        assert other.view()[name].value == pytest.approx(signal.value, abs=1e-6)


def test_without_news_of_others_only_the_conversation_is_absent(paused):
    signals = paused.view()
    for definition in CONVERSATION:
        assert signals[definition.name].reason is Reason.NO_OTHER_VOICE
    assert sum(signal.value is not None for signal in signals.values()) == len(DEFINITIONS) - len(CONVERSATION)


def test_a_keyboard_is_no_speech():
    rng = np.random.default_rng(4)
    sound = make_noise(13 * SECOND, 1e-4)
    for start in rng.integers(0, 12 * SECOND, 50):
        sound[start : start + 800] += (0.05 * rng.standard_normal(800) * np.exp(-np.arange(800) / 80)).astype(
            np.float32
        )
    talk = Talk().hear(sound)
    signals = talk.view()
    assert signals["turns.speech_share"].value == pytest.approx(0.0, abs=0.05)
    assert signals["turns.pause_rate"].reason in (Reason.SILENCE, Reason.TOO_SHORT)


def test_a_hole_in_the_sound_is_no_pause():
    talk = Talk().hear(syllables(phrase(0.2, 30), 6.5))
    talk.t_s += 1.5
    talk.hear(syllables(phrase(0.2, 30), 7.0))
    signals = talk.view()
    assert signals["turns.pause_rate"].value == 0
    assert signals["turns.pause_mean"].reason is Reason.TOO_SHORT
    assert signals["turns.speech_share"].value == pytest.approx(12 / 12.9, abs=0.06)


def test_nothing_is_said_before_sound_nor_long_after_it(paused):
    assert {signal.reason for signal in view_turns(TurnsState(), 1.0)} == {Reason.NO_AUDIO}
    assert {signal.reason for signal in paused.view(5.0).values()} == {Reason.GAP}


def test_noise_lowers_the_quality(paused):
    noisy = Talk().hear(paused_speech(noise_rms=0.02)).view()["turns.pause_share"]
    assert noisy.quality < 0.7 * paused.view()["turns.pause_share"].quality


@pytest.fixture(scope="module")
def conversation():
    """Three questions of 4 s, answered after 0.6, 0.9 and 1.2 s by 5 s of speech; and the news of the questions."""
    times, others = [], []
    for i, latency_s in enumerate((0.6, 0.9, 1.2)):
        asked_s = 12.0 * i + 1.0
        others += [(asked_s, True), (asked_s + 4.0, False)]
        times += phrase(asked_s + 4.0 + latency_s, 25)
    news = [(0.0, False), *others]
    return Talk().hear(syllables(times, 38.0), others=news), news


def test_a_conversation_gives_latency_balance_and_no_overlap(conversation):
    signals = conversation[0].view()
    assert signals["turns.response_latency"].value == pytest.approx(1.2, abs=0.12)
    assert signals["turns.response_latency_median"].value == pytest.approx(0.9, abs=0.12)
    assert signals["turns.response_latency"].age_s == pytest.approx(38.0 - 30.2, abs=0.2)
    assert signals["turns.balance"].value == pytest.approx(15 / 27, abs=0.04)
    assert signals["turns.overlap_share"].value == pytest.approx(0.0, abs=0.01)
    assert signals["turns.interruptions"].value == 0
    # The silence before an answer is nobody's pause.
    assert signals["turns.pause_rate"].value == 0


def test_news_that_comes_late_says_the_same(conversation):
    early, news = conversation
    late = replace(early.state, others=(), known_from_s=None)
    for t_s, is_speaking in news:
        late = follow_turns(late, OtherVoice(t_s=t_s, is_speaking=is_speaking))
    assert view_turns(late, early.t_s) == view_turns(early.state, early.t_s)


def test_speaking_into_a_question_and_going_on_is_an_interruption_with_overlap():
    sound = syllables(phrase(3.2, 40), 34.0)
    talk = Talk().hear(sound, others=[(0.0, False), (1.0, True), (5.0, False)])
    signals = talk.view()
    assert signals["turns.interruptions"].value == pytest.approx(60 / 33.4, rel=0.05)
    assert signals["turns.overlap_share"].value == pytest.approx(1.8 / 10.2, abs=0.03)
    assert signals["turns.response_latency"].value == pytest.approx(-1.8, abs=0.12)


def test_a_sign_of_listening_is_neither_answer_nor_interruption():
    others = ((1.0, 6.0), (6.7, 10.0))
    spurts = ((3.0, 3.4), (6.2, 6.5), (11.0, 14.0))
    assert find_latencies(spurts, others, HEARD) == ((11.0, 1.0),)
    assert count_interruptions(spurts, others) == 0


def test_who_is_spoken_to_while_speaking_does_not_answer():
    assert find_latencies(((0.0, 10.0),), ((4.0, 5.0),), HEARD) == ()
    assert count_interruptions(((0.0, 10.0),), ((4.0, 5.0),)) == 0


def test_speech_long_after_a_question_is_no_answer():
    assert find_latencies(((30.0, 40.0),), ((4.0, 5.0),), HEARD) == ()


def test_a_sign_of_listening_of_the_others_is_no_question():
    question, mhm = (1.0, 5.0), (8.2, 8.6)
    assert find_latencies(((5.8, 8.3), (8.7, 12.0)), (question, mhm), HEARD) == ((5.8, pytest.approx(0.8)),)
    # It ends what was said before: whoever then begins does not answer that any more.
    assert find_latencies(((6.5, 9.0),), (question, (5.6, 6.0)), HEARD) == ()


@pytest.mark.parametrize(
    ("heard", "is_known"),
    [
        (((0.0, 5.5), (9.0, 60.0)), False),
        (((0.0, 9.0), (9.5, 60.0)), True),
        (((0.0, 4.0), (5.0, 60.0)), True),
        (((9.0, 60.0),), False),
    ],
)
def test_a_latency_is_not_known_across_lost_sound(heard, is_known):
    answered = find_latencies(((9.0, 14.0),), ((1.0, 5.0),), heard)
    assert answered == (((9.0, 4.0),) if is_known else ())


def test_an_answer_that_began_in_lost_sound_has_no_latency():
    """The person is heard again in the midst of the question, speaking already."""
    assert find_latencies(((4.5, 9.0),), ((1.0, 5.0),), ((0.0, 3.0), (4.5, 60.0))) == ()


def test_lost_sound_after_a_question_is_no_silence():
    talk = Talk().hear(syllables([], 5.5), others=[(0.0, False), (1.0, True), (5.0, False)])
    talk.t_s += 3.5
    talk.hear(syllables(phrase(0.0, 30), 8.0))
    assert talk.view()["turns.response_latency"].reason is Reason.TOO_SHORT


def test_a_question_that_goes_on_has_no_latency_yet():
    talk = Talk().hear(syllables(phrase(8.0, 30), 15.0), others=[(0.0, False), (1.0, True)])
    assert talk.view()["turns.response_latency"].reason is Reason.TOO_SHORT


def test_memory_is_bounded():
    state = TurnsState()
    for i in range(2000):
        state = follow_turns(state, OtherVoice(t_s=float(i), is_speaking=i % 2 == 0))
    assert len(state.others) < 320
    assert state.others[-1] == (1998.0, 1999.0)
