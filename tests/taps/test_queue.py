import asyncio
from contextlib import ExitStack

import pytest

from server.errors import TooManyRequests
from server.media import Codec
from server.taps.queue import STALLED, FrameQueue
from server.taps.register import MAX_TAPS_PER_INTERVIEW, TapCounters, TapRegister
from tests.taps.frames import audio_frames, video_frames


async def test_frames_come_out_in_order():
    queue = FrameQueue()
    frames = audio_frames(0.2)
    for frame in frames:
        queue.push(frame)
    assert await queue.take() == frames


async def test_a_queue_that_nobody_reads_closes_and_counts_what_was_lost():
    queue = FrameQueue(max_frames=10)
    reader = FrameQueue(max_frames=10)
    frames = audio_frames(1)
    read = []
    for frame in frames:
        queue.push(frame)
        reader.push(frame)
        read += await reader.take() or []
    assert read == frames
    assert reader.dropped == 0
    assert queue.end_reason == STALLED
    assert queue.dropped == 11
    assert await queue.take() is None


async def test_bytes_are_bounded_too():
    queue = FrameQueue(max_bytes=1)
    queue.push(video_frames(Codec.VP8, 0.1)[0])
    assert queue.end_reason == STALLED


async def test_take_waits_no_longer_than_asked():
    queue = FrameQueue()
    assert await queue.take(0.01) == []
    waiting = asyncio.ensure_future(queue.take(5))
    await asyncio.sleep(0)
    queue.push(audio_frames(0.02)[0])
    assert len(await waiting) == 1


def test_the_register_bounds_the_taps_of_an_interview_and_adds_up_what_they_lost():
    register = TapRegister()
    with ExitStack() as stack:
        taps = [stack.enter_context(register.tap("one")) for _ in range(MAX_TAPS_PER_INTERVIEW)]
        with pytest.raises(TooManyRequests):
            stack.enter_context(register.tap("one"))
        stack.enter_context(register.tap("two"))
        assert register.open_count() == MAX_TAPS_PER_INTERVIEW + 1
        taps[0].stalled, taps[0].dropped = True, 7
    assert register.open_count() == 0
    assert register.counters == TapCounters(opened=MAX_TAPS_PER_INTERVIEW + 1, stalled=1, dropped=7)


async def test_what_waits_is_not_delivered_after_the_end():
    ended = []
    queue = FrameQueue(on_end=lambda: ended.append(queue.end_reason))
    queue.push(audio_frames(0.02)[0])
    queue.ended("consent withdrawn")
    queue.ended("again")
    assert await queue.take() is None
    assert ended == ["consent withdrawn"]
