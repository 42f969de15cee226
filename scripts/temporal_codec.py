"""Pictures through VP8 and back, as a call carries them."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext

from pipeline.types import ImageArray

# A negative cpu-used is a fixed speed, aiortc's own; a positive one follows the clock and no run would equal the last.
OPTIONS = {"deadline": "realtime", "cpu-used": "-6", "lag-in-frames": "0", "threads": "1", "error-resilient": "1"}


def pass_through_vp8(frames: ImageArray, *, kbps: float, fps: float) -> ImageArray:
    """Encode grey pictures at a constant bit rate with libvpx and decode them; the same input gives the same output.

    Args:
        frames: shape (n, height, width), even sides.
        kbps: rate of the stream in kbit/s.
        fps: pictures a second.

    Returns:
        Same shape.
    """
    decoder = av.CodecContext.create("vp8", "r")
    decoder.thread_count = 1
    decoded = np.empty_like(frames)
    n_done = 0
    for packet in _encode(frames, kbps=kbps, fps=fps):
        for picture in decoder.decode(packet):
            assert isinstance(picture, av.VideoFrame)
            decoded[n_done] = _luma(picture)
            n_done += 1
    assert n_done == len(frames), f"{n_done} of {len(frames)} pictures came back"
    return decoded


def _encode(frames: ImageArray, *, kbps: float, fps: float) -> "Iterator[Packet[Any]]":
    _, height_px, width_px = frames.shape
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width_px, height_px, "yuv420p"
    encoder.time_base = Fraction(1, round(fps))
    encoder.bit_rate = round(kbps * 1000)
    encoder.gop_size = 3000
    encoder.options = OPTIONS | {"minrate": str(encoder.bit_rate), "maxrate": str(encoder.bit_rate)}
    colour = np.full((height_px // 2, width_px), 128, np.uint8)
    for i_frame, frame in enumerate(frames):
        picture = av.VideoFrame.from_ndarray(np.concatenate((frame, colour)), format="yuv420p")
        picture.pts, picture.time_base = i_frame, encoder.time_base
        yield from encoder.encode(picture)
    yield from encoder.encode(None)


def _luma(picture: av.VideoFrame) -> ImageArray:
    """Return the brightness plane, shape (height, width)."""
    both = np.asarray(picture.to_ndarray(format="yuv420p"), np.uint8)
    return both[: picture.height]
