"""Live Matroska of encoded frames, without transcoding: the very bytes the sender made, wrapped.

``MatroskaWriter`` is fed frames and returns bytes; it does no I/O. The stream begins at a video key frame, has no
sizes that are known only at the end, and can be cut anywhere and still plays. Source: RFC 9559 (Matroska).
"""

import struct
from collections import deque

from server.media import Codec, EncodedFrame, Kind
from server.taps import ebml
from server.taps.bitstream import BitstreamError, VideoFormat, h264_format, to_length_prefixed, vp8_format

TICK_NS = 100_000
"""Timestamp unit of the stream: a tenth of a millisecond."""

CLUSTER_S = 1.0
"""A new cluster begins this often, and at each key frame; block times are 16-bit offsets in it, so below 3.2 s."""

SETTLE_S = 2.0
"""So long the writer waits for the second kind of media before it begins with one kind alone."""

OPUS_HEAD = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, 0, 48_000, 0, 0)
"""Identification header (RFC 7845, section 5.1): version 1, stereo, no pre-skip for a live stream."""

_CODEC_IDS = {Codec.VP8: "V_VP8", Codec.H264: "V_MPEG4/ISO/AVC"}
_VIDEO_TRACK, _AUDIO_TRACK = 1, 2
_OPUS_SEEK_PREROLL_NS = 80_000_000


class StreamChangedError(Exception):
    """The media no longer fits the header that was sent: another codec, or a kind of media that was absent before."""


class MatroskaWriter:
    """Turns the frames of one participant into one Matroska stream."""

    def __init__(self) -> None:
        self._pictures: list[EncodedFrame] = []
        self._sound: deque[EncodedFrame] = deque(maxlen=round(SETTLE_S / 0.02))
        self._since_s: float | None = None
        self._awaits_key = False
        self._format: VideoFormat | None = None
        self._video_codec: Codec | None = None
        self._has_audio = False
        self._origin_s: float | None = None
        self._last_tick: dict[Kind, int] = {}
        self._cluster_tick = 0
        self._needs_cluster = True

    def write(self, frame: EncodedFrame) -> bytes:
        """Return what a frame adds to the stream; empty while the writer still learns what the header must say.

        Raises:
            StreamChangedError: the frame needs another header; end this stream and begin a new one.
        """
        if self._origin_s is not None:
            return self._block(frame)
        self._since_s = frame.arrival_s if self._since_s is None else self._since_s
        if frame.kind is Kind.AUDIO:
            self._sound.append(frame)
        elif frame.is_keyframe:
            # Only the newest key frame counts, and only one that a header can be made of.
            self._describe(frame)
            self._pictures = [frame] if self._format is not None else []
        elif self._pictures:
            self._pictures.append(frame)
        else:
            self._awaits_key = True
        return self._begin() if self._is_settled(frame.arrival_s) else b""

    def _describe(self, keyframe: EncodedFrame) -> None:
        describe = h264_format if keyframe.codec is Codec.H264 else vp8_format
        try:
            self._format = describe(keyframe.data)
        except BitstreamError:
            self._format = None
        self._video_codec = keyframe.codec

    def _is_settled(self, now_s: float) -> bool:
        assert self._since_s is not None
        if not self._pictures and self._awaits_key:
            return False
        return bool(self._pictures and self._sound) or now_s - self._since_s >= SETTLE_S

    def _begin(self) -> bytes:
        # Sound from before the first picture would need negative times.
        origin_s = (self._pictures or self._sound)[0].capture_s
        sound = [frame for frame in self._sound if frame.capture_s >= origin_s]
        self._origin_s = origin_s
        self._has_audio = bool(self._sound)
        header = _header(self._video_codec, self._format, self._has_audio, origin_s)
        frames = sorted(self._pictures + sound, key=lambda frame: frame.capture_s)
        self._pictures.clear()
        self._sound.clear()
        return header + b"".join(self._block(frame) for frame in frames)

    def _block(self, frame: EncodedFrame) -> bytes:
        fits = self._has_audio if frame.kind is Kind.AUDIO else frame.codec is self._video_codec
        if not fits:
            raise StreamChangedError(f"{frame.kind} {frame.codec} is not in this stream")
        assert self._origin_s is not None
        tick = round((frame.capture_s - self._origin_s) * 1e9 / TICK_NS)
        # Capture times are corrected as the sender's clock becomes known; within a track they must not step back.
        tick = max(tick, self._last_tick.get(frame.kind, -1) + 1)
        self._last_tick[frame.kind] = tick
        start = b""
        is_video_key = frame.kind is Kind.VIDEO and frame.is_keyframe
        offset = tick - self._cluster_tick
        if self._needs_cluster or is_video_key or not 0 <= offset < CLUSTER_S * 1e9 / TICK_NS:
            # A late block of the other track keeps its own time: cluster times may step back a little, blocks not.
            self._needs_cluster = False
            self._cluster_tick, offset = tick, 0
            start = ebml.element_start(0x1F43B675) + ebml.UNKNOWN_SIZE + ebml.unsigned(0xE7, tick)
        track = _VIDEO_TRACK if frame.kind is Kind.VIDEO else _AUDIO_TRACK
        data = to_length_prefixed(frame.data) if frame.codec is Codec.H264 else frame.data
        flags = 0x80 if frame.is_keyframe else 0
        return start + ebml.element(0xA3, struct.pack(">BhB", 0x80 | track, offset, flags) + data)


