from fractions import Fraction

import av
import numpy as np
import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from hypothesis import given
from hypothesis import strategies as st

from server.analysis.opus import _library
from server.media import Codec
from server.rtc.packets import Unwrapper, opus_carries_previous, starts_keyframe, vp8_header_size


def test_a_counter_that_wraps_goes_on():
    seqs = Unwrapper(16)
    assert [seqs.unwrap(n) for n in (65534, 65535, 0, 2, 1)] == [65534, 65535, 65536, 65538, 65537]


def test_nearest_takes_no_note():
    stamps = Unwrapper(32)
    stamps.unwrap(1000)
    assert stamps.nearest(2**32 - 10) == -10
    assert stamps.unwrap(1500) == 1500


@given(st.lists(st.integers(-400, 1000), max_size=200))
def test_unwrapping_keeps_order_and_distance(steps):
    seqs = Unwrapper(16)
    value = newest = 5
    seqs.unwrap(value)
    for step in steps:
        value = newest + step
        newest = max(newest, value)
        assert seqs.unwrap(value & 0xFFFF) == value


@given(
    picture_id=st.none() | st.integers(0, 0x7FFF),
    tl0picidx=st.none() | st.integers(0, 255),
    tid=st.none() | st.tuples(st.integers(0, 3), st.integers(0, 1)),
    keyidx=st.none() | st.integers(0, 31),
    is_start=st.booleans(),
    frame=st.binary(min_size=1, max_size=20),
)
def test_vp8_descriptor_agrees_with_aiortc(picture_id, tl0picidx, tid, keyidx, is_start, frame):
    descriptor = VpxPayloadDescriptor(
        partition_start=int(is_start),
        partition_id=0,
        picture_id=picture_id,
        tl0picidx=tl0picidx,
        tid=tid,
        keyidx=keyidx,
    )
    payload = bytes(descriptor) + frame
    assert payload[vp8_header_size(payload) :] == frame
    assert starts_keyframe(Codec.VP8, payload) == (is_start and not frame[0] & 1)


@given(st.sampled_from([Codec.VP8, Codec.H264]), st.binary(max_size=40))
def test_any_payload_can_be_looked_at(codec, payload):
    assert starts_keyframe(codec, payload) in (True, False)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(bytes([0x67, 1, 2]), True, id="SPS alone"),
        pytest.param(bytes([24, 0, 2, 0x67, 1, 0, 2, 0x68, 1]), True, id="STAP-A with SPS and PPS"),
        pytest.param(bytes([24, 0, 2, 0x09, 1, 0, 2, 0x67, 1]), True, id="STAP-A with delimiter, then SPS"),
        pytest.param(bytes([24, 0, 2, 0x68, 1]), False, id="STAP-A with PPS alone"),
        pytest.param(bytes([0x65, 1, 2]), False, id="IDR slice without its parameter sets"),
        pytest.param(bytes([0x41, 1, 2]), False, id="slice of a delta picture"),
        pytest.param(bytes([0x7C, 0x87, 1]), True, id="FU-A, start of SPS"),
        pytest.param(bytes([0x7C, 0x07, 1]), False, id="FU-A, middle of SPS"),
    ],
)
def test_h264_key_frame_starts_with_its_sequence_parameter_set(payload, expected):
    assert starts_keyframe(Codec.H264, payload) is expected


def test_audio_has_no_key_frames():
    assert not starts_keyframe(Codec.OPUS, b"\x10\x00")


def opus_packets(*, stereo, bit_rate, milliseconds, fec):
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo" if stereo else "mono", "s16"
    encoder.time_base, encoder.bit_rate = Fraction(1, 48_000), bit_rate
    encoder.options = {
        "application": "voip",
        "fec": str(int(fec)),
        "packet_loss": "15",
        "frame_duration": str(milliseconds),
    }
    size, packets = 48 * milliseconds, []
    sound = (8000 * np.sin(np.arange(48_000 * 2) / 40) * (np.arange(96_000) % 9600 > 4800)).astype(np.int16)
    for start in range(0, len(sound) - size, size):
        part = np.repeat(sound[start : start + size], 1 + stereo)[None, :]
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="stereo" if stereo else "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


@pytest.mark.parametrize(("stereo", "milliseconds"), [(False, 10), (False, 20), (True, 20)])
@pytest.mark.parametrize("fec", [False, True])
def test_copies_of_lost_sound_are_seen_as_libopus_sees_them(stereo, milliseconds, fec):
    library = _library()
    n_copies = 0
    for bit_rate in (16_000, 28_000, 96_000):
        for data in opus_packets(stereo=stereo, bit_rate=bit_rate, milliseconds=milliseconds, fec=fec):
            carries = opus_carries_previous(data)
            if data[0] & 3:
                assert not carries, "a packet of several frames"
                continue
            assert carries == (library.opus_packet_has_lbrr(data, len(data)) == 1)
            n_copies += carries
    assert (n_copies > 0) is fec


@given(st.binary(max_size=20))
def test_noise_is_no_copy_that_libopus_would_not_see(data):
    if data and not data[0] & 3:
        assert opus_carries_previous(data) == (len(data) > 1 and _library().opus_packet_has_lbrr(data, len(data)) == 1)
