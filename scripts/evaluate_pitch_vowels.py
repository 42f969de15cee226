"""Vowels of known pitch: harmonics through formants, without aliases, with jitter and glides, in white noise.

Made from harmonics and not from pulses: pulses put on whole samples differ from period to period, and a sound that
truly repeats only every second or third period has no octave error to be found in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.audio.framing import Doubles

RATE_HZ = 16_000
F0_HZ = (60.0, 75.0, 95.0, 120.0, 150.0, 190.0, 240.0, 300.0, 380.0, 440.0, 500.0)
GLIDE = 1.5
"""A glide goes up or down by this ratio within the vowel, staying within the F0_HZ."""
JITTER = 0.01
"""Standard deviation of the length of a period as a share of it; healthy voices have 0.2-1 %."""
VIBRATO = 0.01
RMS = 0.05
FORMANTS_HZ = {
    "a": ((730.0, 90.0), (1090.0, 110.0), (2440.0, 170.0), (3400.0, 250.0)),
    "e": ((530.0, 70.0), (1840.0, 110.0), (2480.0, 170.0), (3500.0, 250.0)),
    "i": ((270.0, 60.0), (2290.0, 100.0), (3010.0, 170.0), (3700.0, 250.0)),
    "o": ((460.0, 70.0), (800.0, 90.0), (2500.0, 170.0), (3400.0, 250.0)),
    "u": ((300.0, 60.0), (870.0, 90.0), (2240.0, 170.0), (3300.0, 250.0)),
}
"""Centre and bandwidth. Centres of men's vowels: G. Peterson and H. Barney, JASA 24 (1952)."""
KINDS = ("steady", "jitter", "glide")

_TOP_HZ = 7_800.0
_GRID_HZ = np.arange(0.0, _TOP_HZ + 5.0, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vowel:
    """A vowel in noise."""

    samples: Doubles
    """At RATE_HZ."""
    f0_hz: Doubles
    """The true pitch at each sample."""


def make_vowels(snr_db: float, *, duration_s: float, vowels: str = "aeiou") -> Iterator[Vowel]:
    """Make a vowel of every pitch, formant set and kind; the same ones each time.

    Args:
        snr_db: of white noise over the whole band.
        duration_s: of each.
        vowels: keys of FORMANTS_HZ.
    """
    rng = np.random.default_rng(20)
    n = round(duration_s * RATE_HZ)
    for f0_hz in F0_HZ:
        for vowel in vowels:
            for kind in KINDS:
                curve = _draw_curve(f0_hz, n, kind, rng)
                sound = make_vowel(curve, FORMANTS_HZ[vowel], jitter=0.0 if kind == "steady" else JITTER, rng=rng)
                noise = rng.normal(0.0, RMS * 10 ** (-snr_db / 20), n)
                yield Vowel(samples=sound + noise, f0_hz=curve)


def make_vowel(
    f0_hz: Doubles, formants_hz: tuple[tuple[float, float], ...], *, jitter: float, rng: np.random.Generator
) -> Doubles:
    """Make a vowel of RMS 0.05 that follows a pitch curve of one value per sample, shape (n,).

    The source falls by 6 dB an octave, as a voice's does when the lips' radiation is counted in.
    """
    periods = np.floor(np.cumsum(f0_hz) / RATE_HZ).astype(np.intp)
    shaken_hz = f0_hz * (1 + jitter * rng.normal(size=periods[-1] + 1))[periods]
    cycles = np.cumsum(shaken_hz) / RATE_HZ
    gain = np.ones(len(_GRID_HZ))
    for centre_hz, bandwidth_hz in formants_hz:
        gain *= centre_hz**2 / np.abs(centre_hz**2 - _GRID_HZ**2 + 1j * _GRID_HZ * bandwidth_hz)
    sound = np.zeros(len(f0_hz))
    for k in range(1, int(_TOP_HZ / f0_hz.min()) + 1):
        sound += np.interp(k * f0_hz, _GRID_HZ, gain, right=0.0) / k * np.cos(2 * np.pi * k * cycles)
    return np.asarray(sound * RMS / np.sqrt(np.mean(sound**2)))


def _draw_curve(f0_hz: float, n: int, kind: str, rng: np.random.Generator) -> Doubles:
    """Pitch at each of n samples."""
    t = np.arange(n) / n
    if kind != "glide":
        return np.asarray(f0_hz * (1 + VIBRATO * np.sin(2 * np.pi * 5 * t * n / RATE_HZ)))
    goes_up = f0_hz / GLIDE < F0_HZ[0] or (f0_hz * GLIDE <= F0_HZ[-1] and rng.random() < 0.5)
    return np.asarray(f0_hz * (GLIDE if goes_up else 1 / GLIDE) ** t)
