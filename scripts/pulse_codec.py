"""Colour pictures through a live video codec and back, one at a time."""

from fractions import Fraction

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext

from pipeline.types import ImageArray
from scripts.temporal_codec import OPTIONS
from scripts.video_codec import CODECS

_LIVE = {
    # As aiortc sets it; browsers denoise too.
    "vp8": OPTIONS | {"noise-sensitivity": "4", "static-thresh": "1"},
    "h264": {"preset": "ultrafast", "tune": "zerolatency", "threads": "1"},
}
_DECODERS = {"vp8": "vp8", "h264": "h264"}


class LiveCodec:
    """Encodes at a constant bit rate without look-ahead and decodes at once; same input, same output."""

    def __init__(self, codec: str, *, kbps: int, fps: int, width: int, height: int) -> None:
        encoder = av.CodecContext.create(CODECS[codec][0], "w")
        assert isinstance(encoder, VideoCodecContext)
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base = Fraction(1, fps)
        encoder.framerate = Fraction(fps)
        encoder.bit_rate = kbps * 1000
        encoder.gop_size = 3000
        bound = {"minrate": str(encoder.bit_rate), "maxrate": str(encoder.bit_rate), "bufsize": str(encoder.bit_rate)}
        encoder.options = _LIVE[codec] | bound
        self._encoder = encoder
        decoder = av.CodecContext.create(_DECODERS[codec], "r")
        assert isinstance(decoder, VideoCodecContext)
        self._decoder = decoder
        self._decoder.thread_count = 1
        self._n = 0
        self.n_bytes = 0

    def __call__(self, rgb: ImageArray) -> list[ImageArray]:
        """Take the next frame of shape (height, width, 3); return the frames that come out."""
        planes = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8)
        picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        picture.pts, picture.time_base = self._n, self._encoder.time_base
        self._n += 1
        return self._pass_on(picture)

    def finish(self) -> list[ImageArray]:
        """Return the frames that are still inside."""
        return self._pass_on(None)

    def _pass_on(self, picture: av.VideoFrame | None) -> list[ImageArray]:
        out: list[ImageArray] = []
        packets = list(self._encoder.encode(picture))
        self.n_bytes += sum(packet.size for packet in packets)
        decoded = [frame for packet in packets for frame in self._decoder.decode(packet)]
        if picture is None:
            decoded += self._decoder.decode(None)
        for frame in decoded:
            assert isinstance(frame, av.VideoFrame)
            planes = np.ascontiguousarray(frame.to_ndarray(format="yuv420p"), dtype=np.uint8)
            out.append(np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420), np.uint8))
        return out
