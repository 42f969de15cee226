"""Pictures through a real video codec and back, coded as a live call codes them."""

import io

import av
import cv2
import numpy as np

from pipeline.types import ImageArray

CODECS = {"vp8": ("libvpx", "webm"), "h264": ("libx264", "matroska")}
"""Encoder and container of each codec."""


def through_codec(frames: list[ImageArray], codec: str, rate: dict[str, int]) -> list[ImageArray]:
    """Encode grey frames as a live call does, decode them again.

    Args:
        frames: each of shape (height, width), sides even, 30 a second.
        codec: ``vp8`` or ``h264``.
        rate: ``{"quantiser": q}`` for constant quality, or ``{"kbps": k}`` for a constant bit rate.

    Returns:
        As many frames of the same shape.
    """
    encoder, container = CODECS[codec]
    height_px, width_px = frames[0].shape
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(encoder, rate=30)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
        stream.thread_count = 1
        stream.options = dict(_options(codec, rate))
        if "kbps" in rate:
            stream.bit_rate = rate["kbps"] * 1000
        for grey in frames:
            rgb = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        output.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as source:
        decoded = [np.asarray(frame.to_ndarray(format="gray"), np.uint8) for frame in source.decode(video=0)]
    if len(decoded) != len(frames):
        raise ValueError(f"{codec}: {len(frames)} frames went in, {len(decoded)} came out")
    return decoded


def _options(codec: str, rate: dict[str, int]) -> dict[str, str]:
    if codec == "vp8":
        live = {"deadline": "realtime", "cpu-used": "6", "lag-in-frames": "0", "g": "3000", "error-resilient": "1"}
        if "quantiser" in rate:
            q = str(rate["quantiser"])
            return live | {"qmin": q, "qmax": q, "crf": q}
        return live | {"minrate": f"{rate['kbps']}k", "maxrate": f"{rate['kbps']}k", "bufsize": f"{rate['kbps']}k"}
    live = {"preset": "ultrafast", "tune": "zerolatency", "g": "3000"}
    if "quantiser" in rate:
        return live | {"qp": str(rate["quantiser"])}
    return live | {"maxrate": f"{rate['kbps']}k", "bufsize": f"{rate['kbps']}k"}
