import numpy as np
import pytest

from pipeline.audio.speech import find_pauses, find_speech

FLOOR = np.full(100, -70.0)


def test_a_voiced_run_is_speech_with_its_loud_surroundings() -> None:
    level, f0_hz = np.full(100, -70.0), np.zeros(100)
    level[20:60], f0_hz[30:50] = -30.0, 120.0
    is_speech, is_voiced = find_speech(level, FLOOR, f0_hz)
    assert np.flatnonzero(is_speech).tolist() == list(range(20, 60))
    assert np.flatnonzero(is_voiced).tolist() == list(range(30, 50))


def test_loud_sound_without_voice_is_not_speech() -> None:
    assert not find_speech(np.full(100, -20.0), FLOOR, np.zeros(100))[0].any()


def test_a_voice_that_does_not_rise_over_the_floor_is_not_speech() -> None:
    assert not find_speech(np.full(100, -65.0), FLOOR, np.full(100, 120.0))[0].any()


def test_a_very_short_voiced_run_is_chance() -> None:
    level, f0_hz = np.full(100, -40.0), np.zeros(100)
    f0_hz[50:54] = 300.0
    assert not find_speech(level, FLOOR, f0_hz)[0].any()


def test_reverberation_far_below_the_voice_is_not_speech() -> None:
    level, f0_hz = np.full(100, -55.0), np.zeros(100)
    level[40:60], f0_hz[40:60] = -20.0, 120.0
    assert find_speech(level, FLOOR, f0_hz)[0].sum() == 20


def test_only_long_holes_between_speech_are_pauses() -> None:
    is_speech = np.zeros(100, bool)
    is_speech[10:20] = is_speech[30:40] = is_speech[80:90] = True  # holes of 100 ms and 400 ms; silence at both ends
    assert find_pauses(is_speech) == (1, pytest.approx(0.4))
    assert find_pauses(np.zeros(100, bool)) == (0, 0.0)
