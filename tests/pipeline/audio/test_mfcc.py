import librosa
import numpy as np
import pytest

from pipeline.audio.mfcc import DELTA_REACH, N_MELS, N_MFCC, deltas, hz_to_mel, measure_mfcc, mel_to_hz
from pipeline.types import SAMPLE_RATE_HZ
from tests.fakes.vowels import make_talk

TALK = make_talk(2.0, noise_rms=2e-3).astype(np.float64)


def test_coefficients_are_librosas() -> None:
    mels = librosa.feature.melspectrogram(
        y=np.pad(TALK, 56),
        sr=SAMPLE_RATE_HZ,
        n_fft=512,
        win_length=400,
        hop_length=160,
        center=False,
        n_mels=N_MELS,
    )
    theirs = librosa.feature.mfcc(S=librosa.power_to_db(mels, top_db=None), n_mfcc=N_MFCC + 1)[1:].T
    assert measure_mfcc(TALK, SAMPLE_RATE_HZ) == pytest.approx(theirs, abs=1e-4)


def test_deltas_are_librosas() -> None:
    coefficients = measure_mfcc(TALK, SAMPLE_RATE_HZ)
    ours = deltas(coefficients)
    theirs = librosa.feature.delta(coefficients.T, width=2 * DELTA_REACH + 1).T
    assert ours[DELTA_REACH:-DELTA_REACH] == pytest.approx(theirs[DELTA_REACH:-DELTA_REACH], abs=1e-9)
    assert np.isnan(ours[:DELTA_REACH]).all()
    assert np.isnan(ours[-DELTA_REACH:]).all()


def test_the_delta_of_a_ramp_is_its_slope() -> None:
    ramp = np.outer(np.arange(12.0), [1.0, -2.0])
    assert deltas(ramp)[DELTA_REACH:-DELTA_REACH] == pytest.approx(np.tile([1.0, -2.0], (4, 1)))
    assert np.isnan(deltas(ramp[:8])).all()


def test_the_level_changes_no_coefficient() -> None:
    assert measure_mfcc(TALK / 4, SAMPLE_RATE_HZ) == pytest.approx(measure_mfcc(TALK, SAMPLE_RATE_HZ), abs=1e-6)


def test_the_mel_scale_goes_there_and_back() -> None:
    hz = np.array([0.0, 100.0, 999.0, 1000.0, 1001.0, 8000.0])
    assert mel_to_hz(hz_to_mel(hz)) == pytest.approx(hz)
    assert hz_to_mel(hz) == pytest.approx(librosa.hz_to_mel(hz))


def test_less_than_a_frame_has_no_coefficients() -> None:
    assert measure_mfcc(np.zeros(10), SAMPLE_RATE_HZ).shape == (0, N_MFCC)
