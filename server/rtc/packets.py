"""One RTP packet as the media plane sees it, and what can be read off its payload without decoding."""

from dataclasses import dataclass

from server.media import Codec, Kind

CLOCK_RATE_HZ = {Codec.OPUS: 48_000, Codec.VP8: 90_000, Codec.H264: 90_000}

_NAL_SPS = 7
_NAL_STAP_A = 24
_NAL_FU_A = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPacket:
    """A packet of one stream; sequence number and timestamp are unwrapped and only ever compared within ``epoch``."""

    kind: Kind
    codec: Codec
    epoch: int
    """Counts the streams of a participant: a new connection or a new SSRC is a new epoch."""
    seq: int
    timestamp: int
    marker: bool
    payload: bytes
    """Empty for a packet of padding alone."""
    padding_size: int
    audio_level: tuple[bool, int] | None
    """Voice activity and level in -dBov (RFC 6464), when the sender told."""
    arrival_s: float
    capture_s: float
    reported_s: float | None = None
    """Capture time for sender reports (see capture_clock); None while the sender's clock is not known."""
    starts_keyframe: bool
    """This is the first packet of a key frame; always False for audio."""


class Unwrapper:
    """Turns a counter that wraps into one that does not; values may come out of order by less than half its range."""

    def __init__(self, bits: int) -> None:
        self._mask = (1 << bits) - 1
        self._half = 1 << (bits - 1)
        self._newest: int | None = None

    def unwrap(self, value: int) -> int:
        """Return the value without wraps; the first value is returned as it is."""
        result = self.nearest(value)
        if self._newest is None or result > self._newest:
            self._newest = result
        return result

    def nearest(self, value: int) -> int:
        """Return what ``unwrap`` would, without taking note of the value."""
        if self._newest is None:
            return value
        return self._newest + ((value - self._newest + self._half) & self._mask) - self._half


def starts_keyframe(codec: Codec, payload: bytes) -> bool:
    """Tell whether an RTP payload is the first of a key frame; False for audio and for malformed payloads.

    Source: RFC 7741 sections 4.2 and 4.3 (VP8), RFC 6184 section 5 (H.264).
    """
    if codec is Codec.VP8:
        return _vp8_starts_keyframe(payload)
    if codec is Codec.H264:
        return _h264_starts_keyframe(payload)
    return False


def opus_carries_previous(payload: bytes) -> bool:
    """Tell whether an Opus packet carries a copy of the packet before it (LBRR, RFC 6716 sections 3.1 and 4.2.4).

    False for packets of several frames, which no browser sends.
    """
    if len(payload) < 2:
        return False
    config, is_stereo, n_frames_code = payload[0] >> 3, payload[0] >> 2 & 1, payload[0] & 3
    if config >= 16 or n_frames_code:
        return False  # CELT alone has no copies
    n_silk_frames = max(1, config % 4) if config < 12 else 1  # 10, 20, 40, 60 ms
    header = payload[1]
    middle = header >> (7 - n_silk_frames) & 1
    side = header >> (6 - 2 * n_silk_frames) & 1 if is_stereo else 0
    return bool(middle or side)


def _vp8_starts_keyframe(payload: bytes) -> bool:
    if not payload or payload[0] & 0x1F != 0x10:  # first packet (S) of the first partition (PID 0)
        return False
    position = vp8_header_size(payload)
    # P, the lowest bit of the first byte of the frame header, is 0 in a key frame.
    return position < len(payload) and not payload[position] & 1


def vp8_header_size(payload: bytes) -> int:
    """Return the size of the VP8 payload descriptor; may exceed the payload if that is truncated."""
    if not payload[0] & 0x80:
        return 1
    if len(payload) < 2:
        return 2
    extensions = payload[1]
    size = 2
    if extensions & 0x80:
        size += 2 if len(payload) > 2 and payload[2] & 0x80 else 1
    if extensions & 0x40:
        size += 1
    if extensions & 0x30:
        size += 1
    return size


def _h264_starts_keyframe(payload: bytes) -> bool:
    """A key frame starts with its sequence parameter set, which browsers repeat before every IDR picture."""
    if len(payload) < 2:
        return False
    nal_type = payload[0] & 0x1F
    if nal_type == _NAL_FU_A:
        return payload[1] & 0x80 != 0 and payload[1] & 0x1F == _NAL_SPS
    if nal_type == _NAL_STAP_A:
        return _NAL_SPS in stap_a_types(payload)
    return nal_type == _NAL_SPS


def stap_a_types(payload: bytes) -> list[int]:
    """Return the NAL unit types inside a single-time aggregation packet; stops at the first malformed one."""
    types = []
    position = 1
    while position + 2 < len(payload):
        size = int.from_bytes(payload[position : position + 2], "big")
        types.append(payload[position + 2] & 0x1F)
        position += 2 + size
    return types
