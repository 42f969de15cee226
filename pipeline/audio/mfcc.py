"""Mel-frequency cepstral coefficients and their deltas, as librosa computes them.

Source: S. Davis and P. Mermelstein, IEEE Trans. ASSP 28 (1980); mel scale and filters of equal area as in M. Slaney's
Auditory Toolbox (1998), the default of librosa; deltas by the usual regression over nine frames (Young et al., The HTK
Book, section 5.9).
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy  # its parts load when they are first used: a server that only names signals needs none of them

from pipeline.audio.framing import Doubles
from pipeline.audio.short_frames import ShortWindow, cut_short_frames, make_short_window, power_spectra

N_MFCC = 13
"""Coefficients 1 to 13. Coefficient 0 is the level and is left out: ``voice.loudness`` says that better."""
N_MELS = 40
MIN_POWER = 1e-10
"""Of a mel band, before the logarithm (librosa's amin). No band is cut off at 80 dB under the loudest of the recording,
which a stream does not know (librosa's top_db)."""
DELTA_REACH = 4
"""Frames on either side: nine in all."""

_LINEAR_HZ_PER_MEL = 200 / 3
_LOG_FROM_HZ = 1_000.0
_LOG_STEP = np.log(6.4) / 27


def measure_mfcc(samples: npt.NDArray[np.floating], rate_hz: float) -> Doubles:
    """Coefficients 1 to 13 of a recording of shape (n,), full scale 1: shape (n frames, N_MFCC), a frame every 10 ms.

    Raises:
        ValueError: a sample is not finite; the shape or the rate is wrong.
    """
    window = make_short_window(rate_hz)
    return cepstra(window, power_spectra(window, cut_short_frames(window, samples)))


def cepstra(window: ShortWindow, power: Doubles) -> Doubles:
    """Coefficients of frames whose power spectra are known: shape (n, N_MFCC); n may be 0."""
    bands = power @ _mel_filters(window.rate_hz, window.n_fft)
    if not len(bands):
        return np.zeros((0, N_MFCC))
    level_db = 10 * np.log10(np.maximum(bands, MIN_POWER))
    return np.asarray(scipy.fft.dct(level_db, type=2, norm="ortho", axis=1)[:, 1 : N_MFCC + 1])


def deltas(coefficients: Doubles) -> Doubles:
    """Change per frame (10 ms) of coefficients of successive frames, shape (n, k).

    Returns:
        The same shape; NaN in the first and the last DELTA_REACH frames, whose neighbours are not known.
    """
    out = np.full_like(coefficients, np.nan)
    n = len(coefficients) - 2 * DELTA_REACH
    if n <= 0:
        return out
    steps = range(1, DELTA_REACH + 1)
    middle = DELTA_REACH
    rise = sum(
        step * (coefficients[middle + step : middle + step + n] - coefficients[middle - step : middle - step + n])
        for step in steps
    )
    out[middle : middle + n] = rise / (2 * sum(step**2 for step in steps))
    return out


def hz_to_mel(hz: Doubles) -> Doubles:
    """Slaney's scale: linear to 1 kHz, logarithmic above."""
    above = _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL + np.log(np.maximum(hz, _LOG_FROM_HZ) / _LOG_FROM_HZ) / _LOG_STEP
    return np.where(hz < _LOG_FROM_HZ, hz / _LINEAR_HZ_PER_MEL, above)


def mel_to_hz(mel: Doubles) -> Doubles:
    """Undo hz_to_mel."""
    above = _LOG_FROM_HZ * np.exp(_LOG_STEP * (mel - _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL))
    return np.where(mel < _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL, mel * _LINEAR_HZ_PER_MEL, above)


@lru_cache(maxsize=8)
def _mel_filters(rate_hz: float, n_fft: int) -> Doubles:
    """Triangles of equal area, shape (n_fft // 2 + 1, N_MELS)."""
    top_mel = float(hz_to_mel(np.array([rate_hz / 2]))[0])
    edges_hz = mel_to_hz(np.linspace(0.0, top_mel, N_MELS + 2))
    hz = np.fft.rfftfreq(n_fft, 1 / rate_hz)[:, None]
    left, centre, right = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    triangle = np.minimum((hz - left) / (centre - left), (right - hz) / (right - centre))
    return np.asarray(np.maximum(0.0, triangle) * 2 / (right - left))
