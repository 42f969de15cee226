"""Encoded frames to what the pipeline measures: pictures, and 16 kHz sound that follows the clock.

Decoders run on one thread with low delay: a packet in, its picture or sound out. FFmpeg's errors become DecodeError.
"""

from collections.abc import Iterator

import av
import numpy as np
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext

from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, FloatArray, ImageArray
from server.analysis.opus import RATE_HZ as OPUS_RATE_HZ
from server.analysis.opus import OpusDecoder, OpusError
from server.media import Codec, EncodedFrame

MAX_PIXELS = 2560 * 1600
"""A picture that claims to be larger is refused before memory is taken for it."""
MAX_SIDE_PX = 1280
"""Larger pictures are scaled down to this for measuring: more would cost time and show the networks nothing new."""

DECIMATION = OPUS_RATE_HZ // SAMPLE_RATE_HZ
N_TAPS = 121
CUTOFF_HZ = 7_400.0
"""With the filter's transition of about 2 kHz, what would fold below 7 kHz is gone."""

NEW_TIMELINE_S = 0.25
"""RTP time and capture time that part by more than this are those of another connection."""
SLEW = 0.002
"""Share of the difference between capture time and sample count taken over per packet: about 10 s to settle."""
MAX_GAP_CHUNK_S = 1.0

_VIDEO_DECODERS = {Codec.VP8: "vp8", Codec.H264: "h264"}


class DecodeError(ValueError):
    """A frame is damaged, or not of the codec it says."""


class VideoDecoder:
    """Decodes one stream of pictures; every frame has to go through, since each builds on the last."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        context = av.CodecContext.create(_VIDEO_DECODERS[codec], "r")
        assert isinstance(context, VideoCodecContext)
        context.thread_count = 1
        context.flags |= Flags.low_delay
        # Damage is to be an error: a concealed picture looks measured and is not.
        context.options = {"err_detect": "explode", "max_pixels": str(MAX_PIXELS)}
        self._context = context

    def decode(self, frame: EncodedFrame, *, wants_picture: bool) -> ImageArray | None:
        """Decode one frame.

        Returns:
            RGB of shape (height, width, 3), the longer side at most MAX_SIDE_PX; None when it is not wanted or the
            frame shows nothing.

        Raises:
            DecodeError: the frame is damaged or builds on one that is missing.
        """
        try:
            pictures = self._context.decode(av.Packet(_not_empty(frame.data)))
            if any(picture.is_corrupt for picture in pictures):
                raise DecodeError("picture is damaged")
            if not pictures or not wants_picture:
                return None
            picture = pictures[-1]
            scale = min(1.0, MAX_SIDE_PX / max(picture.width, picture.height))
            small = picture.reformat(
                width=max(2, round(picture.width * scale)), height=max(2, round(picture.height * scale)), format="rgb24"
            )
            return np.asarray(small.to_ndarray(), np.uint8)
        except (av.FFmpegError, ValueError) as exc:
            raise DecodeError(f"{self.codec} frame cannot be decoded: {exc}") from exc


class AudioDecoder:
    """Decodes one stream of Opus packets to 16 kHz mono.

    The number of samples follows the RTP timestamps exactly and the capture times in the long run; what did not come
    is filled with chunks marked ``is_gap``, or with the copy that the next packet carries, marked ``is_recovered``.
    """

    def __init__(self, origin_s: float) -> None:
        self._origin_s = origin_s
        self._opus = OpusDecoder()
        self._low_pass = _design_low_pass()
        self._tail = np.zeros(N_TAPS - 1, np.float32)
        self._next_rtp: int | None = None
        self._end_s = 0.0

    def decode(self, frame: EncodedFrame) -> Iterator[AudioChunk]:
        """Decode one packet and yield its sound, after the gap before it if there is one.

        Raises:
            DecodeError: the packet is damaged. Its stretch is a gap once the next packet comes.
        """
        try:
            copy = self._recover(frame)
            sound = self._opus.decode(frame.data)
        except OpusError as exc:
            raise DecodeError(str(exc)) from exc
        capture_s = frame.capture_s - self._origin_s
        if self._next_rtp is None:
            self._end_s = capture_s
        else:
            lost_s = (frame.rtp_timestamp - self._next_rtp) / OPUS_RATE_HZ
            drift_s = capture_s - (self._end_s + lost_s)
            if abs(drift_s) > NEW_TIMELINE_S:
                lost_s, drift_s = capture_s - self._end_s, 0.0
            if lost_s < 0:
                # A duplicate, or a clock that was set back: this stretch has been heard.
                self._next_rtp = max(self._next_rtp, frame.rtp_timestamp + len(sound))
                return
            if copy is not None and lost_s == len(copy) / OPUS_RATE_HZ:
                yield self._chunk(copy, is_recovered=True)
            else:
                yield from self._fill(lost_s)
            self._end_s += SLEW * drift_s
        self._next_rtp = frame.rtp_timestamp + len(sound)
        yield self._chunk(sound)

    def _recover(self, frame: EncodedFrame) -> FloatArray | None:
        """Return the sound of the one packet that was lost before this one, if this one carries it."""
        if self._next_rtp is None or not frame.follows_gap:
            return None
        n_lost = frame.rtp_timestamp - self._next_rtp
        return self._opus.recover(frame.data, n_lost) if n_lost > 0 else None

    def _chunk(self, sound: FloatArray, *, is_recovered: bool = False) -> AudioChunk:
        chunk = AudioChunk(t_s=self._end_s, samples=self._decimate(sound), is_recovered=is_recovered)
        self._end_s += len(chunk.samples) / SAMPLE_RATE_HZ
        return chunk

    def _fill(self, lost_s: float) -> Iterator[AudioChunk]:
        n_lost = round(lost_s * SAMPLE_RATE_HZ)
        if n_lost:
            self._tail[:] = 0
        while n_lost > 0:
            n = min(n_lost, round(MAX_GAP_CHUNK_S * SAMPLE_RATE_HZ))
            yield AudioChunk(t_s=self._end_s, samples=np.zeros(n, np.float32), is_gap=True)
            self._end_s += n / SAMPLE_RATE_HZ
            n_lost -= n

    def _decimate(self, sound: FloatArray) -> FloatArray:
        """Low-pass and keep every third sample; the filter's delay of 1.25 ms is left in."""
        extended = np.concatenate((self._tail, sound))
        self._tail = extended[len(extended) - (N_TAPS - 1) :].copy()
        windows = np.lib.stride_tricks.sliding_window_view(extended, N_TAPS)[::DECIMATION]
        return np.asarray(windows @ self._low_pass, np.float32)


def _not_empty(data: bytes) -> bytes:
    # To FFmpeg an empty packet means the end of the stream, after which a decoder takes nothing more.
    if not data:
        raise ValueError("empty packet")
    return data


def _design_low_pass() -> FloatArray:
    """Windowed sinc, shape (N_TAPS,), gain 1 at 0 Hz (Smith, The Scientist and Engineer's Guide to DSP, ch. 16)."""
    n = np.arange(N_TAPS) - (N_TAPS - 1) / 2
    taps = np.sinc(2 * CUTOFF_HZ / OPUS_RATE_HZ * n) * np.blackman(N_TAPS)
    return np.asarray(taps / taps.sum(), np.float32)
