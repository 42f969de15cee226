"""Pictures through a real video codec and back, coded as a live call codes them: without look-ahead, on one thread."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext

from pipeline.types import ImageArray

ENCODERS = {"vp8": "libvpx", "h264": "libx264"}
_LIVE = {
    # A negative cpu-used is aiortc's fixed speed; a positive one follows the clock and no run would equal the last.
    "vp8": {"deadline": "realtime", "cpu-used": "-6", "lag-in-frames": "0", "error-resilient": "1"},
    "h264": {"preset": "ultrafast", "tune": "zerolatency"},
}
_DENOISED = {"vp8": {"noise-sensitivity": "4", "static-thresh": "1"}, "h264": {}}
"""As aiortc sets it; browsers denoise too."""


class LiveCodec:
    """Encodes colour pictures at a constant bit rate and decodes them at once; same input, same output."""

    def __init__(self, codec: str, *, kbps: int, fps: int, width: int, height: int) -> None:
        options = _DENOISED[codec] | {"bufsize": str(kbps * 1000)}
        self._way = _ThereAndBack(codec, {"kbps": kbps}, (width, height), fps, options)

    @property
    def n_bytes(self) -> int:
        """Size of everything that was encoded."""
        return self._way.n_bytes

    def __call__(self, rgb: ImageArray) -> list[ImageArray]:
        """Take the next frame of shape (height, width, 3); return the frames that come out."""
        planes = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8)
        return [_rgb(frame) for frame in self._way.send(av.VideoFrame.from_ndarray(planes, format="yuv420p"))]

    def finish(self) -> list[ImageArray]:
        """Return the frames that are still inside."""
        return [_rgb(frame) for frame in self._way.send(None)]


def through_codec(frames: list[ImageArray], codec: str, rate: Mapping[str, int]) -> list[ImageArray]:
    """Encode grey frames, decode them again.

    Args:
        frames: each of shape (height, width), sides even, 30 a second.
        codec: ``vp8`` or ``h264``.
        rate: ``{"quantiser": q}`` for constant quality, or ``{"kbps": k}`` for a constant bit rate.

    Returns:
        As many frames of the same shape.
    """
    options = {"bufsize": str(rate["kbps"] * 1000)} if "kbps" in rate else {}
    height_px, width_px = frames[0].shape
    way = _ThereAndBack(codec, rate, (width_px, height_px), 30, options)
    return [
        np.asarray(frame.to_ndarray(format="gray"), np.uint8)
        for frame in way.send_all(
            av.VideoFrame.from_ndarray(np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8), format="rgb24")
            for grey in frames
        )
    ]


def through_vp8(luma: ImageArray, *, kbps: float, fps: float) -> ImageArray:
    """Encode pictures as they are, without a change of their range, at a constant bit rate; decode them again.

    Args:
        luma: shape (n, height, width), even sides; the whole range of brightness.
        kbps: rate of the stream in kbit/s.
        fps: pictures a second.

    Returns:
        Same shape.
    """
    _, height_px, width_px = luma.shape
    colour = np.full((height_px // 2, width_px), 128, np.uint8)
    way = _ThereAndBack("vp8", {"kbps": kbps}, (width_px, height_px), fps, {})
    pictures = (av.VideoFrame.from_ndarray(np.concatenate((one, colour)), format="yuv420p") for one in luma)
    return np.stack([_planes(frame)[:height_px] for frame in way.send_all(pictures)])


class _ThereAndBack:
    """An encoder and the decoder behind it."""

    def __init__(
        self, codec: str, rate: Mapping[str, float], size: tuple[int, int], fps: float, options: dict[str, str]
    ) -> None:
        encoder = av.CodecContext.create(ENCODERS[codec], "w")
        decoder = av.CodecContext.create(codec, "r")
        assert isinstance(encoder, VideoCodecContext)
        assert isinstance(decoder, VideoCodecContext)
        (encoder.width, encoder.height), encoder.pix_fmt = size, "yuv420p"
        encoder.time_base, encoder.framerate = Fraction(1, round(fps)), Fraction(round(fps))
        encoder.gop_size = 3000
        encoder.thread_count = decoder.thread_count = 1
        if "kbps" in rate:
            encoder.bit_rate = round(rate["kbps"] * 1000)
        encoder.options = _LIVE[codec] | _rate_options(codec, rate) | options
        self._encoder, self._decoder = encoder, decoder
        self._n_sent = 0
        self.n_bytes = 0

    def send(self, picture: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        """Send the next picture, or None at the end; yields the pictures that come out."""
        if picture is not None:
            picture.pts, picture.time_base = self._n_sent, self._encoder.time_base
            self._n_sent += 1
        packets = self._encoder.encode(picture)
        self.n_bytes += sum(packet.size for packet in packets)
        for packet in packets if picture is not None else [*packets, None]:
            yield from self._decoder.decode(packet)

    def send_all(self, pictures: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Send pictures; yields as many."""
        n_back = 0
        for picture in (*pictures, None):
            for frame in self.send(picture):
                yield frame
                n_back += 1
        if n_back != self._n_sent:
            raise ValueError(f"{self._n_sent} pictures went in, {n_back} came out")


def _rate_options(codec: str, rate: Mapping[str, float]) -> dict[str, str]:
    if "kbps" in rate:
        bits = str(round(rate["kbps"] * 1000))
        return {"minrate": bits, "maxrate": bits}
    q = str(rate["quantiser"])
    return {"qmin": q, "qmax": q, "crf": q} if codec == "vp8" else {"qp": q}


def _planes(frame: av.VideoFrame) -> ImageArray:
    """Brightness above colour, shape (1.5 height, width)."""
    return np.ascontiguousarray(frame.to_ndarray(format="yuv420p"), dtype=np.uint8)


def _rgb(frame: av.VideoFrame) -> ImageArray:
    return np.asarray(cv2.cvtColor(_planes(frame), cv2.COLOR_YUV2RGB_I420), np.uint8)
