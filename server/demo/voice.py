"""A synthetic voice that follows the story: glottal pulses through vowel formants, fricatives, pauses.

Source-filter synthesis after Klatt (1980): a pulse train with the pitch of the moment, shaped by three resonators.
Under stress pitch, level and high-frequency energy rise.
"""

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from server.demo.story import LOOP_S, Story, Syllable, stress_at

RATE_HZ = 48_000
_FADE_S = 0.025
_NOISE_FLOOR = 10 ** (-62 / 20)

# First three formants in Hz of five vowels, female averages (Peterson and Barney 1952): a, e, i, o, u.
_FORMANTS_HZ = ((850, 1220, 2810), (610, 2330, 2990), (310, 2790, 3310), (590, 920, 2710), (370, 950, 2670))
_BANDWIDTHS_HZ = (90, 110, 170)

FloatArray = npt.NDArray[np.float32]


def speak_loop(story: Story) -> FloatArray:
    """Return one loop of the voice, shape (LOOP_S * 48000,), full scale 1, with a quiet room behind it."""
    random = np.random.default_rng(3)
    out = random.standard_normal(round(LOOP_S * RATE_HZ)) * _NOISE_FLOOR
    for syllable in story.syllables:
        sound = _speak(syllable, random)
        start = round(syllable.start_s * RATE_HZ)
        out[start : start + len(sound)] += sound[: len(out) - start]
    return np.clip(out, -1, 1).astype(np.float32)


def _speak(syllable: Syllable, random: np.random.Generator) -> npt.NDArray[np.float64]:
    stress = stress_at(syllable.start_s)
    n = round(syllable.duration_s * RATE_HZ)
    t = np.arange(n) / RATE_HZ
    # Declination within the syllable, a fall at the end of a phrase, vibrato-like shake under stress.
    f0 = 195.0 * (1.0 + 0.75 * stress) * (1.0 + 0.06 * np.sin(2 * np.pi * 2.1 * (t + syllable.start_s)))
    f0 = f0 * (1.0 - (0.16 if syllable.is_phrase_end else 0.05) * t / syllable.duration_s)
    f0 = f0 * (1.0 + 0.02 * stress * np.sin(2 * np.pi * 9.0 * t))
    source = _pulses(f0, tilt=0.985 - 0.05 * stress)
    voiced = source
    for formant_hz, bandwidth_hz in zip(_FORMANTS_HZ[syllable.vowel], _BANDWIDTHS_HZ, strict=True):
        voiced = _resonate(voiced, formant_hz * (1.0 + 0.05 * stress), bandwidth_hz)
    voiced = voiced / (np.sqrt(np.mean(voiced**2)) + 1e-9)
    level = 0.035 * 10 ** (15.0 * stress / 20.0)
    sound = level * voiced * _envelope(n)
    if syllable.has_fricative:
        n_noise = min(n, round(0.07 * RATE_HZ))
        hiss = lfilter([1.0, -0.95], [1.0], random.standard_normal(n_noise))
        sound[:n_noise] += 0.35 * level * hiss * _envelope(n_noise)
    return np.asarray(sound)


def _pulses(f0_hz: npt.NDArray[np.float64], *, tilt: float) -> npt.NDArray[np.float64]:
    """Return a glottal pulse train; a tilt nearer 1 is a softer voice."""
    phase = np.cumsum(f0_hz / RATE_HZ)
    pulses = np.zeros(len(f0_hz))
    pulses[np.flatnonzero(np.diff(np.floor(phase), prepend=0.0) > 0)] = 1.0
    soft = lfilter([1.0], [1.0, -tilt], pulses)
    return np.asarray(lfilter([1.0, -0.97], [1.0, -0.9], soft))


def _resonate(signal: npt.NDArray[np.float64], center_hz: float, bandwidth_hz: float) -> npt.NDArray[np.float64]:
    radius = np.exp(-np.pi * bandwidth_hz / RATE_HZ)
    a1, a2 = -2.0 * radius * np.cos(2 * np.pi * center_hz / RATE_HZ), radius**2
    return np.asarray(lfilter([1.0 + a1 + a2], [1.0, a1, a2], signal))


def _envelope(n: int) -> npt.NDArray[np.float64]:
    fade = max(1, min(n // 2, round(_FADE_S * RATE_HZ)))
    envelope = np.ones(n)
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(fade) / fade)
    envelope[:fade] *= ramp
    envelope[n - fade :] *= ramp[::-1]
    return envelope
