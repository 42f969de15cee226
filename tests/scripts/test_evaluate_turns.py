import numpy as np
import pytest

from pipeline.types import SAMPLE_RATE_HZ
from scripts import evaluate_turns_background
from scripts.evaluate_turns import compare, count_as_published, listen
from scripts.evaluate_turns_sound import NOISES, Speech, add_noise, join_speech, make_typing
from tests.fakes.vowels import make_noise, make_vowel


def five_vowels() -> Speech:
    """Five vowels of 0.15 s in a second, between half seconds of silence."""
    sound = make_noise(2 * SAMPLE_RATE_HZ, 1e-4).astype(np.float64)
    n = round(0.15 * SAMPLE_RATE_HZ)
    ramp = np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.03 * SAMPLE_RATE_HZ))
    for i in range(5):
        start = round((0.5 + 0.2 * i) * SAMPLE_RATE_HZ)
        sound[start : start + n] += ramp * make_vowel(np.full(n, 120.0), rms=0.05)
    return Speech(samples=sound.astype(np.float32), spurts=((0.5, 1.45),), n_syllables=5)


def test_shares_of_what_is_missed_and_of_what_is_wrong():
    errors = compare(((1.0, 2.0), (5.0, 6.0)), ((1.5, 3.5),), 10.0)
    assert errors.missed == pytest.approx(0.75)
    assert errors.false == pytest.approx(1.5 / 8.0)


def test_clear_vowels_are_found_and_counted_by_all():
    speech = five_vowels()
    heard = listen(speech.samples)
    for found in (heard.score, heard.both):
        errors = compare(found, speech.spurts, 2.0)
        assert errors.missed < 0.15
        assert errors.false < 0.25
    assert heard.n_syllables == 5
    # The script lets the last peak go, behind which no other stands.
    assert count_as_published(speech.samples) in (4, 5)


def test_noise_has_the_ratio_asked_for():
    speech = join_speech([five_vowels(), five_vowels()])
    assert speech.spurts == ((0.5, 1.45), (2.5, 3.45))
    random = np.random.default_rng(0)
    for make in (*NOISES.values(), make_typing):
        noise = make(len(speech.samples), random)
        mixed = add_noise(speech, noise, 10.0)
        added = (mixed - speech.samples).std()
        spoken = np.concatenate([speech.samples[8000:23200], speech.samples[40000:55200]])
        assert 20 * np.log10(np.sqrt(np.mean(spoken**2)) / added) == pytest.approx(10.0, abs=0.1)


def test_other_voices_are_told_apart_by_the_time_at_which_the_person_is_silent(tmp_path, monkeypatch):
    def read(data, *, actor, n_others, random):
        return [five_vowels()] * 3, [five_vowels()]

    monkeypatch.setattr(evaluate_turns_background, "read_speech_of", read)
    monkeypatch.setattr(evaluate_turns_background, "N_ANSWERS", 1)
    monkeypatch.setattr(evaluate_turns_background, "SILENCE_S", 5.0)
    heard = []

    def find_false(speech, samples):
        heard.append(speech)
        return 0.25

    rows = evaluate_turns_background.measure_background(tmp_path, find_false, n_voices=(1,))
    assert [row.snr_db for row in rows] == [20.0, 15.0, 10.0]
    assert all(row.turns_false == 0.25 for row in rows)
    assert len(heard[0].samples) == (3 * 2 + 5) * SAMPLE_RATE_HZ
    assert rows[0].silence_quality < rows[-1].silence_quality
