"""How unlike neighbouring periods of a voice are: jitter, shimmer and the harmonics-to-noise ratio.

Source: jitter (local) and shimmer (local) as Praat defines them; the harmonics-to-noise ratio is that of P. Boersma
(IFA Proceedings 17, 1993), by normalised cross-correlation at the period.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # its parts load when they are first used: a server that only names signals needs none of them

from pipeline.audio.framing import Doubles
from pipeline.audio.periods import Periods

MAX_PERIOD_FACTOR = 1.3
"""Neighbouring periods that differ more are a slip of the method, and no jitter (Praat)."""
MAX_AMPLITUDE_FACTOR = 1.6
"""The same for amplitudes (Praat)."""
HNR_WINDOW_S = 1 / 75
"""One period of Praat's standard floor."""
MIN_RESEMBLANCE, MAX_RESEMBLANCE = 1e-3, 1 - 1e-5
"""Limits of the ratio: -30 to 50 dB. Beyond 40 dB the sampling of 16 kHz decides, and not the voice."""
UPSAMPLING = 2
"""The best lag lies between samples, and what a strong high harmonic loses there would count as noise."""
_LAG_STEPS = np.arange(-3 * UPSAMPLING, 3 * UPSAMPLING + 1)
"""Around the pitch track's lag: a single period of a rough voice may differ from it by 2 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbation:
    """Sums over voiced stretches; they add up."""

    n_periods: int = 0
    period_s: float = 0.0
    """Sum of the periods."""
    n_period_steps: int = 0
    period_step_s: float = 0.0
    """Sum of the differences between neighbouring periods."""
    n_amplitudes: int = 0
    amplitude: float = 0.0
    n_amplitude_steps: int = 0
    amplitude_step: float = 0.0

    @property
    def jitter(self) -> float | None:
        """Jitter (local): mean difference of neighbouring periods over the mean period; None when unknown."""
        if not self.n_period_steps or not self.n_periods:
            return None
        return (self.period_step_s / self.n_period_steps) / (self.period_s / self.n_periods)

    @property
    def shimmer(self) -> float | None:
        """Shimmer (local): mean difference of neighbouring amplitudes over the mean amplitude; None when unknown."""
        if not self.n_amplitude_steps or self.amplitude <= 0:
            return None
        return (self.amplitude_step / self.n_amplitude_steps) / (self.amplitude / self.n_amplitudes)

    def __add__(self, other: "Perturbation") -> "Perturbation":
        return Perturbation(
            n_periods=self.n_periods + other.n_periods,
            period_s=self.period_s + other.period_s,
            n_period_steps=self.n_period_steps + other.n_period_steps,
            period_step_s=self.period_step_s + other.period_step_s,
            n_amplitudes=self.n_amplitudes + other.n_amplitudes,
            amplitude=self.amplitude + other.amplitude,
            n_amplitude_steps=self.n_amplitude_steps + other.n_amplitude_steps,
            amplitude_step=self.amplitude_step + other.amplitude_step,
        )


def sum_perturbation(periods: Periods) -> Perturbation:
    """Sum up one voiced stretch; amplitudes count relative to the stretch's mean, so that a loud one weighs no more."""
    lengths_s = np.diff(periods.t_s)
    if len(lengths_s) < 2:
        return Perturbation()
    is_alike = _ratio(lengths_s) <= MAX_PERIOD_FACTOR
    amplitude = periods.amplitude[1:-1]
    amplitude = amplitude / amplitude.mean() if len(amplitude) and amplitude.mean() > 0 else np.zeros(0)
    # Amplitudes of periods that lie between like neighbours.
    pairs = is_alike[:-1] & is_alike[1:] & (_ratio(amplitude) <= MAX_AMPLITUDE_FACTOR) if len(amplitude) > 1 else None
    steps = np.zeros(0) if pairs is None else np.abs(np.diff(amplitude))[pairs]
    return Perturbation(
        n_periods=len(lengths_s),
        period_s=float(lengths_s.sum()),
        n_period_steps=int(is_alike.sum()),
        period_step_s=float(np.abs(np.diff(lengths_s))[is_alike].sum()),
        n_amplitudes=len(amplitude),
        amplitude=float(amplitude.sum()),
        n_amplitude_steps=len(steps),
        amplitude_step=float(steps.sum()),
    )


def measure_hnr(samples: npt.NDArray[np.floating], rate_hz: float, f0_hz: Doubles, at_s: Doubles) -> Doubles:
    """Harmonics-to-noise ratio at voiced moments.

    Args:
        samples: shape (n,), any full scale.
        rate_hz: of the sound.
        f0_hz: pitch at the moments, shape (m,), all > 0.
        at_s: the moments in seconds from the first sample, shape (m,).

    Returns:
        Shape (m,), in dB, -30 to 50; NaN too near to an end of the sound, and where there is no energy.
    """
    if not len(samples):
        return np.full(len(f0_hz), np.nan)
    sound = scipy.signal.resample_poly(np.asarray(samples, np.float64), UPSAMPLING, 1)
    width = round(HNR_WINDOW_S * rate_hz) * UPSAMPLING
    lag = np.round(UPSAMPLING * rate_hz / f0_hz).astype(np.intp)
    start = np.round(UPSAMPLING * at_s * rate_hz).astype(np.intp) - (width + lag) // 2
    out = np.full(len(f0_hz), np.nan)
    is_inside = (start >= 0) & (start + lag + _LAG_STEPS[-1] + width <= len(sound))
    if not is_inside.any():
        return out
    start, lag = start[is_inside], lag[is_inside]
    windows = np.lib.stride_tricks.sliding_window_view(sound, width)[:, ::UPSAMPLING]
    here = windows[start]
    here = here - here.mean(axis=1, keepdims=True)
    resemblance = np.stack([_correlate(here, windows[start + lag + step]) for step in _LAG_STEPS], axis=1)
    ratio = np.clip(_peak(resemblance), MIN_RESEMBLANCE, MAX_RESEMBLANCE)
    out[is_inside] = 10 * np.log10(ratio / (1 - ratio))
    return out


def _ratio(values: Doubles) -> Doubles:
    """Larger over smaller of each pair of neighbours; infinite when one is 0."""
    small, large = np.minimum(values[1:], values[:-1]), np.maximum(values[1:], values[:-1])
    return np.asarray(np.divide(large, small, out=np.full(len(small), np.inf), where=small > 0))


def _correlate(here: Doubles, there: Doubles) -> Doubles:
    there = there - there.mean(axis=1, keepdims=True)
    product = np.einsum("ij,ij->i", here, there)
    energy = np.einsum("ij,ij->i", here, here) * np.einsum("ij,ij->i", there, there)
    return np.asarray(np.divide(product, np.sqrt(energy), out=np.full(len(product), np.nan), where=energy > 0))


def _peak(values: Doubles) -> Doubles:
    """Height of the highest point of each row, by a parabola through it and its neighbours; NaN rows stay."""
    rows = np.arange(len(values))
    best = np.clip(np.nan_to_num(values, nan=-np.inf).argmax(axis=1), 1, values.shape[1] - 2)
    before, peak, after = (values[rows, best + step] for step in (-1, 0, 1))
    curve = before - 2 * peak + after
    shift = np.clip(np.divide(0.5 * (before - after), curve, out=np.zeros_like(peak), where=curve < 0), -0.5, 0.5)
    return np.asarray(peak - 0.25 * (before - after) * shift)
