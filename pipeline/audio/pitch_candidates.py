"""Candidates for the pitch of each frame: maxima of the window-normalised autocorrelation.

Source: P. Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
sampled sound", IFA Proceedings 17 (1993), equations 9-10 and 22-24.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy  # its parts load when they are first used: a server that only names signals needs none of them

from pipeline.audio.framing import FRAME_S, HOP_S, Doubles

N_PERIODS = 3
"""Of the lowest pitch in a frame, as Boersma asks."""
MIN_F0_HZ = N_PERIODS / FRAME_S
"""54.5 Hz."""
MAX_F0_HZ = 700.0
MIN_RATE_HZ = 8_000
N_CANDIDATES = 15
"""Above 300 Hz a noisy frame has many maxima at multiples of the period that are as strong as the first: with five
candidates the right one often is not among them, and no path can choose it."""
OCTAVE_COST = 0.01
"""Per octave; prefers the higher of two equally strong candidates, which a periodic sound always has."""
VOICING_STRENGTH = 0.45
"""Strength of the unvoiced candidate: below it a frame is not voiced."""
SILENCE_SHARE = 0.03
"""Of the loudest: frames with peaks near or below it become unvoiced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PitchSpan:
    """Where pitch is looked for, or expected; by default all of the human range."""

    floor_hz: float = MIN_F0_HZ
    ceiling_hz: float = MAX_F0_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class PitchWindow:
    """What a sampling rate and a span need; made by make_pitch_window."""

    rate_hz: float
    span: PitchSpan
    frame_samples: int
    hop_samples: int
    n_fft: int
    """At least the frame and the longest lag together, so that the autocorrelation does not wrap around."""
    window: Doubles
    """Hann, shape (frame_samples,)."""
    window_acf: Doubles
    """Its autocorrelation, 1 at lag 0, for every lag that is looked at and one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Of n frames."""

    f0_hz: Doubles
    """Shape (n, N_CANDIDATES), strongest first; 0 where there is none."""
    strength: Doubles
    """Shape (n, N_CANDIDATES), the octave cost taken off; about 1 for a periodic frame, 0 where there is none."""
    peak: Doubles
    """Shape (n,): largest windowed amplitude, the frame's mean taken out."""


@lru_cache(maxsize=8)
def make_pitch_window(rate_hz: float, span: PitchSpan | None = None) -> PitchWindow:
    """Prepare for a sampling rate and a span of pitch, by default the whole.

    Raises:
        ValueError: a rate under MIN_RATE_HZ or not finite, a span that is empty or reaches over the whole.
    """
    span = span or PitchSpan()
    if not MIN_F0_HZ <= span.floor_hz < span.ceiling_hz <= MAX_F0_HZ:
        raise ValueError(f"pitch must be looked for within {MIN_F0_HZ:.1f}-{MAX_F0_HZ:.0f} Hz, not {span}")
    if not np.isfinite(rate_hz) or rate_hz < MIN_RATE_HZ:
        raise ValueError(f"sampling rate must be at least {MIN_RATE_HZ} Hz, not {rate_hz}")
    frame_samples = round(N_PERIODS * rate_hz / span.floor_hz)
    n_lags = int(np.ceil(rate_hz / span.floor_hz)) + 2
    n_fft = scipy.fft.next_fast_len(frame_samples + n_lags, real=True)
    window = np.hanning(frame_samples + 2)[1:-1]
    acf = np.fft.irfft(np.abs(np.fft.rfft(window, n_fft)) ** 2, n_fft)[:n_lags]
    return PitchWindow(
        rate_hz=rate_hz,
        span=span,
        frame_samples=frame_samples,
        hop_samples=round(HOP_S * rate_hz),
        n_fft=n_fft,
        window=window,
        window_acf=acf / acf[0],
    )


def find_candidates(window: PitchWindow, frames: npt.NDArray[np.floating]) -> Candidates:
    """Find the strongest maxima of each frame's autocorrelation.

    The mean of each frame is taken out first: a microphone's offset has no pitch.

    Args:
        window: for the sampling rate.
        frames: shape (n, window.frame_samples), any full scale, finite; n may be 0.
    """
    windowed = (frames - frames.mean(axis=1, keepdims=True, dtype=np.float64)) * window.window
    power = np.abs(np.fft.rfft(windowed, window.n_fft, axis=1)) ** 2
    acf = np.fft.irfft(power, window.n_fft, axis=1)[:, : len(window.window_acf)]
    energy = acf[:, :1]
    acf = np.divide(acf, energy * window.window_acf, out=np.zeros_like(acf), where=energy > 0)
    f0_hz, strength = _find_maxima(acf, window.rate_hz, window.span)
    return Candidates(f0_hz=f0_hz, strength=strength, peak=np.abs(windowed).max(axis=1, initial=0.0))


def rate_unvoiced(peak: Doubles, loudest: Doubles) -> Doubles:
    """Strength of the unvoiced candidate, shape (n,): VOICING_STRENGTH, and more the quieter the frame.

    Args:
        peak: of each frame, shape (n,).
        loudest: the largest peak it is compared with, shape (n,); 0 in digital silence.
    """
    share = np.divide(peak, loudest, out=np.zeros_like(peak), where=loudest > 0)
    return VOICING_STRENGTH + np.maximum(0.0, 2.0 - share * (1 + VOICING_STRENGTH) / SILENCE_SHARE)


def _find_maxima(acf: Doubles, rate_hz: float, span: PitchSpan) -> tuple[Doubles, Doubles]:
    """Pitch and strength of the strongest maxima, by a parabola through three lags."""
    first, last = int(np.ceil(rate_hz / span.ceiling_hz)), acf.shape[1] - 1
    left, here, right = (acf[:, first + d : last + d] for d in (-1, 0, 1))
    is_maximum = (here > left) & (here >= right) & (here > VOICING_STRENGTH / 2)
    curve = left - 2 * here + right
    shift = 0.5 * (left - right) / np.where(is_maximum & (curve < 0), curve, -1.0)
    shift = np.clip(shift, -0.5, 0.5)
    height = here - 0.25 * (left - right) * shift
    # Above 1 the estimate is an artefact of dividing by a small window value; Boersma mirrors it.
    height = np.where(height > 1, 1 / np.maximum(height, 1), height)
    lag = np.arange(first, last) + shift
    strength = np.where(is_maximum, height - OCTAVE_COST * np.log2(lag * span.floor_hz / rate_hz), 0.0)
    # A narrow span has fewer lags than there are places.
    n_missing = max(0, N_CANDIDATES - len(lag[0]))
    strength, lag = (
        np.pad(x, ((0, 0), (0, n_missing)), constant_values=fill) for x, fill in ((strength, 0.0), (lag, 1.0))
    )
    order = np.argsort(-strength, axis=1, kind="stable")[:, :N_CANDIDATES]
    best = np.take_along_axis(strength, order, axis=1)
    return np.where(best > 0, rate_hz / np.take_along_axis(lag, order, axis=1), 0.0), best