def _header(codec: Codec | None, video: VideoFormat | None, has_audio: bool, origin_s: float) -> bytes:
    head = ebml.element(
        0x1A45DFA3,
        ebml.unsigned(0x4286, 1)  # EBMLVersion
        + ebml.unsigned(0x42F7, 1)  # EBMLReadVersion
        + ebml.unsigned(0x42F2, 4)  # EBMLMaxIDLength
        + ebml.unsigned(0x42F3, 8)  # EBMLMaxSizeLength
        + ebml.text(0x4282, "matroska")  # DocType
        + ebml.unsigned(0x4287, 4)  # DocTypeVersion
        + ebml.unsigned(0x4285, 2),  # DocTypeReadVersion
    )
    info = ebml.element(
        0x1549A966,
        ebml.unsigned(0x2AD7B1, TICK_NS)  # TimestampScale
        + ebml.text(0x4D80, "Composure")  # MuxingApp
        + ebml.text(0x5741, "Composure"),  # WritingApp
    )
    tracks = b""
    if codec is not None and video is not None:
        tracks += _video_track(codec, video)
    if has_audio:
        tracks += _audio_track()
    return (
        head
        + ebml.element_start(0x18538067)  # Segment
        + ebml.UNKNOWN_SIZE
        + info
        + ebml.element(0x1654AE6B, tracks)
        + _tag("CAPTURE_ORIGIN_S", f"{origin_s:.6f}")
    )


def _video_track(codec: Codec, video: VideoFormat) -> bytes:
    private = ebml.element(0x63A2, video.codec_private) if video.codec_private else b""
    return ebml.element(
        0xAE,
        _track_start(_VIDEO_TRACK, 1, _CODEC_IDS[codec])
        + private
        + ebml.element(0xE0, ebml.unsigned(0xB0, video.width) + ebml.unsigned(0xBA, video.height)),
    )


def _audio_track() -> bytes:
    return ebml.element(
        0xAE,
        _track_start(_AUDIO_TRACK, 2, "A_OPUS")
        + ebml.element(0x63A2, OPUS_HEAD)
        + ebml.unsigned(0x56BB, _OPUS_SEEK_PREROLL_NS)
        + ebml.element(0xE1, ebml.double(0xB5, 48_000.0) + ebml.unsigned(0x9F, 2)),
    )


def _track_start(number: int, track_type: int, codec_id: str) -> bytes:
    return (
        ebml.unsigned(0xD7, number)  # TrackNumber
        + ebml.unsigned(0x73C5, number)  # TrackUID
        + ebml.unsigned(0x83, track_type)  # TrackType
        + ebml.unsigned(0x9C, 0)  # FlagLacing
        + ebml.text(0x86, codec_id)  # CodecID
    )


def _tag(name: str, value: str) -> bytes:
    simple = ebml.element(0x67C8, ebml.text(0x45A3, name) + ebml.text(0x4487, value))
    return ebml.element(0x1254C367, ebml.element(0x7373, ebml.element(0x63C0, b"") + simple))
