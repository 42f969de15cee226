"""Sound with known speech for the evaluation of turns, and the noises of a room."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.signal import decimate, lfilter

from pipeline.spans import Spans, join_spans
from pipeline.types import SAMPLE_RATE_HZ, FloatArray
from scripts.evaluate_voice_score_clips import load_sound, read_labels
from server.demo.story import Story
from server.demo.voice import RATE_HZ, speak_loop

FRAME_SAMPLES = SAMPLE_RATE_HZ // 100
BELOW_PEAK_DB = 40.0
ABOVE_ROOM_DB = 10.0
SYLLABLES_OF_A_STATEMENT = 7
"""``Kids are talking by the door`` and ``Dogs are sitting by the door``."""
RAVDESS_RMS = 0.03
BABBLE_VOICES = 8
DEMO_S = 60.0

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A recording of which it is known where it is speech."""

    samples: FloatArray
    """Shape (n,), 16 kHz."""
    spurts: Spans
    n_syllables: int


def make_demo_speech() -> Speech:
    """Speak the first DEMO_S of the demo candidate's story: where its syllables are is known."""
    story = Story()
    samples = decimate(speak_loop(story).astype(np.float64), RATE_HZ // SAMPLE_RATE_HZ, ftype="fir")
    spans = sorted((item.start_s, item.start_s + item.duration_s) for item in story.syllables if item.start_s < DEMO_S)
    return Speech(
        samples=samples[: round(spans[-1][1] * SAMPLE_RATE_HZ)].astype(np.float32),
        spurts=join_spans(spans, 1e-9),
        n_syllables=len(spans),
    )


def read_clips(data: Path, n: int, seed: int = 0) -> list[Speech]:
    """Draw clips of RAVDESS. Speech is what is loud in them as recorded, in a quiet studio."""
    clips = read_labels(data)
    drawn = [clips[i] for i in np.random.default_rng(seed).permutation(len(clips))[:n]]
    return [_label(load_sound(clip.path)) for clip in drawn]


def read_speech_of(
    data: Path, *, actor: int, n_others: int, random: np.random.Generator
) -> tuple[list[Speech], list[Speech]]:
    """Read the calm clips of one actor, and clips that are drawn from those of all others."""
    clips = read_labels(data)
    own = [clip for clip in clips if clip.actor == actor and clip.emotion in ("neutral", "calm", "happy", "sad")]
    others = [clip for clip in clips if clip.actor != actor]
    drawn = [others[i] for i in random.permutation(len(others))[:n_others]]
    return [_label(load_sound(clip.path)) for clip in own], [_label(load_sound(clip.path)) for clip in drawn]


def _label(samples: FloatArray) -> Speech:
    samples = (samples * RAVDESS_RMS / max(float(np.sqrt(np.mean(samples**2))), 1e-9)).astype(np.float32)
    n = len(samples) // FRAME_SAMPLES
    power = (samples[: n * FRAME_SAMPLES].reshape(n, FRAME_SAMPLES) ** 2).mean(axis=1)
    level_db = 10 * np.log10(np.convolve(power, np.full(3, 1 / 3), mode="same") + 1e-12)
    limit_db = max(level_db.max() - BELOW_PEAK_DB, np.percentile(level_db, 10) + ABOVE_ROOM_DB)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (level_db > limit_db).astype(np.int8), [0])))) / 100
    spurts = join_spans([(start, stop) for start, stop in edges.reshape(-1, 2).tolist()], 0.15)
    return Speech(
        samples=samples[: n * FRAME_SAMPLES],
        spurts=tuple(span for span in spurts if span[1] - span[0] >= 0.05),
        n_syllables=SYLLABLES_OF_A_STATEMENT,
    )


def join_speech(clips: list[Speech]) -> Speech:
    """Play recordings one after the other."""
    spurts: list[tuple[float, float]] = []
    at_s = 0.0
    for clip in clips:
        spurts += [(start_s + at_s, stop_s + at_s) for start_s, stop_s in clip.spurts]
        at_s += len(clip.samples) / SAMPLE_RATE_HZ
    return Speech(
        samples=np.concatenate([clip.samples for clip in clips]),
        spurts=join_spans(spurts, 0.15),
        n_syllables=sum(clip.n_syllables for clip in clips),
    )


def add_noise(speech: Speech, noise: Doubles, snr_db: float) -> FloatArray:
    """Mix speech with a noise of its length; the SNR is of the speech, its pauses left out."""
    parts = [speech.samples[round(a * SAMPLE_RATE_HZ) : round(b * SAMPLE_RATE_HZ)] for a, b in speech.spurts]
    rms = float(np.sqrt(np.mean(np.concatenate(parts) ** 2)))
    return np.asarray(speech.samples + noise * (rms * 10 ** (-snr_db / 20) / noise.std()), np.float32)


def make_fan(n: int, random: np.random.Generator) -> Doubles:
    """Make noise that falls by 3 dB an octave (Kellet's filter for pink noise)."""
    white = random.standard_normal(n)
    feedback = [1, -2.494956002, 2.017265875, -0.522189400]
    return np.asarray(lfilter([0.049922035, -0.095993537, 0.050612699, -0.004408786], feedback, white))


def make_typing(n: int, random: np.random.Generator) -> Doubles:
    """Make the clatter of a keyboard: about four and a half clicks of 5 ms a second."""
    out = np.zeros(n)
    t = 0
    while t < n - 1000:
        click = random.standard_normal(800) * np.exp(-np.arange(800) / 80)
        out[t : t + 800] += random.uniform(0.5, 1.0) * click
        t += int(random.exponential(0.18) * SAMPLE_RATE_HZ) + 600
    return out


def make_hum(n: int, random: np.random.Generator) -> Doubles:
    """Make the hum of a power supply: 100 Hz and overtones, at any phase."""
    t_s = np.arange(n) / SAMPLE_RATE_HZ + random.uniform(0, 0.01)
    return np.asarray(sum(np.sin(2 * np.pi * 100 * k * t_s) / k for k in (1, 2, 3, 4)))


NOISES: dict[str, Callable[[int, np.random.Generator], Doubles]] = {
    "white": lambda n, random: random.standard_normal(n),
    "fan": make_fan,
    "typing": make_typing,
    "hum": make_hum,
}


def make_babble(clips: list[Speech], n: int, random: np.random.Generator, *, n_voices: int = BABBLE_VOICES) -> Doubles:
    """Let several people talk at once."""
    out = np.zeros(n)
    for _ in range(n_voices):
        order = random.permutation(len(clips))
        voice = np.concatenate([clips[i].samples for i in order]).astype(np.float64)
        out += np.resize(np.roll(voice, int(random.integers(len(voice)))), n)
    return out
