"""What is done to the sound of a training clip: another speaker's size, a room, noise, gain, a narrow line, Opus."""

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

from pipeline.types import SAMPLE_RATE_HZ, FloatArray
from scripts.evaluate_voice_score_clips import pass_through_opus

SPEED_RANGE = (0.88, 1.14)
"""Of resampling: pitch, formants and tempo move together, as between small and large speakers."""
OPUS_BIT_RATES = (16_000, 24_000, 32_000)
SNR_DB_RANGE = (8.0, 40.0)
GAIN_DB_RANGE = (-26.0, 6.0)
"""Above full scale it clips, as a microphone does."""
DECAY_S_RANGE = (0.1, 0.6)
"""Reverberation time of a room, to -60 dB."""
DIRECT_DB_RANGE = (-2.0, 14.0)
"""Of the direct sound over all of the reverberation."""
P_SPEED, P_ROOM, P_NOISE, P_NARROW, P_OPUS = 0.8, 0.4, 0.6, 0.15, 0.5


def damage_sound(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Do to a clip, at random, what lies between a mouth and our server.

    Args:
        samples: 16 kHz mono of shape (n,), full scale 1.
        rng: the same state gives the same sound.

    Returns:
        Shape (m,); m differs from n by the change of speed.
    """
    sound = samples
    if rng.random() < P_SPEED:
        sound = change_speed(sound, float(rng.uniform(*SPEED_RANGE)))
    if rng.random() < P_ROOM:
        sound = add_room(sound, rng)
    if rng.random() < P_NOISE:
        sound = add_noise(sound, float(rng.uniform(*SNR_DB_RANGE)), rng)
    if rng.random() < P_NARROW:
        edges_hz = float(rng.uniform(80, 300)), float(rng.uniform(3_400, 7_000))
        sound = np.asarray(sosfilt(butter(2, edges_hz, "bandpass", fs=SAMPLE_RATE_HZ, output="sos"), sound), np.float32)
    peak = max(float(np.abs(sound).max(initial=0.0)), 1e-9)
    gain = 10 ** (float(rng.uniform(*GAIN_DB_RANGE)) / 20) / peak
    sound = np.asarray(np.clip(sound * gain, -1, 1), np.float32)
    if rng.random() < P_OPUS:
        sound = pass_through_opus(sound, int(rng.choice(OPUS_BIT_RATES)))
    return sound


def change_speed(samples: FloatArray, factor: float) -> FloatArray:
    """Play faster (factor > 1) or slower: by linear interpolation, whose loss of treble is small beside the rest."""
    at = np.arange(0, len(samples) - 1, factor)
    return np.asarray(np.interp(at, np.arange(len(samples)), samples), np.float32)


def add_room(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Add reverberation: noise that dies away exponentially, a moment after the direct sound."""
    decay_s = float(rng.uniform(*DECAY_S_RANGE))
    t_s = np.arange(round(decay_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tail = rng.normal(size=len(t_s)) * 10 ** (-3 * t_s / decay_s)
    tail[: round(0.002 * SAMPLE_RATE_HZ)] = 0
    tail *= 10 ** (-float(rng.uniform(*DIRECT_DB_RANGE)) / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1
    return np.asarray(fftconvolve(samples, tail)[: len(samples)], np.float32)


def add_noise(samples: FloatArray, snr_db: float, rng: np.random.Generator) -> FloatArray:
    """Add steady noise whose spectrum falls by 0 to 2 powers of the frequency: hiss, room, traffic."""
    spectrum = np.fft.rfft(rng.normal(size=len(samples)))
    f_hz = np.maximum(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ), 40)
    noise = np.fft.irfft(spectrum * f_hz ** -float(rng.uniform(0, 1)), len(samples))
    loud = np.quantile(np.abs(samples), 0.95) / 2  # about the RMS of the speech, whatever silence is around it
    scale = loud * 10 ** (-snr_db / 20) / max(float(noise.std()), 1e-12)
    return np.asarray(samples + scale * noise, np.float32)
