from typing import Any

import librosa
import numpy as np
import pytest

from pipeline.audio.framing import Doubles
from pipeline.audio.short_frames import cut_short_frames, make_short_window
from pipeline.audio.spectral_features import SpectralTrack, measure_spectral, to_loudness
from pipeline.types import SAMPLE_RATE_HZ
from tests.fakes.vowels import make_noise, make_talk

TALK = make_talk(2.0, noise_rms=2e-3).astype(np.float64)
# librosa centres a window of 25 ms in its transform of 32 ms.
PADDED = np.pad(TALK, 56)
LIBROSA: dict[str, Any] = {"sr": SAMPLE_RATE_HZ, "n_fft": 512, "win_length": 400, "hop_length": 160, "center": False}


@pytest.fixture(scope="module")
def talk() -> SpectralTrack:
    return measure_spectral(TALK, SAMPLE_RATE_HZ)


def sine(hz: float, amplitude: float = 1.0) -> Doubles:
    return amplitude * np.sin(2 * np.pi * hz * np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)


def test_centroid_is_librosas(talk: SpectralTrack) -> None:
    assert talk.centroid_hz == pytest.approx(librosa.feature.spectral_centroid(y=PADDED, **LIBROSA)[0], rel=1e-9)


def test_rolloff_is_librosas(talk: SpectralTrack) -> None:
    assert talk.rolloff_hz.tolist() == librosa.feature.spectral_rolloff(y=PADDED, **LIBROSA)[0].tolist()


def test_zero_crossing_rate_and_rms_are_librosas(talk: SpectralTrack) -> None:
    frames: dict[str, Any] = {"frame_length": 400, "hop_length": 160, "center": False}
    assert talk.zero_crossing_rate == pytest.approx(librosa.feature.zero_crossing_rate(TALK, **frames)[0])
    assert np.sqrt(talk.mean_square) == pytest.approx(librosa.feature.rms(y=TALK, **frames)[0], rel=1e-6)


@pytest.mark.parametrize(("hz", "lufs"), [(997.0, -3.01), (60.0, -6.8), (4000.0, 0.3)])
def test_loudness_of_a_full_sine_is_what_the_standard_says(hz: float, lufs: float) -> None:
    # ITU-R BS.1770-4, annex 1: 0 dBFS at 997 Hz in one channel reads -3.01; the others are read off its filters.
    assert to_loudness(float(measure_spectral(sine(hz), SAMPLE_RATE_HZ).weighted_square.mean())) == pytest.approx(
        lufs, abs=0.3 if hz == 60 else 0.1
    )


def test_flux_is_0_in_a_steady_tone_and_jumps_with_its_pitch() -> None:
    tone = measure_spectral(np.concatenate((sine(500.0), 0.1 * sine(500.0), sine(2000.0))), SAMPLE_RATE_HZ).flux
    assert np.isnan(tone[0])
    assert tone[5:90].max() < 0.02
    assert tone[102:190].max() < 0.02
    assert tone[190:205].max() > 0.5


def test_alpha_ratio_and_hammarberg_index_are_level_differences_of_bands() -> None:
    two = measure_spectral(sine(500.0) + sine(3000.0, 0.1), SAMPLE_RATE_HZ)
    assert two.alpha_ratio_db == pytest.approx(20.0, abs=0.1)
    assert two.hammarberg_db == pytest.approx(20.0, abs=0.1)


def test_slope_is_that_of_the_spectrum() -> None:
    # The first difference of white noise has power 4 sin^2(pi f / rate).
    noise = np.diff(make_noise(20 * SAMPLE_RATE_HZ, 0.05).astype(np.float64))
    hz = np.arange(500.0, 1500.0, 31.25)
    expected = np.polyfit(hz / 1e3, 20 * np.log10(2 * np.sin(np.pi * hz / SAMPLE_RATE_HZ)), 1)[0]
    track = measure_spectral(noise, SAMPLE_RATE_HZ)
    assert track.slope_db_per_khz.mean() == pytest.approx(expected, abs=0.5)
    assert track.low_slope_db_per_khz.mean() > track.slope_db_per_khz.mean() + 10


def test_silence_has_no_spectrum_but_a_level() -> None:
    silence = measure_spectral(np.zeros(800), SAMPLE_RATE_HZ)
    assert silence.mean_square.tolist() == [0.0, 0.0, 0.0]
    for name in ("centroid_hz", "rolloff_hz", "flux", "slope_db_per_khz", "alpha_ratio_db", "hammarberg_db"):
        assert np.isnan(getattr(silence, name)).all(), name
    assert to_loudness(0.0) == pytest.approx(-100.691)


def test_the_level_changes_nothing_but_level(talk: SpectralTrack) -> None:
    quiet = measure_spectral(TALK / 4, SAMPLE_RATE_HZ)
    assert quiet.mean_square == pytest.approx(talk.mean_square / 16)
    assert quiet.centroid_hz == pytest.approx(talk.centroid_hz)
    assert quiet.alpha_ratio_db == pytest.approx(talk.alpha_ratio_db)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000])
def test_any_usual_sampling_rate(rate_hz: int) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(rate_hz) / rate_hz)
    track = measure_spectral(tone, rate_hz)
    assert len(track.flux) == pytest.approx(98, abs=1)
    assert track.centroid_hz == pytest.approx(1000.0, rel=0.15)


def test_less_than_a_frame_is_an_empty_track() -> None:
    assert len(measure_spectral(np.zeros(399), SAMPLE_RATE_HZ).mean_square) == 0
    assert len(measure_spectral(np.zeros(400), SAMPLE_RATE_HZ).mean_square) == 1


def test_bad_sound_is_refused() -> None:
    window = make_short_window(SAMPLE_RATE_HZ)
    with pytest.raises(ValueError, match="sound must be finite"):
        cut_short_frames(window, np.array([0.0, np.nan]))
    with pytest.raises(ValueError, match="samples must have one axis, not 2"):
        cut_short_frames(window, np.zeros((2, 800)))
    with pytest.raises(ValueError, match="sampling rate must be at least 8000 Hz, not 4000"):
        make_short_window(4000)
