"""Opus packets decoded by libopus itself: the same sound as through PyAV, and lost packets from the one behind."""

from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise

import av
import numpy as np
import pytest

from server.analysis.decode import AudioDecoder
from server.analysis.opus import OpusDecoder, OpusError, _Ffmpeg
from server.demo.story import Story
from server.demo.voice import speak_loop
from tests.fakes.media import opus, portrait_voice

PACKET = 960


@cache
def voice_with_copies(seconds, *, stereo=False, bit_rate=20_000):
    """Return (sound, packets): a voice, encoded as a browser does it that has heard of loss."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo" if stereo else "mono", "s16"
    encoder.time_base, encoder.bit_rate = Fraction(1, 48_000), bit_rate
    encoder.options = {"application": "voip", "fec": "1", "packet_loss": "15"}
    sound = speak_loop(Story())[: seconds * 48_000]
    packets = []
    for start in range(0, len(sound), PACKET):
        part = (np.clip(sound[start : start + PACKET], -1, 1) * 32767).astype(np.int16)
        part = np.repeat(part, 1 + stereo)[None, :]
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="stereo" if stereo else "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return sound, packets


def test_the_sound_is_what_pyav_gives_bit_for_bit():
    ours, theirs = OpusDecoder(), _Ffmpeg()
    for packets in ([frame.data for frame in portrait_voice(3.0)], voice_with_copies(10, stereo=True)[1][:150]):
        for data in packets:
            assert np.array_equal(ours.decode(data), theirs.decode(data))


@pytest.mark.parametrize("stereo", [False, True])
def test_a_lost_packet_sounds_again_from_the_one_behind_it(stereo):
    _, packets = voice_with_copies(10, stereo=stereo)
    whole = OpusDecoder()
    true = [whole.decode(data) for data in packets]
    decoder, likeness, n_lost = OpusDecoder(), [], 0
    is_lost = False
    for number, data in enumerate(packets):
        if number % 25 == 24:
            is_lost, n_lost = True, n_lost + 1
            continue
        if is_lost:
            copy = decoder.recover(data, PACKET)
            if copy is not None and np.abs(true[number - 1]).max() > 0.02:
                likeness.append(np.corrcoef(copy, true[number - 1])[0, 1])
        decoder.decode(data)
        is_lost = False
    assert len(likeness) >= 0.4 * n_lost
    assert np.median(likeness) > 0.8


def test_a_packet_without_a_copy_recovers_nothing():
    decoder = OpusDecoder()
    tone = opus(0.3 * np.sin(np.arange(48_000) / 20))
    decoder.decode(tone[0].data)
    assert decoder.recover(tone[2].data, PACKET) is None
    assert decoder.recover(b"", PACKET) is None
    assert decoder.recover(b"\xff" * 3, PACKET) is None


@pytest.mark.parametrize("data", [b"", b"\xff" * 3, b"\xfb" + b"\xff" * 400])
def test_damaged_packets_are_errors(data):
    with pytest.raises(OpusError):
        OpusDecoder().decode(data)


def test_noise_in_place_of_packets_never_crashes():
    rng = np.random.default_rng(5)
    decoder = OpusDecoder()
    for _ in range(2000):
        data = rng.integers(0, 256, rng.integers(1, 200), np.uint8).tobytes()
        try:
            decoder.recover(data, PACKET)
            assert len(decoder.decode(data)) % 120 == 0
        except OpusError:
            pass


def test_a_lost_packet_is_recovered_marked_and_no_gap():
    _, packets = voice_with_copies(10)
    frames = [replace(frame, data=data) for frame, data in zip(portrait_voice(10.0), packets, strict=True)]
    decoder = AudioDecoder(0.0)
    chunks, lost = [], False
    for number, frame in enumerate(frames):
        if number % 25 == 24 or number % 100 in (10, 11):
            lost = True
            continue
        chunks += decoder.decode(_after_gap(frame) if lost else frame)
        lost = False
    recovered = [chunk for chunk in chunks if chunk.is_recovered]
    gaps = [chunk for chunk in chunks if chunk.is_gap]
    assert len(recovered) >= 8
    assert all(len(chunk.samples) == 320 and not chunk.is_gap for chunk in recovered)
    assert sum(len(chunk.samples) == 640 for chunk in gaps) == 5, "two in a row cannot be recovered as one"
    assert sum(len(chunk.samples) for chunk in chunks) == pytest.approx(10 * 16_000, abs=400)
    for earlier, later in pairwise(chunks):
        assert later.t_s == pytest.approx(earlier.t_s + len(earlier.samples) / 16_000, abs=1e-3)


def _after_gap(frame):
    return replace(frame, follows_gap=True)


def test_pyav_stands_in_where_libopus_cannot_be_reached():
    decoder = _Ffmpeg()
    _, packets = voice_with_copies(10)
    assert len(decoder.decode(packets[0])) == PACKET
    assert decoder.recover(packets[2], PACKET) is None
    with pytest.raises(OpusError):
        decoder.decode(b"\xff" * 3)
