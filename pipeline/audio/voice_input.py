"""What the voice network sees of a stretch of speech: log-mel levels and a picture of the pitch.

One function for training, evaluation and the live path. Loudness of the recording, silence before and after, and all
that lies more than RANGE_DB under the speech are taken out here, so that a gain changes nothing and a quiet room looks
like a gate that closes between words.
"""

import numpy as np

from pipeline.audio.framing import Doubles, Flags
from pipeline.types import SAMPLE_RATE_HZ, FloatArray

HOP_SAMPLES = 256
"""16 ms: expression changes slowly."""
HOP_S = HOP_SAMPLES / SAMPLE_RATE_HZ
FRAME_SAMPLES = 800
"""50 ms for the pitch: three periods of the lowest."""
MEL_SAMPLES = 480
"""30 ms in the middle of it for the mel bands."""
N_FFT = 512
N_MELS = 64
MEL_BAND_HZ = (60.0, 7_600.0)
N_PITCHES = 36
"""Semitones from LOWEST_PITCH_HZ, three octaves."""
LOWEST_PITCH_HZ = 65.0
N_ROWS = N_MELS + N_PITCHES
RANGE_DB = 60.0
"""Under the level of the speech; deeper is cut off."""
TRIM_DB = 35.0
"""Frames before the first and after the last that come within this of the speech are taken off."""
MARGIN_FRAMES = 6
"""Kept around it."""
SPEECH_QUANTILE = 0.95
"""Of the frame levels: what counts as the level of the speech."""
SCALE_DB = 20.0
"""Decibels to one unit of the network's input."""
MIN_FRAMES = 40
"""0.64 s: less is not judged."""


def prepare_voice(samples: FloatArray) -> FloatArray:
    """Turn a stretch of speech into the network's input.

    Args:
        samples: 16 kHz mono of shape (n,), any full scale.

    Returns:
        Shape (N_ROWS, n_frames), one column every HOP_S. The first N_MELS rows are mel levels in units of SCALE_DB
        relative to the speech, at least -RANGE_DB / SCALE_DB; the others are the strength of periodicity at N_PITCHES
        semitones, in [-1, 1]. No columns for less than a frame or for digital silence.

    Raises:
        ValueError: a sample is not finite.
    """
    if not np.isfinite(samples).all():
        raise ValueError("sound must be finite")
    if len(samples) < FRAME_SAMPLES:
        return np.zeros((N_ROWS, 0), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME_SAMPLES)[::HOP_SAMPLES]
    centred = frames - frames.mean(axis=1, keepdims=True, dtype=np.float64)
    power = _measure_mel_power(centred)
    level_db = 10 * np.log10(power.sum(axis=1) + 1e-20)
    speech_db = float(np.quantile(level_db, SPEECH_QUANTILE))
    if speech_db < SILENT_DB:
        return np.zeros((N_ROWS, 0), np.float32)
    kept = _find_extent(level_db > speech_db - TRIM_DB)
    mel_db = 10 * np.log10(power[kept] + 1e-20) - speech_db
    mel = np.maximum(mel_db, -RANGE_DB) / SCALE_DB
    return np.concatenate((mel, _measure_periodicity(centred[kept])), axis=1).T.astype(np.float32, order="C")


def _find_extent(is_loud: Flags) -> slice:
    """From the first to the last loud frame with a margin; at least one is loud."""
    loud = np.flatnonzero(is_loud)
    return slice(max(0, int(loud[0]) - MARGIN_FRAMES), int(loud[-1]) + MARGIN_FRAMES + 1)


def _measure_mel_power(frames: Doubles) -> Doubles:
    """Power in each mel band, shape (n, N_MELS), of frames of shape (n, FRAME_SAMPLES)."""
    spectrum = np.fft.rfft(frames[:, _MIDDLE] * _MEL_WINDOW, N_FFT, axis=1)
    power: Doubles = (spectrum.real**2 + spectrum.imag**2) @ _MEL_FILTERS
    return power


def _measure_periodicity(frames: Doubles) -> Doubles:
    """Window-normalised autocorrelation at the period of each pitch, shape (n, N_PITCHES).

    Source: Boersma 1993, "Accurate short-term analysis of the fundamental frequency ...", equation 9. Unlike one
    pitch per frame it shows doubt, and a raised voice is the same picture further up.
    """
    spectrum = np.fft.rfft(frames * _PITCH_WINDOW, _N_FFT_PITCH, axis=1)
    acf = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, _N_FFT_PITCH, axis=1)
    at_lag = acf[:, _LAG] * (1 - _LAG_SHARE) + acf[:, _LAG + 1] * _LAG_SHARE
    scale = acf[:, :1] * _WINDOW_ACF
    strength: Doubles = np.clip(np.divide(at_lag, scale, out=np.zeros_like(at_lag), where=scale > 0), -1.0, 1.0)
    return strength


def _make_mel_filters() -> Doubles:
    """Triangles of equal width in mel (2595 log10(1 + f / 700), O'Shaughnessy 1987), shape (N_FFT / 2 + 1, N_MELS)."""
    low, high = (2595 * np.log10(1 + edge_hz / 700) for edge_hz in MEL_BAND_HZ)
    corner_hz = 700 * (10 ** (np.linspace(low, high, N_MELS + 2) / 2595) - 1)
    bin_hz = np.fft.rfftfreq(N_FFT, 1 / SAMPLE_RATE_HZ)[:, None]
    rising = (bin_hz - corner_hz[:-2]) / np.maximum(corner_hz[1:-1] - corner_hz[:-2], SAMPLE_RATE_HZ / N_FFT)
    falling = (corner_hz[2:] - bin_hz) / np.maximum(corner_hz[2:] - corner_hz[1:-1], SAMPLE_RATE_HZ / N_FFT)
    filters: Doubles = np.maximum(0.0, np.minimum(rising, falling))
    return filters


_MIDDLE = slice((FRAME_SAMPLES - MEL_SAMPLES) // 2, (FRAME_SAMPLES + MEL_SAMPLES) // 2)
_MEL_WINDOW = np.hanning(MEL_SAMPLES + 2)[1:-1]
_MEL_FILTERS = _make_mel_filters()
SILENT_DB = 10 * float(np.log10(np.sum(_MEL_WINDOW) ** 2)) - 110.0
"""About -100 dB of full scale: digital silence and dither."""

_PERIOD = SAMPLE_RATE_HZ / (LOWEST_PITCH_HZ * 2 ** (np.arange(N_PITCHES) / 12))
_LAG = _PERIOD.astype(np.intp)
_LAG_SHARE = _PERIOD - _LAG
_N_FFT_PITCH = 1080  # at least the frame and the longest lag together, and quick to transform
_PITCH_WINDOW = np.hanning(FRAME_SAMPLES + 2)[1:-1]
_WINDOW_ACF_ALL = np.fft.irfft(np.abs(np.fft.rfft(_PITCH_WINDOW, _N_FFT_PITCH)) ** 2, _N_FFT_PITCH)
_WINDOW_ACF = (_WINDOW_ACF_ALL[_LAG] * (1 - _LAG_SHARE) + _WINDOW_ACF_ALL[_LAG + 1] * _LAG_SHARE) / _WINDOW_ACF_ALL[0]
