"""Level, spectral centroid and autocorrelation of frames, all from one Fourier transform."""

from dataclasses import dataclass

import numpy as np

from pipeline.audio.framing import FRAME_SAMPLES, Doubles, Frames
from pipeline.types import SAMPLE_RATE_HZ

N_FFT = 1024
"""At least the frame and the longest lag together, so that the autocorrelation does not wrap around."""
MAX_LAG = N_FFT - FRAME_SAMPLES
SILENT_DBFS = -100.0
"""Level given to digital silence."""
CENTROID_BAND_HZ = (80.0, 7_600.0)
"""Rumble below and the resampler's edge above are no voice."""

_WINDOW = np.hanning(FRAME_SAMPLES + 2)[1:-1]
_WINDOW_ACF = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW, N_FFT)) ** 2)[:MAX_LAG]
_WINDOW_ACF = _WINDOW_ACF / _WINDOW_ACF[0]
_BIN_HZ = np.fft.rfftfreq(N_FFT, 1 / SAMPLE_RATE_HZ)
_IN_BAND = np.abs(_BIN_HZ - np.mean(CENTROID_BAND_HZ)) <= np.ptp(CENTROID_BAND_HZ) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSpectra:
    """Frame-wise measures of n frames."""

    rms: Doubles
    """Shape (n,), full scale 1."""
    centroid_hz: Doubles
    """Shape (n,); 0 for a frame without energy."""
    acf: Doubles
    """Shape (n, MAX_LAG): autocorrelation divided by that of the window (Boersma 1993); 1 at lag 0, 0 when silent."""


def measure_spectra(frames: Frames) -> FrameSpectra:
    """Measure frames of shape (n, FRAME_SAMPLES); n may be 0.

    The mean of each frame is taken out first: a microphone's offset is neither level nor pitch.
    """
    centred = frames - frames.mean(axis=1, keepdims=True, dtype=np.float64)
    rms = np.sqrt(np.mean(centred**2, axis=1))
    power = np.abs(np.fft.rfft(centred * _WINDOW, N_FFT, axis=1)) ** 2
    magnitude = np.sqrt(power[:, _IN_BAND])
    total = magnitude.sum(axis=1)
    weighted = (magnitude * _BIN_HZ[_IN_BAND]).sum(axis=1)
    centroid_hz = np.divide(weighted, total, out=np.zeros_like(total), where=total > 0)
    acf = np.fft.irfft(power, axis=1)[:, :MAX_LAG]
    energy = acf[:, :1]
    acf = np.divide(acf, energy * _WINDOW_ACF, out=np.zeros_like(acf), where=energy > 0)
    return FrameSpectra(rms=rms, centroid_hz=centroid_hz, acf=acf)


def to_dbfs(rms: Doubles) -> Doubles:
    """Level in dB of full scale, never below SILENT_DBFS."""
    return 20 * np.log10(np.maximum(rms, 10 ** (SILENT_DBFS / 20)))
