"""A plain source-filter voice for tests: vowels of known pitch, and talk made of syllables and pauses."""

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from pipeline.types import SAMPLE_RATE_HZ, FloatArray

FORMANTS_HZ = ((650.0, 80.0), (1080.0, 90.0), (2650.0, 120.0), (3500.0, 150.0))
"""Centre and bandwidth of an open vowel."""


def make_vowel(f0_hz: npt.NDArray[np.float64], *, rms: float = 0.05) -> FloatArray:
    """Make a vowel that follows a pitch curve of one value per sample; the result has that length and RMS."""
    cycles = np.cumsum(f0_hz) / SAMPLE_RATE_HZ
    sound = np.zeros(len(f0_hz))
    sound[np.searchsorted(cycles, np.arange(1, int(cycles[-1])))] = 1.0
    for centre_hz, bandwidth_hz in FORMANTS_HZ:
        radius = np.exp(-np.pi * bandwidth_hz / SAMPLE_RATE_HZ)
        feedback = [1.0, -2 * radius * np.cos(2 * np.pi * centre_hz / SAMPLE_RATE_HZ), radius**2]
        sound = lfilter([1.0], feedback, sound)
    return (sound * rms / np.sqrt(np.mean(sound**2))).astype(np.float32)


def make_talk(
    duration_s: float,
    *,
    f0_hz: float = 120.0,
    melody_semitones: float = 2.0,
    rms: float = 0.02,
    noise_rms: float = 1e-4,
    brightness: float = 0.0,
    seed: int = 0,
) -> FloatArray:
    """Make talk: four syllables a second, a breath of 0.4 s in every three, over a quiet room.

    Args:
        duration_s: length in seconds.
        f0_hz: middle of the melody.
        melody_semitones: swing of the melody up and down.
        rms: of the syllables, full scale 1.
        noise_rms: of the room.
        brightness: 0 as it is, towards 1 ever more treble, as pressed voices have.
        seed: of the room's noise.
    """
    t_s = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    melody = melody_semitones * np.sin(2 * np.pi * 0.45 * t_s)
    sound = lfilter([1.0, -brightness], [1.0], make_vowel(f0_hz * 2 ** (melody / 12))).astype(np.float64)
    syllables = np.maximum(0.0, np.sin(2 * np.pi * 2 * t_s) ** 2 - 0.1) * (np.abs(t_s % 3 - 1.6) > 0.2)
    sound *= syllables
    sound *= rms / np.sqrt(np.mean(sound[syllables > 0] ** 2))
    return (sound + make_noise(len(sound), noise_rms, seed)).astype(np.float32)


def make_noise(n_samples: int, rms: float, seed: int = 0) -> FloatArray:
    """Make white noise of an RMS."""
    return np.random.default_rng(seed).normal(0.0, rms, n_samples).astype(np.float32)
