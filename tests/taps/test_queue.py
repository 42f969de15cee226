import asyncio

from server.media import Codec
from server.taps.hub import TapEnd, TapHub
from server.taps.queue import FrameQueue
from tests.taps.frames import audio_frames, video_frames


async def test_frames_come_out_in_order_and_the_end_is_none():
    queue = FrameQueue()
    frames = audio_frames(0.2)
    for frame in frames:
        queue.push(frame)
    queue.ended("over")
    assert await queue.take() == frames
    assert await queue.take() is None


async def test_a_queue_that_nobody_reads_closes_and_counts_what_was_lost():
    stalled = []
    queue = FrameQueue(on_overflow=lambda: stalled.append(True), max_frames=10)
    reader = FrameQueue(max_frames=10)
    frames = audio_frames(1)
    read = []
    for frame in frames:
        queue.push(frame)
        reader.push(frame)
        read += await reader.take() or []
    assert read == frames
    assert reader.dropped == 0
    assert stalled == [True]
    assert queue.overflowed
    assert queue.dropped == 11
    assert await queue.take() is None


async def test_bytes_are_bounded_too():
    queue = FrameQueue(max_bytes=1)
    queue.push(video_frames(Codec.VP8, 0.1)[0])
    assert queue.overflowed


async def test_take_waits_no_longer_than_asked():
    queue = FrameQueue()
    assert await queue.take(0.01) == []
    waiting = asyncio.ensure_future(queue.take(5))
    await asyncio.sleep(0)
    queue.push(audio_frames(0.02)[0])
    assert len(await waiting) == 1


def test_the_hub_cuts_by_interview_and_by_token_and_counts():
    hub, ends = TapHub(), []
    first = hub.open("one", "a", ends.append)
    second = hub.open("one", "b", ends.append)
    other = hub.open("two", "c", ends.append)
    hub.cut_token("b", TapEnd.REVOKED)
    hub.cut_interview("one", TapEnd.WITHDRAWN)
    assert ends == [TapEnd.REVOKED, TapEnd.WITHDRAWN]
    assert (first.end, second.end, other.end) == (TapEnd.WITHDRAWN, TapEnd.REVOKED, None)
    for tap in (first, second, other):
        hub.release(tap, frames_dropped=3)
    assert hub.open_count() == 0
    assert hub.counters.frames_dropped == 9
    assert hub.counters.ended == {"withdrawn": 1, "revoked": 1}
