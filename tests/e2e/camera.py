"""Files for Chromium's fake camera and microphone, rendered from the synthetic candidate's story."""

import wave
from pathlib import Path

import av
import numpy as np

from server.demo.portrait import Portrait
from server.demo.story import Story
from server.demo.voice import RATE_HZ, speak_loop

FPS = 10
"""Few pictures, for several pages share the machine with the server. Raw, since Chromium plays motion JPEG at 30 Hz."""


def write_camera(path: Path, *, start_s: float, duration_s: float) -> None:
    """Write a stretch of the story as YUV4MPEG2, a format that Chromium reads."""
    story, portrait = Story(), Portrait()
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W640 H480 F{FPS}:1 Ip A1:1 C420\n".encode())
        for i in range(round(duration_s * FPS)):
            image = portrait.render(story.pose(start_s + i / FPS))
            planes = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p").to_ndarray()
            file.write(b"FRAME\n" + planes.tobytes())


def write_microphone(path: Path, *, start_s: float, duration_s: float) -> None:
    """Write the same stretch of the voice as 48 kHz mono WAV."""
    samples = speak_loop(Story())[round(start_s * RATE_HZ) : round((start_s + duration_s) * RATE_HZ)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((samples * 32767).astype(np.dtype("<i2")).tobytes())
