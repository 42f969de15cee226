"""Level and spectral centroid of frames."""

from dataclasses import dataclass

import numpy as np

from pipeline.audio.framing import FRAME_SAMPLES, Doubles, Frames
from pipeline.types import SAMPLE_RATE_HZ

CENTRE_SAMPLES = 640
"""The middle 40 ms of a frame: level and spectrum change faster than three periods of the lowest pitch."""
N_FFT = 1024
"""The power of two above it."""
SILENT_DBFS = -100.0
"""Level given to digital silence."""
CENTROID_BAND_HZ = (80.0, 7_600.0)
"""Rumble below and the resampler's edge above are no voice."""

_CENTRE = slice((FRAME_SAMPLES - CENTRE_SAMPLES) // 2, (FRAME_SAMPLES + CENTRE_SAMPLES) // 2)
_WINDOW = np.hanning(CENTRE_SAMPLES + 2)[1:-1]
_BIN_HZ = np.fft.rfftfreq(N_FFT, 1 / SAMPLE_RATE_HZ)
_IN_BAND = np.abs(_BIN_HZ - np.mean(CENTROID_BAND_HZ)) <= np.ptp(CENTROID_BAND_HZ) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSpectra:
    """Frame-wise measures of n frames."""

    rms: Doubles
    """Shape (n,), full scale 1."""
    centroid_hz: Doubles
    """Shape (n,); 0 for a frame without energy."""


def measure_spectra(frames: Frames) -> FrameSpectra:
    """Measure the middle of frames of shape (n, FRAME_SAMPLES); n may be 0.

    The mean of each frame is taken out first: a microphone's offset is no level.
    """
    middle = frames[:, _CENTRE]
    centred = middle - middle.mean(axis=1, keepdims=True, dtype=np.float64)
    rms = np.sqrt(np.mean(centred**2, axis=1))
    magnitude = np.abs(np.fft.rfft(centred * _WINDOW, N_FFT, axis=1)[:, _IN_BAND])
    total = magnitude.sum(axis=1)
    weighted = (magnitude * _BIN_HZ[_IN_BAND]).sum(axis=1)
    centroid_hz = np.divide(weighted, total, out=np.zeros_like(total), where=total > 0)
    return FrameSpectra(rms=rms, centroid_hz=centroid_hz)


def to_dbfs(rms: Doubles) -> Doubles:
    """Level in dB of full scale, never below SILENT_DBFS."""
    return 20 * np.log10(np.maximum(rms, 10 ** (SILENT_DBFS / 20)))
