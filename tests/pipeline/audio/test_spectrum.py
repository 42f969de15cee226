import numpy as np
import pytest

from pipeline.audio.framing import FRAME_SAMPLES
from pipeline.audio.spectrum import SILENT_DBFS, measure_spectra, to_dbfs
from pipeline.types import SAMPLE_RATE_HZ
from tests.fakes.vowels import make_noise

T_S = np.arange(FRAME_SAMPLES) / SAMPLE_RATE_HZ


def sine(hz: float, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hz * T_S)).astype(np.float32)[None, :]


@pytest.mark.parametrize("hz", [200.0, 1000.0, 4000.0])
def test_a_sine_has_rms_amplitude_over_root_two_and_its_frequency_as_centroid(hz: float) -> None:
    spectra = measure_spectra(sine(hz))
    assert spectra.rms[0] == pytest.approx(0.5 / np.sqrt(2), rel=1e-3)
    assert spectra.centroid_hz[0] == pytest.approx(hz, rel=0.06)
    assert to_dbfs(spectra.rms)[0] == pytest.approx(-9.03, abs=0.02)


def test_white_noise_has_its_centroid_in_the_middle_of_the_band() -> None:
    frames = make_noise(50 * FRAME_SAMPLES, 0.1).reshape(50, FRAME_SAMPLES)
    assert measure_spectra(frames).centroid_hz.mean() == pytest.approx(3840, rel=0.03)


def test_the_centroid_does_not_depend_on_the_level() -> None:
    loud, quiet = measure_spectra(sine(300.0, 0.5)), measure_spectra(sine(300.0, 0.005))
    assert quiet.centroid_hz == pytest.approx(loud.centroid_hz, rel=1e-4)


def test_a_microphones_offset_is_no_level() -> None:
    assert measure_spectra(sine(300.0) + np.float32(0.3)).rms == pytest.approx(
        measure_spectra(sine(300.0)).rms, rel=1e-3
    )


def test_digital_silence_is_finite() -> None:
    spectra = measure_spectra(np.zeros((2, FRAME_SAMPLES), np.float32))
    assert spectra.rms.tolist() == [0.0, 0.0]
    assert spectra.centroid_hz.tolist() == [0.0, 0.0]
    assert to_dbfs(spectra.rms).tolist() == [SILENT_DBFS, SILENT_DBFS]


def test_no_frames_give_empty_measures() -> None:
    spectra = measure_spectra(np.zeros((0, FRAME_SAMPLES), np.float32))
    assert spectra.rms.shape == (0,)
    assert spectra.centroid_hz.shape == (0,)
