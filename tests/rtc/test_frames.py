import itertools
import random

import pytest

from server.media import Codec
from server.rtc.frames import AUDIO_HOLD_S, AudioAssembler, VideoAssembler
from server.rtc.nack import PATIENCE_S
from tests.fakes.rtc_packets import at, packet, packetise
from tests.fakes.rtc_peer import video_clip


def nal_units(annex_b):
    """Split at start codes of three or four bytes: the packetiser's choice between them is not media."""
    return [part.rstrip(b"\0") for part in annex_b.split(b"\0\0\1") if part.strip(b"\0")]


@pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])
def test_frames_come_out_exactly_as_they_went_in(codec):
    clip = video_clip(codec.value)
    assembler = VideoAssembler(codec)
    packets = packetise(codec, clip)
    frames = [frame for item in packets for frame in assembler.push(item)]
    assert len(packets) > len(clip), "some pictures need several packets"
    if codec is Codec.VP8:
        assert [frame.data for frame in frames] == list(clip)
    else:
        assert [nal_units(frame.data) for frame in frames] == [nal_units(data) for data in clip]
    assert [frame.is_keyframe for frame in frames] == [True] + [False] * (len(clip) - 1)
    assert [frame.follows_gap for frame in frames] == [True] + [False] * (len(clip) - 1)
    assert [frame.rtp_timestamp for frame in frames] == [3000 * n for n in range(len(clip))]
    assert assembler.n_dropped == 0


def test_a_frame_comes_with_its_last_packet_and_not_later():
    assembler = VideoAssembler(Codec.VP8)
    for item in packetise(Codec.VP8, video_clip("VP8")[:5]):
        assert bool(assembler.push(item)) == item.marker


def test_swapped_packets_change_nothing():
    clip = video_clip("VP8")[:40]
    packets = packetise(Codec.VP8, clip)
    shuffled = packets[:1]
    for i in range(1, len(packets) - 2, 3):
        window = packets[i : i + 3]
        random.Random(i).shuffle(window)
        shuffled += window
    assembler = VideoAssembler(Codec.VP8)
    frames = [frame for item in shuffled for frame in assembler.push(item)]
    assert [frame.data for frame in frames] == list(clip)[: len(frames)]
    assert len(frames) >= 38


def test_a_retransmission_in_time_mends_the_picture():
    clip = video_clip("VP8")[:20]
    packets = packetise(Codec.VP8, clip)
    lost = next(i for i, item in enumerate(packets) if item.timestamp == 3000 * 8)
    assembler = VideoAssembler(Codec.VP8)
    frames = [frame for item in packets[:lost] + packets[lost + 1 :][:6] for frame in assembler.push(item)]
    n_before = len(frames)
    now_s = packets[lost + 6].arrival_s
    frames += assembler.push(at(packets[lost], now_s))
    assert len(frames) > n_before
    assert not assembler.wants_keyframe
    frames += [frame for item in packets[lost + 7 :] for frame in assembler.push(item)]
    assert [frame.data for frame in frames] == list(clip)


@pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])
@pytest.mark.parametrize("which", ["first", "middle", "last"])
def test_after_a_loss_nothing_comes_until_a_key_frame(codec, which):
    clip = video_clip(codec.value)
    packets = packetise(codec, [*clip[:30], *clip[:30]])
    victims = [item for item in packets if item.timestamp == 3000 * 10]
    assert len(victims) > 1
    victim = {"first": victims[0], "middle": victims[len(victims) // 2], "last": victims[-1]}[which]
    assembler = VideoAssembler(codec)
    frames = [frame for item in packets if item is not victim for frame in assembler.push(item)]
    frames += assembler.expire(10.0)
    stamps = [frame.rtp_timestamp // 3000 for frame in frames]
    assert stamps == [*range(10), *range(30, 60)]
    assert [n for n, frame in zip(stamps, frames, strict=True) if frame.follows_gap] == [0, 30]
    assert frames[10].is_keyframe
    assert assembler.n_dropped == 20


def test_a_loss_is_noticed_in_time():
    packets = packetise(Codec.VP8, video_clip("VP8")[:3])
    assembler = VideoAssembler(Codec.VP8)
    for item in packets[:-2]:
        assembler.push(at(item, 5.0))
    assembler.push(at(packets[-1], 5.1))
    assert not assembler.wants_keyframe
    assert assembler.deadline_s == pytest.approx(5.1 + PATIENCE_S)
    assembler.expire(5.1 + PATIENCE_S)
    assert assembler.wants_keyframe


def test_padding_alone_is_no_loss():
    clip = video_clip("VP8")[:4]
    packets = packetise(Codec.VP8, clip)
    cut = len(packetise(Codec.VP8, clip[:2]))
    padding = packet(packets[cut].seq, payload=b"", timestamp=packets[cut - 1].timestamp, marker=False)
    later = packetise(Codec.VP8, clip, first_seq=1001)[cut:]
    assembler = VideoAssembler(Codec.VP8)
    frames = [frame for item in [*packets[:cut], padding, *later] for frame in assembler.push(item)]
    assert [frame.data for frame in frames] == list(clip)


def test_malformed_payloads_are_a_loss_and_no_crash():
    assembler = VideoAssembler(Codec.H264)
    assembler.push(packet(1, codec=Codec.H264, payload=bytes([24, 0, 1, 0x67, 0, 9]), marker=True))
    assert assembler.wants_keyframe
    assert assembler.n_dropped == 1


def audio(seq, arrival_s):
    return packet(seq, codec=Codec.OPUS, payload=bytes([seq % 256]), timestamp=960 * seq, arrival_s=arrival_s)


# Share of 20 ms packets lost on the way, and the most that may be missing from the frames.
@pytest.mark.parametrize("loss", [0.0, 0.005, 0.02, 0.05])
def test_lost_audio_costs_what_was_lost_and_no_more(loss):
    rng = random.Random(7)
    kept = [audio(seq, seq * 0.02) for seq in range(5000) if seq == 0 or rng.random() >= loss]
    assembler = AudioAssembler()
    frames = [frame for item in kept for frame in assembler.push(item)]
    frames += assembler.expire(1e9)
    assert len(frames) == len(kept)
    assert [frame.data for frame in frames] == [item.payload for item in kept]
    gaps = sum(b.rtp_timestamp - a.rtp_timestamp > 960 for a, b in itertools.pairwise(frames))
    assert gaps == sum(frame.follows_gap for frame in frames[1:])


def test_audio_waits_no_longer_than_it_must():
    assembler = AudioAssembler()
    lag_s = []
    for seq in range(1, 400):
        if seq % 40 == 0:
            continue
        lag_s += [seq * 0.02 - frame.arrival_s for frame in assembler.push(audio(seq, seq * 0.02))]
    assert max(lag_s) <= AUDIO_HOLD_S + 0.02
    assert sorted(lag_s)[len(lag_s) // 2] == 0.0


def test_swapped_audio_is_put_right():
    assembler = AudioAssembler()
    frames = [frame for seq in (1, 2, 4, 3, 5) for frame in assembler.push(audio(seq, 0.1))]
    assert [frame.rtp_timestamp // 960 for frame in frames] == [1, 2, 3, 4, 5]
    assert [frame.follows_gap for frame in frames] == [True, False, False, False, False]
