"""A media file as the candidate's camera and microphone, again from the start whenever it ends."""

import asyncio
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from aiortc import MediaStreamTrack
from av import AudioFrame, AudioResampler, VideoFrame

from server import clock

AUDIO_RATE_HZ = 48_000
_VIDEO_CLOCK_HZ = 90_000
_FRAME_SAMPLES = AUDIO_RATE_HZ // 50


def file_tracks(path: Path, start_s: float) -> list[MediaStreamTrack]:
    """Return tracks for what the file holds.

    Args:
        path: anything ffmpeg reads.
        start_s: time on the monotonic clock at which the file begins.

    Raises:
        ValueError: the file holds neither picture nor sound, or is no media file.
    """
    try:
        with av.open(str(path)) as container:
            has_audio, has_video = bool(container.streams.audio), bool(container.streams.video)
            duration_s = (container.duration or 0) / av.time_base
    except av.FFmpegError as exc:
        raise ValueError(f"{path} cannot be read: {exc}") from exc
    if not (has_audio or has_video) or duration_s <= 0:
        raise ValueError(f"{path} holds nothing to play")
    tracks: list[MediaStreamTrack] = []
    if has_audio:
        tracks.append(_FileTrack("audio", _sound(path, duration_s), start_s))
    if has_video:
        tracks.append(_FileTrack("video", _pictures(path, duration_s), start_s))
    return tracks


class _FileTrack(MediaStreamTrack):
    """Hands out frames when they are due."""

    def __init__(self, kind: str, frames: Iterator[tuple[float, AudioFrame | VideoFrame]], start_s: float) -> None:
        super().__init__()
        self.kind = kind
        self._frames = frames
        self._start_s = start_s

    async def recv(self) -> AudioFrame | VideoFrame:
        t_s, frame = await asyncio.to_thread(next, self._frames)
        await asyncio.sleep(max(0.0, self._start_s + t_s - clock.monotonic_s()))
        return frame


def _pictures(path: Path, duration_s: float) -> Iterator[tuple[float, VideoFrame]]:
    offset_s = 0.0
    while True:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                t_s = offset_s + (frame.time or 0.0)
                frame.pts, frame.time_base = round(t_s * _VIDEO_CLOCK_HZ), Fraction(1, _VIDEO_CLOCK_HZ)
                yield t_s, frame
        offset_s += duration_s


def _sound(path: Path, duration_s: float) -> Iterator[tuple[float, AudioFrame]]:
    n_samples = 0
    while True:
        resampler = AudioResampler(format="s16", layout="mono", rate=AUDIO_RATE_HZ, frame_size=_FRAME_SAMPLES)
        n_before, n_loop = n_samples, round(duration_s * AUDIO_RATE_HZ)
        with av.open(str(path)) as container:
            for decoded in container.decode(audio=0):
                for frame in resampler.resample(decoded):
                    frame.pts, frame.time_base = n_samples, Fraction(1, AUDIO_RATE_HZ)
                    yield n_samples / AUDIO_RATE_HZ, frame
                    n_samples += frame.samples
        # Stay beside the picture when the sound is shorter or longer than the file says.
        n_samples = max(n_samples, n_before + n_loop)
