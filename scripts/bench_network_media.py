"""What the network bench sends: a talking face in VP8 at several bit rates and a voice in Opus, each frame known again.

The pictures are real VP8 frames in kind and size, played round and round without the key frame, which is sent only
when asked for, as browsers do; a change of bit rate continues with the next picture of another encoding. Nothing
decodes them here, so what counts as decodable is reckoned from the numbers: see bench_network_figures.
"""

import asyncio
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import msgpack
import numpy as np
from aiortc import MediaStreamTrack
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

from server.clock import monotonic_s
from server.demo.portrait import HEIGHT, WIDTH, Portrait
from server.demo.story import Story
from server.demo.voice import RATE_HZ, speak_loop

FPS = 30
PICTURES = 180
SOUND_S = 0.02
SOUNDS = 3000
AUDIO_BPS = 32_000
FULL_BPS = 1_200_000
LADDER_BPS = (FULL_BPS, 900_000, 700_000, 550_000, 420_000, 320_000, 240_000, 180_000, 130_000, 90_000)
"""Bit rates a browser's encoder may be told to keep to, in steps fine enough for it."""
AUDIO_ON_WIRE_BPS = 60_000
"""Of a REMB's figure, what the sound takes with its headers."""
KEYFRAME_PAUSE_S = 0.3
"""A browser answers key-frame requests no more often (libwebrtc, EncoderRtcpFeedback)."""
_NUMBER_BYTES = 4
_SAMPLES = round(RATE_HZ * SOUND_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Encoded media."""

    pictures: tuple[tuple[bytes, ...], ...]
    """For each bit rate of ``LADDER_BPS`` used, the frames; the first is a key frame."""
    sounds: tuple[bytes, ...]
    """Opus packets of 20 ms, no two alike."""

    def save(self, path: Path) -> None:
        """Write the clip for another process."""
        path.write_bytes(msgpack.packb([self.pictures, self.sounds]))

    @classmethod
    def load(cls, path: Path) -> "Clip":
        """Read what ``save`` wrote."""
        pictures, sounds = msgpack.unpackb(path.read_bytes())
        return cls(pictures=tuple(map(tuple, pictures)), sounds=tuple(sounds))


def encode_clip(*, is_adaptive: bool) -> Clip:
    """Encode the clip, at one bit rate or at all of them."""
    pictures, rng = _draw(), np.random.default_rng(5)
    noise = rng.normal(0, 3, (4, HEIGHT, WIDTH, 1)).astype(np.int16)
    noisy = [np.clip(picture + noise[n % 4], 0, 255).astype(np.uint8) for n, picture in enumerate(pictures)]
    rates = LADDER_BPS if is_adaptive else LADDER_BPS[:1]
    return Clip(pictures=tuple(_encode_video(noisy, bps) for bps in rates), sounds=_encode_audio())


def _draw() -> list[Any]:
    story, portrait = Story(), Portrait()
    return [portrait.render(story.pose(n / FPS)).astype(np.int16) for n in range(PICTURES)]


def _encode_video(pictures: list[Any], bps: int) -> tuple[bytes, ...]:
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.bit_rate, encoder.gop_size = bps, 100 * PICTURES
    rate = {"minrate": str(bps), "maxrate": str(bps), "bufsize": str(bps)}
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "1", **rate}
    frames: list[bytes] = []
    for number, picture in enumerate(pictures):
        image = av.VideoFrame.from_ndarray(picture, format="rgb24")
        image.pts, image.time_base = number, Fraction(1, FPS)
        frames += [bytes(packet) for packet in encoder.encode(image)]
    assert len(frames) == PICTURES
    return tuple(frames)


def _encode_audio() -> tuple[bytes, ...]:
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = RATE_HZ, "mono", "s16"
    encoder.time_base, encoder.bit_rate = Fraction(1, RATE_HZ), AUDIO_BPS
    encoder.options = {"application": "voip", "fec": "1", "packet_loss": "10"}
    voice = np.resize(speak_loop(Story()), SOUNDS * _SAMPLES)
    hiss = np.random.default_rng(7).normal(0, 0.003, len(voice))
    samples = (np.clip(voice + hiss, -1, 1) * 32767).astype(np.int16)
    sounds: dict[bytes, None] = {}  # in order, each once
    for start in range(0, len(samples), _SAMPLES):
        sound = av.AudioFrame.from_ndarray(samples[None, start : start + _SAMPLES], format="s16", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
        sounds |= dict.fromkeys(bytes(packet) for packet in encoder.encode(sound))
    return tuple(sounds)


@dataclass(frozen=True, slots=True)
class Sent:
    """One frame that left the encoder."""

    at_s: float
    data: bytes
    is_key: bool


@dataclass(slots=True)
class Log:
    """All frames a participant sent, over all their connections; a frame's number is its place in the list."""

    video: list[Sent] = field(default_factory=list)
    audio: list[Sent] = field(default_factory=list)

    def of(self, kind: str) -> list[Sent]:
        """Return the frames of this kind."""
        return self.video if kind == "video" else self.audio


def number_of(data: bytes) -> int:
    """Return the number that a picture carries in its last bytes."""
    return int.from_bytes(data[-_NUMBER_BYTES:], "big")


class _Track(MediaStreamTrack):
    """Hands encoded frames to the sender when they are due."""

    def __init__(self, kind: Literal["audio", "video"], frame_s: float, log: Log) -> None:
        super().__init__()
        self.kind = kind
        self._frame_s = frame_s
        self._sent = log.of(kind)
        self._start_s = monotonic_s()
        self._n = 0

    def _next(self, number: int) -> tuple[bytes, bool]:
        raise NotImplementedError

    async def recv(self) -> "av.Packet[Any]":
        """Return the next frame."""
        due_s = self._start_s + self._n * self._frame_s
        await asyncio.sleep(max(0.0, due_s - monotonic_s()))
        data, is_key = self._next(len(self._sent))
        self._sent.append(Sent(monotonic_s(), data, is_key))
        packet = av.Packet(data)
        packet.pts, packet.time_base = round(self._n * self._frame_s * RATE_HZ), Fraction(1, RATE_HZ)
        self._n += 1
        return packet


class Camera(_Track):
    """Pictures at a bit rate that may be changed at any time."""

    def __init__(self, clip: Clip, log: Log) -> None:
        super().__init__("video", 1 / FPS, log)
        self._ladder = clip.pictures
        self._rung = 0
        self._position = 0
        self._last_key_s = float("-inf")

    def request_keyframe(self) -> None:
        """Make the next picture a key frame, unless there has just been one."""
        if monotonic_s() - self._last_key_s >= KEYFRAME_PAUSE_S:
            self._position = 0

    def limit(self, bits_per_s: int) -> None:
        """Keep to this rate, sound and headers included: take the best encoding that does."""
        room_bps = bits_per_s - AUDIO_ON_WIRE_BPS
        fitting = [i for i in range(len(self._ladder)) if LADDER_BPS[i] <= room_bps]
        self._rung = min(fitting, default=len(self._ladder) - 1)

    def _next(self, number: int) -> tuple[bytes, bool]:
        frames = self._ladder[self._rung]
        is_key = self._position == 0
        data = frames[self._position] + number.to_bytes(_NUMBER_BYTES, "big")
        self._position = self._position + 1 if self._position + 1 < len(frames) else 1
        if is_key:
            self._last_key_s = monotonic_s()
        return data, is_key


class Microphone(_Track):
    """Sound."""

    def __init__(self, clip: Clip, log: Log) -> None:
        super().__init__("audio", SOUND_S, log)
        self._sounds = clip.sounds

    def _next(self, number: int) -> tuple[bytes, bool]:
        return self._sounds[number % len(self._sounds)], True
