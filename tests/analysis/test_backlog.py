from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from server.analysis.backlog import MAX_AUDIO_FRAMES, MAX_TICKS, MAX_VIDEO_BYTES, MAX_VIDEO_FRAMES, Backlog
from server.analysis.messages import MakeEstimate, MarkGap, Media
from server.media import Codec, EncodedFrame, Kind

ORIGIN_S = 100.0
KEY = EncodedFrame(
    kind=Kind.VIDEO,
    codec=Codec.VP8,
    data=b"k" * 1000,
    rtp_timestamp=0,
    arrival_s=ORIGIN_S,
    capture_s=ORIGIN_S,
    is_keyframe=True,
)
DELTA = replace(KEY, is_keyframe=False, data=b"d" * 100)
SOUND = replace(KEY, kind=Kind.AUDIO, codec=Codec.OPUS, data=b"s" * 80)


def at(frame, t_s):
    return replace(frame, capture_s=ORIGIN_S + t_s, arrival_s=ORIGIN_S + t_s, rtp_timestamp=round(t_s * 1000))


def drained(backlog):
    messages = []
    while (message := backlog.take()) is not None:
        messages.append(message)
    return messages


def test_messages_leave_in_the_order_in_which_they_came():
    backlog = Backlog("a", ORIGIN_S)
    backlog.put_frame(at(KEY, 0.0))
    backlog.put_frame(at(SOUND, 0.02))
    backlog.put_tick(1.0)
    backlog.put_frame(at(DELTA, 1.03))
    messages = drained(backlog)
    assert [type(message) for message in messages] == [Media, Media, MakeEstimate, Media]
    assert len(backlog) == 0


def test_video_waits_for_the_first_key_frame():
    backlog = Backlog("a", ORIGIN_S)
    backlog.put_frame(at(DELTA, 0.0))
    assert backlog.needs_keyframe
    assert backlog.dropped_video == 1
    backlog.put_frame(at(KEY, 0.1))
    assert not backlog.needs_keyframe
    gap, media = drained(backlog)
    assert (gap.from_s, round(gap.to_s, 6), gap.stream) == (0.0, 0.1, "video")
    assert media.frame.is_keyframe


def test_too_much_video_is_dropped_until_the_next_key_frame_and_the_hole_is_announced():
    backlog = Backlog("a", ORIGIN_S)
    backlog.put_frame(at(KEY, 0.0))
    for number in range(1, MAX_VIDEO_FRAMES):
        backlog.put_frame(at(DELTA, number / 30))
    assert backlog.dropped_video == 0
    backlog.put_frame(at(DELTA, 2.0))
    assert backlog.needs_keyframe
    assert backlog.dropped_video == MAX_VIDEO_FRAMES + 1
    assert drained(backlog) == []
    backlog.put_frame(at(DELTA, 2.1))
    backlog.put_frame(at(KEY, 2.5))
    gap, media = drained(backlog)
    assert isinstance(gap, MarkGap)
    assert (gap.from_s, gap.to_s) == (0.0, 2.5)
    assert media.frame.capture_s == ORIGIN_S + 2.5


def test_a_key_frame_that_meets_a_full_queue_takes_its_place():
    backlog = Backlog("a", ORIGIN_S)
    backlog.put_frame(replace(at(KEY, 0.0), data=bytes(MAX_VIDEO_BYTES - 10)))
    backlog.put_frame(at(KEY, 1.0))
    assert not backlog.needs_keyframe
    gap, media = drained(backlog)
    assert (gap.from_s, gap.to_s) == (0.0, 1.0)
    assert media.frame.capture_s == ORIGIN_S + 1.0


def test_a_single_picture_over_the_limit_is_dropped():
    backlog = Backlog("a", ORIGIN_S)
    backlog.put_frame(replace(KEY, data=bytes(MAX_VIDEO_BYTES + 1)))
    assert backlog.dropped_video == 1
    assert backlog.needs_keyframe


def test_the_oldest_sound_is_dropped_and_video_stays():
    backlog = Backlog("a", ORIGIN_S)
    backlog.put_frame(at(KEY, 0.0))
    for number in range(MAX_AUDIO_FRAMES + 5):
        backlog.put_frame(at(SOUND, number * 0.02))
    assert backlog.dropped_audio == 5
    first, *sounds = drained(backlog)
    assert first.frame.kind is Kind.VIDEO
    assert len(sounds) == MAX_AUDIO_FRAMES
    assert sounds[0].frame.capture_s == ORIGIN_S + 5 * 0.02


def test_the_oldest_ticks_are_dropped():
    backlog = Backlog("a", ORIGIN_S)
    for number in range(MAX_TICKS + 3):
        backlog.put_tick(float(number))
    assert backlog.dropped_ticks == 3
    assert [tick.t_s for tick in drained(backlog)] == [float(number) for number in range(3, MAX_TICKS + 3)]


def test_clearing_counts_what_it_drops():
    backlog = Backlog("a", ORIGIN_S)
    backlog.put_frame(at(KEY, 0.0))
    backlog.put_frame(at(SOUND, 0.0))
    backlog.put_tick(1.0)
    backlog.clear()
    assert (backlog.dropped_video, backlog.dropped_audio, backlog.dropped_ticks) == (1, 1, 1)
    assert backlog.needs_keyframe
    assert drained(backlog) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["key", "delta", "sound", "tick", "take"]), st.integers(1, 400_000))))
def test_whatever_comes_the_queue_is_bounded_and_every_frame_is_queued_taken_or_counted(events):
    backlog = Backlog("a", ORIGIN_S)
    n_pushed = n_taken = 0
    for number, (kind, size) in enumerate(events):
        if kind == "tick":
            backlog.put_tick(float(number))
        elif kind == "take":
            n_taken += isinstance(backlog.take(), Media)
        else:
            frame = {"key": KEY, "delta": DELTA, "sound": SOUND}[kind]
            backlog.put_frame(replace(at(frame, number / 10), data=bytes(size)))
            n_pushed += 1
    rest = drained(backlog)
    video = [message for message in rest if isinstance(message, Media) and message.frame.kind is Kind.VIDEO]
    assert len(video) <= MAX_VIDEO_FRAMES
    assert sum(len(message.frame.data) for message in video) <= MAX_VIDEO_BYTES
    n_left = sum(isinstance(message, Media) for message in rest)
    assert n_pushed == n_taken + n_left + backlog.dropped_video + backlog.dropped_audio
