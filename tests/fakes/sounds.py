"""Recordings on disk."""

from pathlib import Path

import av
import numpy as np

from pipeline.types import SAMPLE_RATE_HZ, FloatArray


def write_flac(path: Path, samples: FloatArray) -> None:
    """Write 16 kHz mono sound, full scale [-1, 1], as 16-bit FLAC."""
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE_HZ, layout="mono", format="s16")
        pcm = np.round(samples * 32767).astype(np.int16)[None, :]
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
