import io
import json
import subprocess

import av
import pytest

from server.media import Codec
from server.taps.bitstream import h264_format, split_annexb, to_length_prefixed
from server.taps.matroska import MatroskaWriter, StreamChangedError
from tests.taps.frames import audio_frames, in_order, video_frames


def mux(frames):
    writer = MatroskaWriter()
    return b"".join(writer.write(frame) for frame in frames)


def probe(stream: bytes) -> dict[str, dict]:
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", "-"],
        input=stream,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == b""
    found = json.loads(done.stdout)
    return {entry["codec_type"]: entry for entry in found["streams"]} | {"format": found["format"]}


@pytest.mark.parametrize(("codec", "name"), [(Codec.VP8, "vp8"), (Codec.H264, "h264")])
def test_ffprobe_reads_both_codecs_of_a_stream_that_has_no_end(codec, name):
    stream = mux(in_order(video_frames(codec, 3), audio_frames(3)))
    found = probe(stream[:-7])  # cut in the middle of a block
    assert found["video"]["codec_name"] == name
    assert (found["video"]["width"], found["video"]["height"]) == (320, 240)
    assert found["audio"]["codec_name"] == "opus"
    assert found["audio"]["sample_rate"] == "48000"
    assert float(found["format"]["tags"]["CAPTURE_ORIGIN_S"]) == pytest.approx(100.0)


def test_vp8_and_opus_come_out_bit_exact_at_their_capture_times():
    video, audio = video_frames(Codec.VP8, 2), audio_frames(2)
    container = av.open(io.BytesIO(mux(in_order(video, audio))))
    read = [
        (packet.stream.type, float(packet.pts * packet.time_base), bytes(packet))
        for packet in container.demux()
        if packet.size
    ]
    for kind, sent in (("video", video), ("audio", audio)):
        got = [(t_s, data) for type_, t_s, data in read if type_ == kind]
        assert [data for _, data in got] == [frame.data for frame in sent]
        # ffmpeg shifts Opus by nothing: pre-skip is 0.
        assert [t_s for t_s, _ in got] == pytest.approx([frame.capture_s - 100 for frame in sent], abs=0.0011)


def test_h264_payload_is_untouched_and_decodes():
    video = video_frames(Codec.H264, 2)
    container = av.open(io.BytesIO(mux(in_order(video, audio_frames(2)))))
    pictures = list(container.decode(video=0))
    assert len(pictures) == len(video)
    nals = split_annexb(video[0].data)
    assert to_length_prefixed(video[0].data) == b"".join(len(n).to_bytes(4, "big") + n for n in nals)
    assert h264_format(video[0].data).codec_private[:1] == b"\x01"


def test_stream_begins_at_a_key_frame_when_the_tap_joins_in_the_middle():
    video = video_frames(Codec.VP8, 3)
    late = [frame for frame in in_order(video, audio_frames(3)) if frame.arrival_s > 100.5]
    container = av.open(io.BytesIO(mux(late)))
    first = next(packet for packet in container.demux(video=0) if packet.size)
    assert first.is_keyframe
    assert bytes(first) == next(frame for frame in video if frame.is_keyframe and frame.arrival_s > 100.5).data


def test_sound_alone_begins_after_the_settling_time():
    found = probe(mux(audio_frames(4)))
    assert "video" not in found
    assert found["audio"]["codec_name"] == "opus"


def test_another_codec_needs_another_stream():
    writer = MatroskaWriter()
    for frame in in_order(video_frames(Codec.VP8, 1), audio_frames(1)):
        writer.write(frame)
    with pytest.raises(StreamChangedError):
        writer.write(video_frames(Codec.H264, 0.2, start_s=102)[0])


def test_a_frame_is_in_the_stream_as_soon_as_it_was_pushed():
    frames = list(in_order(video_frames(Codec.VP8, 2), audio_frames(2)))
    writer = MatroskaWriter()
    for frame in frames[:20]:
        writer.write(frame)
    assert all(frame.data in writer.write(frame) for frame in frames[20:])
