"""Files for Chromium's fake camera and microphone, rendered from the synthetic candidate's story."""

import wave
from pathlib import Path

import av
import numpy as np

from server.demo.portrait import Portrait
from server.demo.story import Story
from server.demo.voice import RATE_HZ, speak_loop

FPS = 20


def write_camera(path: Path, *, start_s: float, duration_s: float) -> None:
    """Write a stretch of the story as motion JPEG, the format Chromium reads."""
    story, portrait = Story(), Portrait()
    with av.open(str(path), "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuvj420p"
        stream.options = {"qmin": "2", "qmax": "4"}
        for i in range(round(duration_s * FPS)):
            image = portrait.render(story.pose(start_s + i / FPS))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuvj420p")))
        container.mux(stream.encode(None))


def write_microphone(path: Path, *, start_s: float, duration_s: float) -> None:
    """Write the same stretch of the voice as 48 kHz mono WAV."""
    samples = speak_loop(Story())[round(start_s * RATE_HZ) : round((start_s + duration_s) * RATE_HZ)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((samples * 32767).astype(np.dtype("<i2")).tobytes())
