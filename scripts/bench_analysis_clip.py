"""The bench's media: the synthetic candidate, encoded once, and tracks that send it without encoding again."""

import asyncio
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import msgpack
import numpy as np
from aiortc import MediaStreamTrack
from av.audio.codeccontext import AudioCodecContext
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext

from server import clock
from server.demo.portrait import HEIGHT, WIDTH, Portrait
from server.demo.story import Story
from server.demo.voice import RATE_HZ, speak_loop

FPS = 30
CLIP_S = 8.0
KEYFRAME_S = 2.0
VIDEO_BITS = 1_000_000
AUDIO_BITS = 32_000
VIDEO_CLOCK_HZ = 90_000
PACKET_SAMPLES = RATE_HZ // 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Encoded packets, each with the time at which it is due, in seconds from the start."""

    duration_s: float
    video: tuple[tuple[float, bytes], ...]
    audio: tuple[tuple[float, bytes], ...]

    def save(self, path: Path) -> None:
        """Write the clip for another process."""
        path.write_bytes(msgpack.packb([self.duration_s, self.video, self.audio]))

    @classmethod
    def load(cls, path: Path) -> "Clip":
        """Read what ``save`` wrote."""
        duration_s, video, audio = msgpack.unpackb(path.read_bytes())
        return cls(duration_s=duration_s, video=tuple(map(tuple, video)), audio=tuple(map(tuple, audio)))


def encode_clip(duration_s: float = CLIP_S) -> Clip:
    """Render and encode the start of the story: VP8 640x480 and Opus."""
    return Clip(duration_s=duration_s, video=_encode_video(duration_s), audio=_encode_audio(duration_s))


def _encode_video(duration_s: float) -> tuple[tuple[float, bytes], ...]:
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.bit_rate, encoder.gop_size = VIDEO_BITS, round(KEYFRAME_S * FPS)
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    story, portrait = Story(), Portrait()
    packets: list[tuple[float, bytes]] = []
    for number in range(round(duration_s * FPS)):
        picture = av.VideoFrame.from_ndarray(portrait.render(story.pose(number / FPS)), format="rgb24")
        picture.pts, picture.time_base = number, Fraction(1, FPS)
        packets += [(number / FPS, bytes(packet)) for packet in encoder.encode(picture)]
    return tuple(packets)


def _encode_audio(duration_s: float) -> tuple[tuple[float, bytes], ...]:
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = RATE_HZ, "mono", "s16"
    encoder.time_base, encoder.bit_rate = Fraction(1, RATE_HZ), AUDIO_BITS
    samples = (speak_loop(Story()) * 32767).astype(np.int16)
    packets: list[tuple[float, bytes]] = []
    for start in range(0, round(duration_s * RATE_HZ), PACKET_SAMPLES):
        sound = av.AudioFrame.from_ndarray(samples[None, start : start + PACKET_SAMPLES], format="s16", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
        packets += [(start / RATE_HZ, bytes(packet)) for packet in encoder.encode(sound)]
    return tuple(packets)


class PacketTrack(MediaStreamTrack):
    """Hands encoded packets to the sender when they are due, over and over."""

    def __init__(self, kind: Literal["audio", "video"], clip: Clip, start_s: float) -> None:
        super().__init__()
        self.kind = kind
        self._packets = clip.audio if kind == "audio" else clip.video
        self._clock_hz = RATE_HZ if kind == "audio" else VIDEO_CLOCK_HZ
        self._duration_s = clip.duration_s
        self._start_s = start_s
        self._n_sent = 0

    async def recv(self) -> "av.Packet[Stream]":
        """Return the next packet."""
        n_loops, index = divmod(self._n_sent, len(self._packets))
        self._n_sent += 1
        due_s, data = self._packets[index]
        due_s += n_loops * self._duration_s
        await asyncio.sleep(max(0.0, self._start_s + due_s - clock.monotonic_s()))
        packet = av.Packet(data)
        packet.pts, packet.time_base = round(due_s * self._clock_hz), Fraction(1, self._clock_hz)
        return packet
