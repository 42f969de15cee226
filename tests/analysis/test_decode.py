from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from server.analysis.decode import AudioDecoder, DecodeError, VideoDecoder
from server.media import Codec
from tests.fakes.media import at, opus, portrait_video, portrait_voice

RATE_HZ = 16_000


def heard(decoder, frames):
    return [chunk for frame in frames for chunk in decoder.decode(frame)]


def n_samples(chunks, *, is_gap=None):
    return sum(len(chunk.samples) for chunk in chunks if is_gap is None or chunk.is_gap is is_gap)


@pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])
def test_pictures_come_out_of_every_frame_at_once(codec):
    decoder = VideoDecoder(codec)
    pictures = [decoder.decode(frame, wants_picture=True) for frame in portrait_video(1.0, codec=codec)]
    assert [picture.shape for picture in pictures] == [(480, 640, 3)] * 10
    # The middle of the portrait is a lit face.
    assert all(100 < picture[150:250, 260:360].mean() < 230 for picture in pictures)


def test_no_picture_is_made_when_none_is_wanted():
    decoder = VideoDecoder(Codec.VP8)
    assert decoder.decode(portrait_video(1.0)[0], wants_picture=False) is None
    assert decoder.decode(portrait_video(1.0)[1], wants_picture=True) is not None


@pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])
@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff" * 500])
def test_damaged_pictures_are_errors(codec, data):
    frame = replace(portrait_video(1.0, codec=codec)[0], data=data)
    with pytest.raises(DecodeError):
        VideoDecoder(codec).decode(frame, wants_picture=True)


def test_a_picture_that_claims_a_giant_size_is_refused():
    key = portrait_video(1.0)[0]
    giant = key.data[:6] + (16_383).to_bytes(2, "little") * 2 + key.data[10:]
    with pytest.raises(DecodeError):
        VideoDecoder(Codec.VP8).decode(replace(key, data=giant), wants_picture=True)


def test_a_picture_without_its_key_frame_is_an_error():
    with pytest.raises(DecodeError):
        VideoDecoder(Codec.VP8).decode(portrait_video(1.0)[1], wants_picture=True)


def test_a_tone_keeps_its_pitch_and_level():
    t_s = np.arange(48_000) / 48_000
    chunks = heard(AudioDecoder(0.0), opus(0.3 * np.sin(2 * np.pi * 440 * t_s)))
    sound = np.concatenate([chunk.samples for chunk in chunks])[4000:12_000]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert abs(np.argmax(spectrum) * RATE_HZ / len(sound) - 440) < 3
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.05)


def test_what_lies_above_8_khz_does_not_fold_down():
    t_s = np.arange(48_000) / 48_000
    loud = heard(AudioDecoder(0.0), opus(0.3 * np.sin(2 * np.pi * 11_000 * t_s)))
    sound = np.concatenate([chunk.samples for chunk in loud])[4000:12_000]
    assert np.sqrt(np.mean(sound**2)) < 0.3 / np.sqrt(2) * 0.02


def test_the_sample_count_follows_the_clock():
    frames = at(portrait_voice(20.0), 50.0)
    chunks = heard(AudioDecoder(50.0), frames)
    assert n_samples(chunks, is_gap=True) == 0
    assert n_samples(chunks) == pytest.approx(20.0 * RATE_HZ, rel=0.001)
    assert chunks[0].t_s == 0.0
    assert chunks[-1].t_s == pytest.approx(19.98, abs=0.001)


def test_lost_packets_become_a_marked_gap_of_their_length():
    frames = [frame for index, frame in enumerate(portrait_voice(4.0)) if index % 50 not in (10, 11, 30)]
    chunks = heard(AudioDecoder(0.0), frames)
    assert n_samples(chunks) == pytest.approx(4.0 * RATE_HZ, rel=0.001)
    gaps = [chunk for chunk in chunks if chunk.is_gap]
    assert [round(chunk.t_s, 3) for chunk in gaps[:2]] == [0.2, 0.6]
    assert [len(chunk.samples) for chunk in gaps[:2]] == [640, 320]
    assert all(not chunk.samples.any() for chunk in gaps)


def test_chunks_follow_each_other_without_holes_or_overlap():
    frames = [frame for index, frame in enumerate(portrait_voice(4.0)) if index % 37 != 5]
    chunks = heard(AudioDecoder(0.0), frames)
    for earlier, later in pairwise(chunks):
        assert later.t_s == pytest.approx(earlier.t_s + len(earlier.samples) / RATE_HZ, abs=1e-3)


def test_a_damaged_packet_is_an_error_and_its_stretch_a_gap():
    first, damaged, after = portrait_voice(1.0)[:3]
    decoder = AudioDecoder(0.0)
    heard(decoder, [first])
    with pytest.raises(DecodeError):
        heard(decoder, [replace(damaged, data=b"\xff" * 3)])
    gap, sound = heard(decoder, [after])
    assert (gap.is_gap, len(gap.samples)) == (True, 320)
    assert not sound.is_gap


def test_an_empty_packet_does_not_end_the_decoder():
    first, second = portrait_voice(1.0)[:2]
    decoder = AudioDecoder(0.0)
    with pytest.raises(DecodeError):
        heard(decoder, [replace(first, data=b"")])
    assert n_samples(heard(decoder, [second])) == 320


def test_another_connection_goes_on_after_a_gap_as_long_as_it_took():
    voice = portrait_voice(1.0)
    later = [replace(frame, rtp_timestamp=frame.rtp_timestamp + 7_777_777) for frame in at(voice, 3.5)]
    chunks = heard(AudioDecoder(0.0), [*voice, *later])
    assert n_samples(chunks, is_gap=True) == pytest.approx(2.5 * RATE_HZ, abs=2)
    assert max(len(chunk.samples) for chunk in chunks) <= RATE_HZ
    assert n_samples(chunks) == pytest.approx(4.5 * RATE_HZ, rel=0.001)


def test_sound_that_was_heard_already_is_not_heard_again():
    voice = portrait_voice(1.0)
    chunks = heard(AudioDecoder(0.0), [*voice, voice[-1], voice[-2]])
    assert n_samples(chunks) == RATE_HZ


def test_a_connection_whose_clock_lies_behind_is_heard_again_once_it_has_caught_up():
    voice = portrait_voice(2.0)
    behind = [replace(frame, rtp_timestamp=frame.rtp_timestamp + 7_777_777) for frame in at(voice, 1.2)]
    chunks = heard(AudioDecoder(0.0), [*voice, *behind])
    assert n_samples(chunks) == pytest.approx(3.2 * RATE_HZ, abs=0.26 * RATE_HZ)
    assert all(later.t_s > earlier.t_s for earlier, later in pairwise(chunks))


def test_capture_times_that_wander_move_the_sound_slowly_and_lose_none():
    shaken = [
        replace(frame, capture_s=frame.capture_s + (0.03 if index % 2 else -0.03) + 0.05 * (index > 100))
        for index, frame in enumerate(portrait_voice(20.0))
    ]
    chunks = heard(AudioDecoder(0.0), shaken)
    assert n_samples(chunks, is_gap=True) == 0
    assert n_samples(chunks) == 20.0 * RATE_HZ
    assert chunks[-1].t_s - shaken[-1].capture_s == pytest.approx(0.0, abs=0.06)
    steps_s = np.diff([chunk.t_s for chunk in chunks])
    assert np.abs(steps_s - 0.02).max() < 0.001
