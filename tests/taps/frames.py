"""Real encoded frames, as browsers send them, for the tests of the taps."""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np

from server.media import Codec, EncodedFrame, Kind

FPS = 25
PACKET_S = 0.02


def video_frames(
    codec: Codec, seconds: float, *, start_s: float = 100.0, key_every_s: float = 1.0
) -> list[EncodedFrame]:
    name = "libvpx" if codec is Codec.VP8 else "libx264"
    options = {"deadline": "realtime", "cpu-used": "8"} if codec is Codec.VP8 else {"preset": "ultrafast"}
    encoder = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 240, "yuv420p"
    encoder.time_base = Fraction(1, FPS)
    encoder.framerate = Fraction(FPS)
    encoder.gop_size = round(FPS * key_every_s)
    encoder.max_b_frames = 0
    encoder.options = {**options, **({"tune": "zerolatency"} if codec is Codec.H264 else {"lag-in-frames": "0"})}
    packets = []
    for index in range(round(seconds * FPS)):
        picture = np.full((240, 320, 3), (index * 3) % 255, dtype=np.uint8)
        picture[:, (index * 5) % 300 : (index * 5) % 300 + 20] = 255
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts = index
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return [
        EncodedFrame(
            kind=Kind.VIDEO,
            codec=codec,
            data=bytes(packet),
            rtp_timestamp=index * 90_000 // FPS,
            arrival_s=start_s + index / FPS + 0.02,
            capture_s=start_s + index / FPS,
            is_keyframe=packet.is_keyframe,
        )
        for index, packet in enumerate(packets)
    ]


def audio_frames(seconds: float, *, start_s: float = 100.0, frequency_hz: float = 440.0) -> list[EncodedFrame]:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
    n_packets = round(seconds / PACKET_S)
    t = np.arange(n_packets * 960) / 48_000
    tone = (8000 * np.sin(2 * np.pi * frequency_hz * t)).astype(np.int16)
    packets = []
    for index in range(n_packets):
        part = np.repeat(tone[index * 960 : (index + 1) * 960], 2).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, index * 960
        packets += encoder.encode(frame)
    return [
        EncodedFrame(
            kind=Kind.AUDIO,
            codec=Codec.OPUS,
            data=bytes(packet),
            rtp_timestamp=index * 960,
            arrival_s=start_s + index * PACKET_S + 0.02,
            capture_s=start_s + index * PACKET_S,
            is_keyframe=True,
        )
        for index, packet in enumerate(packets)
    ]


def in_order(*streams: list[EncodedFrame]) -> Iterator[EncodedFrame]:
    yield from sorted((frame for stream in streams for frame in stream), key=lambda frame: frame.arrival_s)
