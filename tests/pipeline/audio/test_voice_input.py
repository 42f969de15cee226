import numpy as np
import pytest

from pipeline.audio.voice_input import (
    HOP_SAMPLES,
    LOWEST_PITCH_HZ,
    N_MELS,
    N_PITCHES,
    N_ROWS,
    RANGE_DB,
    SCALE_DB,
    prepare_voice,
)
from pipeline.types import SAMPLE_RATE_HZ
from tests.fakes.vowels import make_noise, make_talk, make_vowel

TALK = make_talk(3.0)


def test_one_column_every_sixteen_milliseconds():
    rows = prepare_voice(make_vowel(np.full(2 * SAMPLE_RATE_HZ, 120.0)))
    assert rows.shape[0] == N_ROWS
    assert rows.shape[1] == pytest.approx(2 * SAMPLE_RATE_HZ / HOP_SAMPLES, abs=4)
    assert rows.dtype == np.float32


@pytest.mark.parametrize("gain_db", [-40.0, 12.0])
def test_loudness_of_the_recording_changes_nothing(gain_db):
    np.testing.assert_allclose(prepare_voice(TALK * np.float32(10 ** (gain_db / 20))), prepare_voice(TALK), atol=1e-3)


def test_a_microphone_s_offset_changes_nothing():
    np.testing.assert_allclose(prepare_voice(TALK + np.float32(0.1)), prepare_voice(TALK), atol=1e-2)


def test_silence_before_and_after_is_taken_off():
    quiet = np.zeros(SAMPLE_RATE_HZ, np.float32)
    padded = np.concatenate((quiet, make_vowel(np.full(SAMPLE_RATE_HZ, 150.0)), quiet))
    assert prepare_voice(padded).shape[1] == pytest.approx(SAMPLE_RATE_HZ / HOP_SAMPLES + 12, abs=6)


def test_what_is_far_below_the_speech_is_cut_off():
    mel = prepare_voice(TALK)[:N_MELS]
    assert mel.min() >= -RANGE_DB / SCALE_DB
    assert mel.max() < 0.2
    quieter_room = prepare_voice(make_talk(3.0, noise_rms=1e-6))[:N_MELS]
    assert np.abs(quieter_room - mel).mean() < 0.4


@pytest.mark.parametrize("semitones", [3, 12, 24])
def test_the_row_of_the_pitch_is_the_strongest_of_its_octave(semitones):
    f0_hz = LOWEST_PITCH_HZ * 2 ** (semitones / 12)
    pitch = prepare_voice(make_vowel(np.full(SAMPLE_RATE_HZ, f0_hz)))[N_MELS:].mean(axis=1)
    first = max(0, semitones - 6)
    assert first + int(np.argmax(pitch[first : semitones + 7])) == semitones
    assert pitch[semitones] > 0.8


def test_noise_has_no_pitch():
    pitch = prepare_voice(make_noise(SAMPLE_RATE_HZ, 0.1))[N_MELS:]
    assert pitch.shape[0] == N_PITCHES
    assert np.abs(pitch.mean(axis=1)).max() < 0.2


def test_a_tone_is_seen_in_its_mel_band_alone():
    t_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    rows = [prepare_voice((0.1 * np.sin(2 * np.pi * f_hz * t_s)).astype(np.float32)) for f_hz in (500, 1000, 3000)]
    peaks = [int(row[:N_MELS].mean(axis=1).argmax()) for row in rows]
    mel = [2595 * np.log10(1 + f_hz / 700) for f_hz in (60, 7600, 500, 1000, 3000)]
    expected = [(m - mel[0]) / (mel[1] - mel[0]) * (N_MELS + 1) - 1 for m in mel[2:]]
    np.testing.assert_allclose(peaks, expected, atol=1)


@pytest.mark.parametrize("sound", [np.zeros(0), np.zeros(799), np.zeros(16_000), np.full(16_000, 0.5)])
def test_too_little_or_nothing_at_all_gives_no_column(sound):
    assert prepare_voice(sound.astype(np.float32)).shape == (N_ROWS, 0)


def test_sound_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="finite"):
        prepare_voice(np.full(16_000, np.nan, np.float32))
