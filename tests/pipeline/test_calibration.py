from collections.abc import Iterator

import numpy as np
import pytest

from pipeline.audio.score import score_voice
from pipeline.audio.voice import SpeechFrames, VoiceWindow, view_window
from pipeline.calibration import (
    FULL_SPEECH_S,
    MIN_SPEECH_S,
    CalibrationState,
    learn,
    new_calibration,
    set_ranges,
)
from pipeline.types import SAMPLE_RATE_HZ, FloatArray
from tests.fakes.vowels import make_noise, make_talk
from tests.pipeline.audio.test_voice import listen


def speech(n_frames: int, start_s: float = 0.0, f0_hz: float = 120.0) -> SpeechFrames:
    t_s = start_s + np.arange(n_frames) / 100
    rms = np.where(np.arange(n_frames) % 2, 0.01, 0.03)
    return SpeechFrames(t_s=t_s, rms=rms, centroid_hz=np.full(n_frames, 1500.0), f0_hz=np.full(n_frames, f0_hz))


def windows(sound: FloatArray) -> Iterator[VoiceWindow]:
    state, second = None, SAMPLE_RATE_HZ
    for i in range(len(sound) // second):
        state = listen(sound[i * second : (i + 1) * second], state=state, start_s=float(i))
        window = view_window(state, i + 1.0)
        assert window is not None
        yield window


def calibrated(f0_hz: float = 120.0) -> CalibrationState:
    state = new_calibration()
    for window in windows(make_talk(14.0, f0_hz=f0_hz)):
        state = learn(state, window.speech)
    return state


def last_score(state: CalibrationState, sound: FloatArray) -> float:
    assert state.ranges is not None
    *_, window = windows(sound)
    return score_voice(window.features, state.ranges)


def test_there_are_no_ranges_before_enough_speech() -> None:
    state = learn(new_calibration(), speech(round(MIN_SPEECH_S * 100) - 1))
    assert state.ranges is None
    assert 0 < state.progress < MIN_SPEECH_S / FULL_SPEECH_S
    state = learn(state, speech(1, start_s=10.0))
    assert state.ranges is not None


def test_it_stops_learning_when_complete_and_stays_bounded() -> None:
    state = learn(new_calibration(), speech(2000))
    assert state.is_complete
    assert state.progress == 1.0
    assert len(state.speech.t_s) == FULL_SPEECH_S * 100
    assert learn(state, speech(100, start_s=100.0, f0_hz=300.0)) is state


def test_frames_seen_in_two_windows_count_once() -> None:
    once = learn(new_calibration(), speech(300))
    assert learn(once, speech(300)) is once
    assert len(learn(once, speech(300, start_s=1.0)).speech.t_s) == 400


def test_unvoiced_frames_alone_give_no_ranges() -> None:
    assert learn(new_calibration(), speech(400, f0_hz=0.0)).ranges is None


def test_the_ranges_lie_around_the_persons_own_speech() -> None:
    ranges = set_ranges(speech(400))
    own_db = 10 * np.log10((0.01**2 + 0.03**2) / 2)
    assert (ranges.energy_db.minimum, ranges.energy_db.maximum) == (
        pytest.approx(own_db - 20),
        pytest.approx(own_db + 12),
    )
    assert (ranges.centroid_hz.minimum, ranges.centroid_hz.maximum) == (pytest.approx(750.0), pytest.approx(2700.0))
    own_semitones = 12 * np.log2(120.0)
    assert (ranges.f0_semitones.minimum, ranges.f0_semitones.maximum) == (
        pytest.approx(own_semitones - 6),
        pytest.approx(own_semitones + 18),
    )
    assert (ranges.energy_variability.minimum, ranges.energy_variability.maximum) == (0.0, pytest.approx(0.05))


def test_monotone_speech_still_gives_ranges() -> None:
    flat = SpeechFrames(
        t_s=np.arange(300) / 100, rms=np.full(300, 0.02), centroid_hz=np.full(300, 1500.0), f0_hz=np.full(300, 100.0)
    )
    ranges = set_ranges(flat)
    assert ranges.energy_variability.maximum > ranges.energy_variability.minimum


@pytest.mark.parametrize("f0_hz", [100.0, 210.0])
def test_silent_quiet_normal_and_stressed_voices_lie_in_the_ranges_of_the_table(f0_hz: float) -> None:
    state = calibrated(f0_hz)
    normal = last_score(state, make_talk(6.0, f0_hz=f0_hz, seed=1))
    quiet = last_score(state, make_talk(6.0, f0_hz=f0_hz, rms=0.002, noise_rms=1e-5, seed=1))
    stressed = make_talk(6.0, f0_hz=f0_hz * 1.8, melody_semitones=5.0, rms=0.16, brightness=0.5, seed=1)
    silent = last_score(state, make_noise(6 * SAMPLE_RATE_HZ, 1e-4, seed=2))
    assert silent < 0.10
    assert quiet < 0.25
    assert 0.25 <= normal <= 0.45
    assert last_score(state, stressed) > 0.65
