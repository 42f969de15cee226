import numpy as np
import pytest

from pipeline.audio.framing import FRAME_SAMPLES, Doubles, append_chunk, new_framing, take_frames
from pipeline.audio.pitch import N_CANDIDATES, find_candidates, track_pitch
from pipeline.audio.spectrum import measure_spectra
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, FloatArray
from tests.fakes.vowels import make_noise, make_vowel


def pitch_of(sound: FloatArray) -> tuple[Doubles, Doubles]:
    """Pitch path and the time of each frame's middle."""
    _, frames, ends_s = take_frames(append_chunk(new_framing(), AudioChunk(t_s=0.0, samples=sound)))
    f0_hz, strength = find_candidates(measure_spectra(frames).acf)
    path = track_pitch(f0_hz, strength, np.ones(len(frames), bool))
    return path, ends_s - FRAME_SAMPLES / SAMPLE_RATE_HZ / 2


@pytest.mark.parametrize("f0_hz", [90.0, 150.0, 220.0, 333.0, 450.0])
def test_a_sine_has_its_frequency_as_pitch(f0_hz: float) -> None:
    path, _ = pitch_of((0.1 * np.sin(2 * np.pi * f0_hz * np.arange(8000) / SAMPLE_RATE_HZ)).astype(np.float32))
    assert path == pytest.approx(f0_hz, rel=0.005)


@pytest.mark.parametrize("snr_db", [20.0, 5.0])
@pytest.mark.parametrize("f0_hz", [80.0, 110.0, 150.0, 210.0, 290.0, 400.0])
def test_a_gliding_vowel_is_followed_without_octave_errors(f0_hz: float, snr_db: float) -> None:
    t_s = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    true_hz = f0_hz * (1 + 0.02 * np.sin(2 * np.pi * 5 * t_s) + 0.04 * np.sin(2 * np.pi * 0.5 * t_s))
    sound = make_vowel(true_hz, rms=0.05) + make_noise(len(t_s), 0.05 * 10 ** (-snr_db / 20))
    path, middles_s = pitch_of(sound)
    is_voiced = path > 0
    error = np.abs(path / true_hz[np.round(middles_s * SAMPLE_RATE_HZ).astype(int)] - 1)[is_voiced]
    assert is_voiced.mean() > 0.97
    assert (error > 0.2).mean() == 0.0
    assert np.median(error) < 0.006


def test_white_noise_is_hardly_ever_voiced() -> None:
    path, _ = pitch_of(make_noise(5 * SAMPLE_RATE_HZ, 0.05))
    assert (path > 0).mean() < 0.02


def test_silence_gives_no_pitch() -> None:
    path, _ = pitch_of(np.zeros(SAMPLE_RATE_HZ, np.float32))
    assert not path.any()


def test_no_frames_give_an_empty_path() -> None:
    none = np.zeros((0, N_CANDIDATES))
    assert track_pitch(none, none, np.zeros(0, bool)).shape == (0,)


def test_a_lone_octave_jump_is_not_followed() -> None:
    f0_hz = np.full((9, 2), [200.0, 100.0])
    strength = np.full((9, 2), [0.9, 0.8])
    strength[4] = [0.8, 0.9]
    assert track_pitch(f0_hz, strength, np.ones(9, bool)).tolist() == [200.0] * 9


def test_frames_that_may_not_be_voiced_have_no_pitch() -> None:
    f0_hz, strength = np.full((4, 1), 200.0), np.full((4, 1), 0.9)
    assert track_pitch(f0_hz, strength, np.array([True, True, False, False])).tolist() == [200.0, 200.0, 0.0, 0.0]
