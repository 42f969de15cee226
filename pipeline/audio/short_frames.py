"""Frames of 25 ms every 10 ms and their spectra: what the shape of a spectrum and the MFCC are measured on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.audio.framing import HOP_S, Doubles

SHORT_S = 0.025
"""Short enough for a sound to stand still, long enough to hold two periods of most voices."""
MIN_RATE_HZ = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortWindow:
    """What a sampling rate needs; made by make_short_window."""

    rate_hz: float
    frame_samples: int
    hop_samples: int
    n_fft: int
    """The power of two at or above the frame."""
    window: Doubles
    """Periodic Hann, shape (frame_samples,)."""
    bin_hz: Doubles
    """Centre of each bin, shape (n_fft // 2 + 1,)."""


def make_short_window(rate_hz: float) -> ShortWindow:
    """Prepare for a sampling rate.

    Raises:
        ValueError: a rate under MIN_RATE_HZ or not finite.
    """
    if not np.isfinite(rate_hz) or rate_hz < MIN_RATE_HZ:
        raise ValueError(f"sampling rate must be at least {MIN_RATE_HZ} Hz, not {rate_hz}")
    frame_samples = round(SHORT_S * rate_hz)
    n_fft = 1 << (frame_samples - 1).bit_length()
    return ShortWindow(
        rate_hz=rate_hz,
        frame_samples=frame_samples,
        hop_samples=round(HOP_S * rate_hz),
        n_fft=n_fft,
        window=np.hanning(frame_samples + 1)[:-1],
        bin_hz=np.fft.rfftfreq(n_fft, 1 / rate_hz).astype(np.float64),
    )


def cut_short_frames(window: ShortWindow, samples: npt.NDArray[np.floating]) -> Doubles:
    """Cut samples, shape (n,), into frames of shape (n frames, window.frame_samples); none when n is less than that.

    Raises:
        ValueError: a sample is not finite, or there is more than one axis.
    """
    if samples.ndim != 1:
        raise ValueError(f"samples must have one axis, not {samples.ndim}")
    if not np.isfinite(samples).all():
        raise ValueError("sound must be finite")
    if len(samples) < window.frame_samples:
        return np.zeros((0, window.frame_samples))
    frames = np.lib.stride_tricks.sliding_window_view(samples, window.frame_samples)[:: window.hop_samples]
    return frames.astype(np.float64)


def power_spectra(window: ShortWindow, frames: Doubles) -> Doubles:
    """Squared magnitudes of the windowed frames' spectra, shape (n frames, n_fft // 2 + 1)."""
    spectra = np.fft.rfft(frames * window.window, window.n_fft, axis=1)
    return np.asarray(spectra.real**2 + spectra.imag**2)
