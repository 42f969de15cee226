"""The rate of a pulse wave and how far it stands out, from its spectrum."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.physiology.methods import BAND_HZ, RATE_HZ, Doubles

N_FFT = 4096
"""Zero-padded length: a bin is 0.44 bpm wide."""

NOISE_BAND_HZ = (0.5, 4.0)
"""What de Haan and Jeanne (2013) count as noise around the pulse: 30 to 240 bpm."""

PULSE_WIDTH_HZ = 0.1
"""Half width of what counts as pulse at the rate; twice that at its double."""

HALF_SHARE = 0.5
"""A peak at half the rate with this share of the height is taken for the rate itself, and the higher one for its
harmonic: a pulse wave's second harmonic may outgrow the first where the band-pass or a filter in the camera cuts it."""

_FREQUENCY_HZ = np.fft.rfftfreq(N_FFT, 1 / RATE_HZ)


def _inside(band_hz: tuple[float, float]) -> npt.NDArray[np.bool_]:
    low_hz, high_hz = band_hz
    frequency_hz = _FREQUENCY_HZ
    return (frequency_hz >= low_hz) & (frequency_hz <= high_hz)


_IN_BAND = np.flatnonzero(_inside(BAND_HZ))
_COUNTED = _inside(NOISE_BAND_HZ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The strongest rhythm of a wave."""

    rate_hz: float
    """Within BAND_HZ."""
    snr_db: float
    """Power around the rate and its double over all other power in NOISE_BAND_HZ."""


def power_spectrum(wave: Doubles) -> Doubles:
    """Return the power of a wave under a Hann window, zero-padded.

    Args:
        wave: shape (n,), 2 <= n <= N_FFT, at RATE_HZ.

    Returns:
        Shape (N_FFT // 2 + 1,).
    """
    power: Doubles = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), N_FFT)) ** 2
    return power


def find_peak(wave: Doubles) -> Peak | None:
    """Find the rate of a wave.

    Args:
        wave: shape (n,), band-passed, at RATE_HZ.

    Returns:
        The highest peak in BAND_HZ, or the one at half its rate where that is nearly as high; None for a flat wave.
    """
    power = power_spectrum(wave)
    in_band = power[_IN_BAND]
    i_top = int(_IN_BAND[in_band.argmax()])
    if not power[i_top] > 0:
        return None
    i_half = _highest_near(power, i_top // 2)
    if i_half is not None and power[i_half] >= HALF_SHARE * power[i_top]:
        i_top = i_half
    rate_hz = float((i_top + _vertex(power, i_top)) * RATE_HZ / N_FFT)
    return Peak(rate_hz=rate_hz, snr_db=signal_to_noise_db(power, rate_hz))


def signal_to_noise_db(power: Doubles, rate_hz: float) -> float:
    """Return the SNR of a rate in a spectrum, as de Haan and Jeanne (2013) define it, between -40 and 40 dB."""
    near = np.abs(_FREQUENCY_HZ - rate_hz) <= PULSE_WIDTH_HZ
    near |= np.abs(_FREQUENCY_HZ - 2 * rate_hz) <= 2 * PULSE_WIDTH_HZ
    pulse, other = float(power[_COUNTED & near].sum()), float(power[_COUNTED & ~near].sum())
    if pulse <= 0 or other <= 0:
        return 40.0 if pulse > 0 else -40.0
    return float(np.clip(10 * np.log10(pulse / other), -40.0, 40.0))


def _highest_near(power: Doubles, i_bin: int) -> int | None:
    """Return the highest local maximum within PULSE_WIDTH_HZ / 2 of a bin, inside the band, or None."""
    reach = round(PULSE_WIDTH_HZ / 2 * N_FFT / RATE_HZ)
    low, high = max(i_bin - reach, int(_IN_BAND[0])), min(i_bin + reach, int(_IN_BAND[-1]))
    if high <= low:
        return None
    i_best = low + int(power[low : high + 1].argmax())
    is_maximum = power[i_best] >= power[i_best - 1] and power[i_best] >= power[i_best + 1]
    return i_best if is_maximum else None


def _vertex(power: Doubles, i_bin: int) -> float:
    """Return where between its neighbours the top of a parabola through three bins lies, in [-0.5, 0.5] bins."""
    left, top, right = (float(value) for value in power[i_bin - 1 : i_bin + 2])
    bend = left - 2 * top + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0
