"""The synthetic candidate's camera and microphone as WebRTC tracks."""

import asyncio
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from aiortc import MediaStreamTrack
from av import AudioFrame, VideoFrame

from server import clock
from server.demo.portrait import Portrait
from server.demo.story import LOOP_S, Story
from server.demo.voice import RATE_HZ, speak_loop

FPS = 25
_FRAME_SAMPLES = RATE_HZ // 50
_VIDEO_CLOCK_HZ = 90_000


class _Pacer:
    """Wakes at the times of a regular grid."""

    def __init__(self, start_s: float, period_s: float) -> None:
        self._start_s = start_s
        self._period_s = period_s
        self.n = 0

    async def next_t_s(self) -> float:
        """Wait for the next point of the grid and return its time since the start."""
        t_s = self.n * self._period_s
        self.n += 1
        await asyncio.sleep(max(0.0, self._start_s + t_s - clock.monotonic_s()))
        return t_s


class StoryCamera(MediaStreamTrack):
    """The portrait living through the story, 640x480 at 25 frames a second."""

    kind = "video"

    def __init__(self, story: Story, start_s: float) -> None:
        super().__init__()
        self._story = story
        self._portrait = Portrait()
        self._pacer = _Pacer(start_s, 1 / FPS)

    async def recv(self) -> VideoFrame:
        """Return the next picture when it is due."""
        t_s = await self._pacer.next_t_s()
        image = await asyncio.to_thread(self._portrait.render, self._story.pose(t_s))
        frame = VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = round(t_s * _VIDEO_CLOCK_HZ)
        frame.time_base = Fraction(1, _VIDEO_CLOCK_HZ)
        return frame


def microphone_samples(story: Story) -> npt.NDArray[np.int16]:
    """Return the story's voice at 48 kHz, once through; takes a second to compute."""
    return (speak_loop(story) * 32767).astype(np.int16)


class StoryMicrophone(MediaStreamTrack):
    """The story's voice, 48 kHz mono in frames of 20 ms."""

    kind = "audio"

    def __init__(self, samples: npt.NDArray[np.int16], start_s: float) -> None:
        super().__init__()
        self._samples = samples
        self._pacer = _Pacer(start_s, _FRAME_SAMPLES / RATE_HZ)

    async def recv(self) -> AudioFrame:
        """Return the next 20 ms when they are due."""
        t_s = await self._pacer.next_t_s()
        start = round((t_s % LOOP_S) * RATE_HZ) % len(self._samples)
        frame = AudioFrame.from_ndarray(
            self._samples[None, start : start + _FRAME_SAMPLES], format="s16", layout="mono"
        )
        frame.pts = round(t_s * RATE_HZ)
        frame.time_base = Fraction(1, RATE_HZ)
        frame.sample_rate = RATE_HZ
        return frame
