import dataclasses
import struct

import numpy as np
import pytest

from server.media import Codec, Kind
from server.taps.pcm import SoundDecoder, pack
from tests.taps.frames import audio_frames


def decode(frames):
    decoder = SoundDecoder()
    return [block for frame in frames for block in decoder.decode(frame)]


def test_sample_count_follows_the_clock_within_one_percent():
    blocks = decode(audio_frames(10))
    n_samples = sum(len(block.samples) for block in blocks)
    assert n_samples == pytest.approx(10 * 16_000, rel=0.01)
    assert not any(block.is_gap for block in blocks)


def test_the_sound_is_the_senders():
    samples = np.concatenate([block.samples for block in decode(audio_frames(2, frequency_hz=440))]).astype(float)
    spectrum = np.abs(np.fft.rfft(samples[8000:24000]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=1)


@pytest.mark.parametrize("lost", [slice(100, 101), slice(100, 175), slice(20, 450)])
def test_lost_packets_become_marked_zeros_and_the_count_still_follows(lost):
    frames = audio_frames(10)
    after = dataclasses.replace(frames[lost.stop], follows_gap=True)
    blocks = decode([*frames[: lost.start], after, *frames[lost.stop + 1 :]])
    assert sum(len(block.samples) for block in blocks) == pytest.approx(160_000, rel=0.01)
    gap = [block for block in blocks if block.is_gap]
    lost_s = (lost.stop - lost.start) * 0.02
    assert sum(len(block.samples) for block in gap) == pytest.approx(lost_s * 16_000, abs=20)
    assert not np.concatenate([block.samples for block in gap]).any()


def test_every_sample_has_its_number_and_time():
    frames = audio_frames(4)
    blocks = decode(frames[:50] + frames[90:])
    position = 0
    for block in blocks:
        assert block.index == position
        assert block.capture_s == pytest.approx(100.0 + position / 16_000)
        position += len(block.samples)


def test_silence_on_the_line_is_filled_without_waiting_for_the_next_packet():
    decoder = SoundDecoder()
    assert decoder.fill_until(50.0) == []
    for frame in audio_frames(1):
        decoder.decode(frame)
    filled = decoder.fill_until(103.5)
    assert sum(len(block.samples) for block in filled) == pytest.approx(2.5 * 16_000, abs=20)
    assert all(block.is_gap for block in filled)
    assert decoder.fill_until(103.0) == []
    # What comes too late for its place is cut, not moved.
    late = [block for frame in audio_frames(1, start_s=103.0) for block in decoder.decode(frame)]
    assert sum(len(block.samples) for block in late) == pytest.approx(8_000, abs=1_000)


def test_a_jump_of_the_clock_gives_no_endless_zeros():
    decoder = SoundDecoder()
    for frame in audio_frames(1):
        decoder.decode(frame)
    blocks = [block for frame in audio_frames(1, start_s=1e6) for block in decoder.decode(frame)]
    assert sum(len(block.samples) for block in blocks) == pytest.approx(16_000, rel=0.01)
    assert blocks[0].capture_s == pytest.approx(1e6, abs=0.1)


def test_rubbish_is_counted_and_the_next_packet_decodes():
    frames = audio_frames(1)
    decoder = SoundDecoder()
    broken = dataclasses.replace(frames[0], kind=Kind.AUDIO, codec=Codec.OPUS, data=b"\xff\xff\xff")
    assert decoder.decode(broken) == []
    assert decoder.undecodable == 1
    assert decoder.decode(frames[1])


def test_wire_form_of_a_block():
    block = decode(audio_frames(1))[3]
    message = pack(block)
    assert struct.unpack("<dQ", message[:16]) == (block.capture_s, block.index)
    assert np.array_equal(np.frombuffer(message[16:], "<i2"), block.samples)
