"""Cut a stream of sound into overlapping frames on a fixed grid of samples.

The grid depends only on where a stretch of unbroken sound begins, not on how it was chunked.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, FloatArray

FRAME_S = 0.055
"""Three periods of the lowest pitch, the window Boersma (1993) asks for."""
FRAME_SAMPLES = round(FRAME_S * SAMPLE_RATE_HZ)
HOP_SAMPLES = 160
"""10 ms."""
HOP_S = HOP_SAMPLES / SAMPLE_RATE_HZ
JITTER_S = 0.04
"""A chunk that starts within this of the end of the last one continues it: capture times wander a little."""

Frames = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class FramingState:
    """Sound that is not yet fully cut."""

    tail: FloatArray
    """Samples since the start of the next frame."""
    end_s: float | None = None
    """Capture time just after the last sample; None at the start of a stretch."""


def new_framing() -> FramingState:
    """Return the state at the start of an unbroken stretch."""
    return FramingState(tail=np.zeros(0, np.float32))


def is_late(state: FramingState, chunk: AudioChunk) -> bool:
    """Say whether a chunk repeats sound that is already in (a duplicate, or the clock was set back)."""
    end_s = chunk.t_s + len(chunk.samples) / SAMPLE_RATE_HZ
    return state.end_s is not None and end_s <= state.end_s and is_break(state, chunk)


def is_break(state: FramingState, chunk: AudioChunk) -> bool:
    """Say whether a chunk does not continue the stretch."""
    return state.end_s is not None and abs(chunk.t_s - state.end_s) > JITTER_S


def append_chunk(state: FramingState, chunk: AudioChunk) -> FramingState:
    """Add a chunk that continues the stretch (or is its first); any length, also empty."""
    samples = chunk.samples.astype(np.float32, copy=False)
    end_s = chunk.t_s + len(samples) / SAMPLE_RATE_HZ
    return FramingState(tail=np.concatenate((state.tail, samples)), end_s=end_s)


def count_frames(state: FramingState) -> int:
    """Count the frames that can be cut now."""
    return max(0, (len(state.tail) - FRAME_SAMPLES) // HOP_SAMPLES + 1)


def take_frames(state: FramingState) -> tuple[FramingState, Frames, Doubles]:
    """Cut all complete frames.

    Returns:
        The new state, frames of shape (n, FRAME_SAMPLES) and the capture time of each frame's end, shape (n,).
    """
    n = count_frames(state)
    if n == 0 or state.end_s is None:
        return state, np.zeros((0, FRAME_SAMPLES), np.float32), np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(state.tail, FRAME_SAMPLES)[::HOP_SAMPLES]
    ends = np.arange(n) * HOP_SAMPLES + FRAME_SAMPLES
    times_s = state.end_s - (len(state.tail) - ends) / SAMPLE_RATE_HZ
    return FramingState(tail=state.tail[n * HOP_SAMPLES :].copy(), end_s=state.end_s), frames, times_s
