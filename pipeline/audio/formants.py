"""Formants 1 to 3: resonances of the vocal tract, from linear prediction by Burg's method.

Source: J. Burg (Stanford, 1975) as N. Andersen (Geophysics 39, 1974) writes the recursion; ceiling, number of poles,
pre-emphasis and window are the standard settings of Praat ("To Formant (burg)").
"""

from math import gcd

import numpy as np
import numpy.typing as npt
import scipy  # its parts load when they are first used: a server that only names signals needs none of them

from pipeline.audio.framing import HOP_S, Doubles

CEILING_HZ = 5_500.0
"""Five formants are expected below it: an adult woman's. Praat's advice for men is 5000 Hz; one ceiling for everybody
keeps a speaker comparable with themselves when the voice is raised."""
N_POLES = 10
"""Two for each of the five."""
PRE_EMPHASIS_HZ = 50.0
REACH_S = 0.025
"""To either side; the Gaussian window is 50 ms long, and effectively half of that."""
EDGE_HZ = 50.0
"""Roots this near to 0 or the ceiling describe the slope of the spectrum and are no formants."""
N_FORMANTS = 3
MIN_RATE_HZ = 8_000


def measure_formants(samples: npt.NDArray[np.floating], rate_hz: float, at_s: Doubles | None = None) -> Doubles:
    """Measure formants at moments of a recording.

    What is not a vowel has roots too; the caller chooses voiced frames.

    Args:
        samples: shape (n,), any full scale.
        rate_hz: at least MIN_RATE_HZ; below 11 kHz there is less than the ceiling to look at.
        at_s: moments in seconds from the first sample, shape (m,); by default every 10 ms.

    Returns:
        Shape (m, N_FORMANTS) in Hz, lowest first; NaN where there are fewer, no energy, or less than REACH_S of sound
        to one side.

    Raises:
        ValueError: a sample is not finite; the shape or the rate is wrong.
    """
    if samples.ndim != 1:
        raise ValueError(f"samples must have one axis, not {samples.ndim}")
    if not np.isfinite(rate_hz) or rate_hz < MIN_RATE_HZ:
        raise ValueError(f"sampling rate must be at least {MIN_RATE_HZ} Hz, not {rate_hz}")
    if not np.isfinite(samples).all():
        raise ValueError("sound must be finite")
    duration_s = len(samples) / rate_hz
    if at_s is None:
        at_s = np.arange(REACH_S, duration_s - REACH_S + 1e-9, HOP_S)
    out = np.full((len(at_s), N_FORMANTS), np.nan)
    is_inside = (at_s >= REACH_S - 1e-9) & (at_s <= duration_s - REACH_S + 1e-9)
    if not is_inside.any():
        return out
    sound, rate_hz = _emphasise(samples, rate_hz)
    out[is_inside] = _find_resonances(_cut(sound, rate_hz, at_s[is_inside]), rate_hz)
    return out


def predict_by_burg(frames: Doubles, n_poles: int) -> Doubles:
    """Coefficients of linear prediction, shape (n, n_poles + 1), the first 1; frames of shape (n, m), m > n_poles."""
    forward, backward = frames[:, 1:], frames[:, :-1]
    coefficients = np.zeros((len(frames), n_poles + 1))
    coefficients[:, 0] = 1.0
    for order in range(1, n_poles + 1):
        product = np.einsum("ij,ij->i", forward, backward)
        power = np.einsum("ij,ij->i", forward, forward) + np.einsum("ij,ij->i", backward, backward)
        reflection = np.divide(-2 * product, power, out=np.zeros_like(product), where=power > 0)[:, None]
        coefficients[:, : order + 1] += reflection * coefficients[:, order::-1]
        forward, backward = (
            (forward + reflection * backward)[:, 1:],
            (backward + reflection * forward)[:, :-1],
        )
    return coefficients


def _emphasise(samples: npt.NDArray[np.floating], rate_hz: float) -> tuple[Doubles, float]:
    """Sound at twice the ceiling, each octave 6 dB stronger than the one below."""
    target_hz = round(min(2 * CEILING_HZ, rate_hz))
    common = gcd(round(rate_hz), target_hz)
    sound = scipy.signal.resample_poly(samples.astype(np.float64), target_hz // common, round(rate_hz) // common)
    sound[1:] -= np.exp(-2 * np.pi * PRE_EMPHASIS_HZ / target_hz) * sound[:-1]
    return sound, float(target_hz)


def _cut(sound: Doubles, rate_hz: float, at_s: Doubles) -> Doubles:
    """Windowed frames around moments, shape (m, 2 reach)."""
    reach = round(REACH_S * rate_hz)
    starts = np.clip(np.round(at_s * rate_hz).astype(np.intp) - reach, 0, len(sound) - 2 * reach)
    frames = np.lib.stride_tricks.sliding_window_view(sound, 2 * reach)[starts]
    offset = np.arange(2 * reach) - (reach - 0.5)
    edge = np.exp(-12.0)
    gauss = (np.exp(-48 * offset**2 / (2 * reach + 1) ** 2) - edge) / (1 - edge)
    return np.asarray(frames * gauss)


def _find_resonances(frames: Doubles, rate_hz: float) -> Doubles:
    """Lowest N_FORMANTS frequencies of the poles of each frame, NaN where there are fewer."""
    coefficients = predict_by_burg(frames, N_POLES)
    companion = np.zeros((len(frames), N_POLES, N_POLES))
    companion[:, 0] = -coefficients[:, 1:]
    companion[:, np.arange(1, N_POLES), np.arange(N_POLES - 1)] = 1.0
    hz = np.angle(np.linalg.eigvals(companion)) * rate_hz / (2 * np.pi)
    is_formant = (hz >= EDGE_HZ) & (hz <= rate_hz / 2 - EDGE_HZ)
    return np.sort(np.where(is_formant, hz, np.nan), axis=1)[:, :N_FORMANTS]
