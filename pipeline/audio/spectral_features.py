"""Level and the shape of the spectrum, of frames of 25 ms every 10 ms.

Centroid, roll-off, zero-crossing rate and RMS are librosa's definitions (McFee et al., SciPy 2015); alpha ratio,
Hammarberg index and spectral slope are those of eGeMAPS (Eyben et al., IEEE Trans. Affective Computing 7, 2016);
loudness is that of ITU-R BS.1770.
"""

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy  # its parts load when they are first used: a server that only names signals needs none of them

from pipeline.audio.framing import Doubles
from pipeline.audio.short_frames import ShortWindow, cut_short_frames, make_short_window, power_spectra

ROLLOFF_SHARE = 0.85
"""Of the summed magnitudes."""
ALPHA_BANDS_HZ = ((50.0, 1_000.0), (1_000.0, 5_000.0))
HAMMARBERG_BANDS_HZ = ((0.0, 2_000.0), (2_000.0, 5_000.0))
LOW_SLOPE_BAND_HZ = (0.0, 500.0)
SLOPE_BAND_HZ = (500.0, 1_500.0)
MIN_POWER = 1e-10
"""Given to an empty bin before a logarithm is taken: 16-bit silence."""
LOUDNESS_OFFSET_DB = -0.691
"""BS.1770 adds it so that a 1 kHz sine reads its level in dB."""

_K_WEIGHTING = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)
"""Head and high-pass filter of BS.1770-4, annex 1, tables 1 and 2, given for 48 kHz."""
_K_RATE_HZ = 48_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectralTrack:
    """Measures of n frames; every array has shape (n,), NaN where a frame has no energy."""

    mean_square: Doubles
    """Of the samples, full scale 1; 0 in digital silence. Its root is the RMS."""
    weighted_square: Doubles
    """The same after the K-weighting of BS.1770, measured in the spectrum."""
    zero_crossing_rate: Doubles
    """Sign changes per sample, in [0, 1]."""
    centroid_hz: Doubles
    """Mean frequency, weighted by magnitude."""
    rolloff_hz: Doubles
    """Frequency below which ROLLOFF_SHARE of the summed magnitudes lies."""
    flux: Doubles
    """Distance between the spectrum and the one before, each of unit length: 0 (the same) to 1.41 (nothing in
    common), whatever the level. NaN in the first frame."""
    low_slope_db_per_khz: Doubles
    """Of the line through the power spectrum in dB from 0 to 500 Hz."""
    slope_db_per_khz: Doubles
    """From 500 to 1500 Hz."""
    alpha_ratio_db: Doubles
    """Power from 50 Hz to 1 kHz over that from 1 to 5 kHz."""
    hammarberg_db: Doubles
    """Strongest bin below 2 kHz over the strongest from 2 to 5 kHz."""

    def where(self, keep: npt.NDArray[np.bool_] | slice) -> "SpectralTrack":
        """Return the frames that keep, a mask of shape (n,) or a slice, selects."""
        return SpectralTrack(**{field.name: getattr(self, field.name)[keep] for field in fields(self)})

    def followed_by(self, newer: "SpectralTrack") -> "SpectralTrack":
        """Return both tracks joined."""
        names = [field.name for field in fields(self)]
        return SpectralTrack(**{name: np.concatenate((getattr(self, name), getattr(newer, name))) for name in names})


def measure_spectral(samples: npt.NDArray[np.floating], rate_hz: float) -> SpectralTrack:
    """Measure a recording of shape (n,), full scale 1; frame i begins at 10 ms times i.

    Raises:
        ValueError: a sample is not finite; the shape or the rate is wrong.
    """
    window = make_short_window(rate_hz)
    frames = cut_short_frames(window, samples)
    return describe_frames(window, frames, power_spectra(window, frames))


