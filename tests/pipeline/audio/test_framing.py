import numpy as np
import pytest

from pipeline.audio.framing import (
    FRAME_SAMPLES,
    HOP_SAMPLES,
    append_chunk,
    is_break,
    is_late,
    new_framing,
    take_frames,
)
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk


def chunk(t_s: float, n: int, first: float = 0.0) -> AudioChunk:
    return AudioChunk(t_s=t_s, samples=np.arange(first, first + n, dtype=np.float32))


def test_frames_lie_on_a_grid_of_hops_and_carry_the_time_of_their_end() -> None:
    state, frames, times_s = take_frames(append_chunk(new_framing(), chunk(2.0, 1300)))
    assert frames[:, 0].tolist() == [0, HOP_SAMPLES, 2 * HOP_SAMPLES]
    assert times_s == pytest.approx(2.0 + (FRAME_SAMPLES + HOP_SAMPLES * np.arange(3)) / SAMPLE_RATE_HZ)
    assert len(state.tail) == 1300 - 3 * HOP_SAMPLES


@pytest.mark.parametrize("size", [1, 37, 320, 5000])
def test_the_grid_does_not_depend_on_the_chunks(size: int) -> None:
    sound = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    state, cut = new_framing(), []
    for i in range(0, len(sound), size):
        state = append_chunk(state, AudioChunk(t_s=i / SAMPLE_RATE_HZ, samples=sound[i : i + size]))
        state, frames, _ = take_frames(state)
        cut.append(frames)
    whole = take_frames(append_chunk(new_framing(), AudioChunk(t_s=0.0, samples=sound)))[1]
    assert np.array_equal(np.concatenate(cut), whole)


def test_too_little_sound_gives_no_frame_and_is_kept() -> None:
    state, frames, times_s = take_frames(append_chunk(new_framing(), chunk(0.0, FRAME_SAMPLES - 1)))
    assert frames.shape == (0, FRAME_SAMPLES)
    assert times_s.shape == (0,)
    assert len(state.tail) == FRAME_SAMPLES - 1


def test_small_wandering_of_capture_times_is_no_break_but_a_hole_is() -> None:
    state = append_chunk(new_framing(), chunk(0.0, 320))
    assert not is_break(state, chunk(0.045, 320))
    assert is_break(state, chunk(0.2, 320))


def test_a_repeated_chunk_is_late() -> None:
    state = append_chunk(new_framing(), chunk(0.0, 3200))
    assert is_late(state, chunk(0.1, 320))
    assert not is_late(state, chunk(0.2, 320))
    assert not is_late(new_framing(), chunk(0.1, 320))
