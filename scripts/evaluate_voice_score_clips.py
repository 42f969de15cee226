"""Recordings for the evaluation of the voice score: reading, a trip through Opus, and what silence sounds like."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np

from pipeline.types import SAMPLE_RATE_HZ, FloatArray

OPUS_RATE_HZ = 48_000
OPUS_BIT_RATE = 24_000
QUIET_GAIN = 10 ** (-20 / 20)
"""20 dB down."""
NOISE_DBFS = -60.0
SILENCE_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One recording of labels.csv."""

    path: Path
    emotion: str
    intensity: str
    """01 normal, 02 strong."""
    statement: str
    repetition: str
    """The sixth number of the file name: 01 or 02."""
    actor: int


def read_labels(data: Path) -> list[Clip]:
    """Read DATA/labels.csv (columns file, emotion, intensity, statement, actor)."""
    with (data / "labels.csv").open(newline="") as file:
        return [
            Clip(
                path=data / row["file"],
                emotion=row["emotion"],
                intensity=row["intensity"],
                statement=row["statement"],
                repetition=row["file"].split("-")[5],
                actor=int(row["actor"]),
            )
            for row in csv.DictReader(file)
        ]


def load_sound(path: Path) -> FloatArray:
    """Decode a file to 16 kHz mono, shape (n,), full scale [-1, 1]."""
    with path.open("rb") as file:
        return _decode(file)


def pass_through_opus(samples: FloatArray, bit_rate: int = OPUS_BIT_RATE) -> FloatArray:
    """Encode 16 kHz mono sound as Opus, as a browser sends it, and decode it again."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=OPUS_RATE_HZ, options={"application": "voip"})
        stream.bit_rate = bit_rate
        stream.layout = "mono"
        resampler = av.AudioResampler(format="s16", layout="mono", rate=OPUS_RATE_HZ, frame_size=960)
        for frame in (*resampler.resample(_to_frame(samples)), *resampler.resample(None)):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    buffer.seek(0)
    return _decode(buffer)


def make_silences(clip_samples: FloatArray, seed: int) -> list[FloatArray]:
    """Return three silences of SILENCE_S: digital zero, white noise at NOISE_DBFS, the clip's own lead-in repeated."""
    n = round(SILENCE_S * SAMPLE_RATE_HZ)
    noise = np.random.default_rng(seed).normal(0.0, 10 ** (NOISE_DBFS / 20), n)
    lead_in = clip_samples[: round(0.3 * SAMPLE_RATE_HZ)]
    return [np.zeros(n, np.float32), noise.astype(np.float32), np.resize(lead_in, n)]


def _to_frame(samples: FloatArray) -> av.AudioFrame:
    pcm = np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(pcm[None, :], format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE_HZ
    return frame


def _decode(file: BinaryIO) -> FloatArray:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    with av.open(file, "r") as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().ravel() for frame in frames]).astype(np.float32)