def describe_frames(window: ShortWindow, frames: Doubles, power: Doubles) -> SpectralTrack:
    """Measure successive frames, shape (n, window.frame_samples), of which power_spectra gave power; n may be 0."""
    hz = window.bin_hz
    magnitude = np.sqrt(power)
    total = magnitude.sum(axis=1)
    has_energy = total > 0
    rolloff_bin = (np.cumsum(magnitude, axis=1) < ROLLOFF_SHARE * total[:, None]).sum(axis=1)
    level_db = 10 * np.log10(np.maximum(power, MIN_POWER))
    low, high = (_sum_band(power, hz, band) for band in ALPHA_BANDS_HZ)
    low_peak, high_peak = (level_db[:, _in_band(hz, band)].max(axis=1, initial=-np.inf) for band in HAMMARBERG_BANDS_HZ)
    is_negative = np.signbit(frames)
    return SpectralTrack(
        mean_square=np.mean(frames**2, axis=1),
        weighted_square=_weigh(window, power),
        zero_crossing_rate=(is_negative[:, 1:] != is_negative[:, :-1]).sum(axis=1) / frames.shape[1],
        centroid_hz=_where(has_energy, magnitude @ hz / np.where(has_energy, total, 1.0)),
        rolloff_hz=_where(has_energy, hz[np.minimum(rolloff_bin, len(hz) - 1)]),
        flux=_find_flux(power),
        low_slope_db_per_khz=_where(has_energy, _fit_slope(level_db, hz, LOW_SLOPE_BAND_HZ)),
        slope_db_per_khz=_where(has_energy, _fit_slope(level_db, hz, SLOPE_BAND_HZ)),
        alpha_ratio_db=_where(has_energy, 10 * np.log10(np.maximum(low, MIN_POWER) / np.maximum(high, MIN_POWER))),
        hammarberg_db=_where(has_energy, low_peak - high_peak),
    )


def to_loudness(weighted_square: float) -> float:
    """Loudness in LUFS (dB of full scale, K-weighted) of one channel's weighted mean square; -100.7 at the least."""
    return LOUDNESS_OFFSET_DB + 10 * float(np.log10(max(weighted_square, MIN_POWER)))


def _in_band(hz: Doubles, band_hz: tuple[float, float]) -> npt.NDArray[np.bool_]:
    return (hz >= band_hz[0]) & (hz < band_hz[1])


def _sum_band(power: Doubles, hz: Doubles, band_hz: tuple[float, float]) -> Doubles:
    return np.asarray(power[:, _in_band(hz, band_hz)].sum(axis=1))


def _where(has_energy: npt.NDArray[np.bool_], values: Doubles) -> Doubles:
    return np.where(has_energy, values, np.nan)


def _find_flux(power: Doubles) -> Doubles:
    length = np.sqrt(power.sum(axis=1, keepdims=True))
    unit = np.sqrt(power) / np.where(length > 0, length, np.nan)
    step = np.sqrt(np.sum((unit[1:] - unit[:-1]) ** 2, axis=1))
    return np.concatenate((np.full(min(1, len(power)), np.nan), step))


def _fit_slope(level_db: Doubles, hz: Doubles, band_hz: tuple[float, float]) -> Doubles:
    """Slope of the least-squares line in dB per kHz."""
    inside = _in_band(hz, band_hz)
    khz = hz[inside] / 1e3
    khz = khz - khz.mean()
    return np.asarray(level_db[:, inside] @ khz / np.sum(khz**2))


def _weigh(window: ShortWindow, power: Doubles) -> Doubles:
    """K-weighted mean square of each frame, by Parseval's theorem; the window's own energy is divided out."""
    gain = _k_weighting(window.rate_hz, window.n_fft)
    return np.asarray(power @ gain) / (window.n_fft * float(np.sum(window.window**2)))


@lru_cache(maxsize=8)
def _k_weighting(rate_hz: float, n_fft: int) -> Doubles:
    """Squared response at each bin, doubled for the bins that stand for a negative frequency too."""
    hz = np.fft.rfftfreq(n_fft, 1 / rate_hz)
    gain = np.ones(len(hz))
    for forward, feedback in _K_WEIGHTING:
        gain *= np.abs(scipy.signal.freqz(forward, feedback, worN=hz, fs=_K_RATE_HZ)[1]) ** 2
    gain[1:-1] *= 2
    return gain
