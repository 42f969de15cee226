"""Real encoded media for tests: the synthetic candidate as VP8 (or H.264) frames and Opus packets."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache

import av
import numpy as np

from server.demo.portrait import HEIGHT, WIDTH, Portrait
from server.demo.story import Story
from server.demo.voice import RATE_HZ, speak_loop
from server.media import Codec, EncodedFrame, Kind

PACKET_SAMPLES = 960
_ENCODERS = {
    Codec.VP8: ("libvpx", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    Codec.H264: ("libx264", {"preset": "ultrafast", "tune": "zerolatency"}),
}


@cache
def portrait_video(
    seconds: float, *, fps: int = 10, codec: Codec = Codec.VP8, keyframe_every_s: float = 1.0
) -> tuple[EncodedFrame, ...]:
    """Return the talking portrait, captured and arrived from 0 s on."""
    name, options = _ENCODERS[codec]
    encoder = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 90_000), Fraction(fps)
    encoder.bit_rate, encoder.gop_size = 1_000_000, round(keyframe_every_s * fps)
    encoder.options = options
    story, portrait = Story(), Portrait()
    frames: list[EncodedFrame] = []
    for number in range(round(seconds * fps)):
        picture = av.VideoFrame.from_ndarray(portrait.render(story.pose(number / fps)), format="rgb24")
        picture.pts, picture.time_base = number * 90_000 // fps, Fraction(1, 90_000)
        frames += [
            _frame(Kind.VIDEO, codec, bytes(packet), number * 90_000 // fps, number / fps, packet.is_keyframe)
            for packet in encoder.encode(picture)
        ]
    return tuple(frames)


@cache
def portrait_voice(seconds: float) -> tuple[EncodedFrame, ...]:
    """Return the talking portrait's voice, captured and arrived from 0 s on."""
    return opus(_voice()[: round(seconds * RATE_HZ)])


@cache
def _voice() -> np.ndarray:
    return speak_loop(Story())


def opus(sound: np.ndarray) -> tuple[EncodedFrame, ...]:
    """Encode 48 kHz mono sound, shape (n,), full scale 1, in packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE_HZ, "mono", "s16"
    encoder.time_base, encoder.bit_rate = Fraction(1, RATE_HZ), 32_000
    samples = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
    frames: list[EncodedFrame] = []
    for start in range(0, len(samples) - PACKET_SAMPLES + 1, PACKET_SAMPLES):
        part = av.AudioFrame.from_ndarray(samples[None, start : start + PACKET_SAMPLES], format="s16", layout="mono")
        part.sample_rate, part.pts, part.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
        frames += [
            _frame(Kind.AUDIO, Codec.OPUS, bytes(packet), start, start / RATE_HZ, True)
            for packet in encoder.encode(part)
        ]
    return tuple(frames)


def at(frames: Sequence[EncodedFrame], start_s: float) -> list[EncodedFrame]:
    """Return frames in order of time, captured and arriving from start_s on."""
    moved = [replace(f, capture_s=f.capture_s + start_s, arrival_s=f.arrival_s + start_s) for f in frames]
    return sorted(moved, key=lambda frame: frame.arrival_s)


async def play(
    frames: Sequence[EncodedFrame], push: Callable[[EncodedFrame], None], clock: Callable[[], float]
) -> None:
    """Push frames when their arrival time comes, stamped with the moment at which they were pushed."""
    for frame in frames:
        await asyncio.sleep(max(0.0, frame.arrival_s - clock()))
        push(replace(frame, arrival_s=clock()))


def _frame(kind: Kind, codec: Codec, data: bytes, rtp: int, t_s: float, is_keyframe: bool) -> EncodedFrame:
    return EncodedFrame(
        kind=kind,
        codec=codec,
        data=data,
        rtp_timestamp=rtp,
        arrival_s=t_s,
        capture_s=t_s,
        is_keyframe=is_keyframe,
    )
