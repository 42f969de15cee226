"""What the media bench sends: a textured moving picture and a tone, encoded once beforehand."""

import asyncio
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import msgpack
import numpy as np
from aiortc import MediaStreamTrack
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

from server.clock import monotonic_s

WIDTH, HEIGHT, FPS = 640, 480, 30
VIDEO_BITS = 1_200_000
N_PICTURES = 150
N_SOUNDS = 250
SOUND_SAMPLES = 960
AUDIO_HZ = 48_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Encoded pictures, of which the first is a key frame, and Opus packets of 20 ms."""

    video: tuple[bytes, ...]
    audio: tuple[bytes, ...]

    def save(self, path: Path) -> None:
        """Write the clip for another process."""
        path.write_bytes(msgpack.packb({"video": self.video, "audio": self.audio}))

    @classmethod
    def load(cls, path: Path) -> "Clip":
        """Read what ``save`` wrote."""
        content = msgpack.unpackb(path.read_bytes())
        return cls(video=tuple(content["video"]), audio=tuple(content["audio"]))


def encode_clip() -> Clip:
    """Encode VP8 640x480 at about 1.2 Mbit/s and Opus."""
    return Clip(video=_encode_video(), audio=_encode_audio())


def _encode_video() -> tuple[bytes, ...]:
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.bit_rate, encoder.gop_size = VIDEO_BITS, 10 * N_PICTURES
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 224, (HEIGHT // 8 + 40, WIDTH // 8 + 40)).astype(np.uint8)
    texture = coarse.repeat(8, axis=0).repeat(8, axis=1)
    noise = rng.integers(0, 32, (8, HEIGHT, WIDTH)).astype(np.uint8)
    pictures = []
    for n in range(N_PICTURES):
        image = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)  # yuv420p: luma, then half as many rows of chroma
        image[:HEIGHT] = texture[n : n + HEIGHT, 2 * (n % 100) : 2 * (n % 100) + WIDTH] + noise[n % 8]
        frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
        frame.pts, frame.time_base = n, Fraction(1, FPS)
        pictures += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(pictures)


def _encode_audio() -> tuple[bytes, ...]:
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = AUDIO_HZ, "stereo", "s16"
    encoder.bit_rate = 32_000
    sounds = []
    for n in range(N_SOUNDS):
        t = (np.arange(SOUND_SAMPLES) + SOUND_SAMPLES * n) / AUDIO_HZ
        wave = (6000 * np.sin(2 * np.pi * (150 + n) * t)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None, :], format="s16", layout="stereo")
        frame.pts, frame.sample_rate, frame.time_base = SOUND_SAMPLES * n, AUDIO_HZ, Fraction(1, AUDIO_HZ)
        sounds += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(sounds)


class ClipTrack(MediaStreamTrack):
    """Plays encoded frames round and round in real time without encoding; a key-frame request starts them anew.

    Tracks with the same ``start_s`` are due at the same moments, whenever each of them begins.
    """

    def __init__(self, kind: str, frames: tuple[bytes, ...], frame_s: float, start_s: float) -> None:
        super().__init__()
        self.kind = kind
        self.sent: list[bytes] = []
        self._frames = frames
        self._frame_s = frame_s
        self._position = 0
        self._start_s = start_s
        self._skipped = 0

    def restart(self) -> None:
        """Begin with the first frame again, which is a key frame."""
        self._position = 0

    async def recv(self) -> "av.Packet[Any]":
        """Return the next encoded frame when its time has come."""
        if not self.sent:
            self._skipped = max(0, math.ceil((monotonic_s() - self._start_s) / self._frame_s))
        n_due = self._skipped + len(self.sent)
        await asyncio.sleep(max(0.0, self._start_s + n_due * self._frame_s - monotonic_s()))
        data = self._frames[self._position % len(self._frames)]
        self._position += 1
        packet = av.Packet(data)
        packet.pts = round(n_due * self._frame_s * AUDIO_HZ)
        packet.time_base = Fraction(1, AUDIO_HZ)
        self.sent.append(data)
        return packet
