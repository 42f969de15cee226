"""What a Matroska header must know of a key frame: picture size, and H.264's parameter sets."""

import re
from dataclasses import dataclass

_START_CODE = re.compile(rb"\x00\x00\x00?\x01")
_NAL_SPS, _NAL_PPS = 7, 8
_VP8_START_CODE = b"\x9d\x01\x2a"


class BitstreamError(ValueError):
    """The key frame does not hold what a header needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFormat:
    """What the header says about the video."""

    width: int
    height: int
    codec_private: bytes
    """AVCDecoderConfigurationRecord for H.264, empty for VP8."""


def vp8_format(keyframe: bytes) -> VideoFormat:
    """Read the picture size from a VP8 key frame (RFC 6386, section 9.1).

    Raises:
        BitstreamError: not a VP8 key frame.
    """
    if len(keyframe) < 10 or keyframe[3:6] != _VP8_START_CODE:
        raise BitstreamError("not a VP8 key frame")
    width = int.from_bytes(keyframe[6:8], "little") & 0x3FFF
    height = int.from_bytes(keyframe[8:10], "little") & 0x3FFF
    return VideoFormat(width=width, height=height, codec_private=b"")


def h264_format(access_unit: bytes) -> VideoFormat:
    """Read picture size and decoder configuration from an Annex-B access unit (ISO/IEC 14496-15, 5.3.3.1).

    Raises:
        BitstreamError: no sequence or picture parameter set in it.
    """
    nals = split_annexb(access_unit)
    sps = [nal for nal in nals if nal[0] & 0x1F == _NAL_SPS and len(nal) >= 4]
    pps = [nal for nal in nals if nal[0] & 0x1F == _NAL_PPS]
    if not sps or not pps:
        raise BitstreamError("the H.264 key frame carries no parameter sets")
    width, height = _sps_size(sps[0])
    record = bytes((1, sps[0][1], sps[0][2], sps[0][3], 0xFC | 3, 0xE0 | 1))
    record += len(sps[0]).to_bytes(2, "big") + sps[0] + b"\x01" + len(pps[0]).to_bytes(2, "big") + pps[0]
    return VideoFormat(width=width, height=height, codec_private=record)


def split_annexb(access_unit: bytes) -> list[bytes]:
    """Return the NAL units between start codes, none of them empty."""
    return [nal for nal in _START_CODE.split(access_unit)[1:] if nal]


def to_length_prefixed(access_unit: bytes) -> bytes:
    """Return an Annex-B access unit with four-byte lengths instead of start codes, payload untouched."""
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in split_annexb(access_unit))


class _Bits:
    """Exp-Golomb reader over a raw byte sequence payload (ITU-T H.264, 9.1)."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def u(self, n_bits: int) -> int:
        self._left -= n_bits
        if self._left < 0:
            raise BitstreamError("the H.264 sequence parameter set is cut short")
        return (self._value >> self._left) & ((1 << n_bits) - 1)

    def ue(self) -> int:
        zeros = 0
        while not self.u(1):
            zeros += 1
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)


_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


def _sps_size(nal: bytes) -> tuple[int, int]:
    """Return width and height of a sequence parameter set (ITU-T H.264, 7.3.2.1.1)."""
    bits = _Bits(nal[1:].replace(b"\x00\x00\x03", b"\x00\x00"))
    profile = bits.u(8)
    bits.u(16)  # constraint flags and level
    bits.ue()  # seq_parameter_set_id
    chroma = _skip_high_profile(bits) if profile in _HIGH_PROFILES else 1
    bits.ue()  # log2_max_frame_num_minus4
    _skip_picture_order(bits)
    bits.ue()  # max_num_ref_frames
    bits.u(1)  # gaps_in_frame_num_value_allowed_flag
    width = 16 * (bits.ue() + 1)
    map_units = bits.ue() + 1
    frame_mbs_only = bits.u(1)
    height = 16 * map_units * (2 - frame_mbs_only)
    if not frame_mbs_only:
        bits.u(1)  # mb_adaptive_frame_field_flag
    bits.u(1)  # direct_8x8_inference_flag
    if bits.u(1):
        left, right, top, bottom = (bits.ue() for _ in range(4))
        step_x = 2 if chroma in (1, 2) else 1
        step_y = (2 if chroma == 1 else 1) * (2 - frame_mbs_only)
        width -= step_x * (left + right)
        height -= step_y * (top + bottom)
    return width, height


def _skip_high_profile(bits: _Bits) -> int:
    """Step over what only the high profiles have and return chroma_format_idc."""
    chroma = bits.ue()
    if chroma == 3:
        bits.u(1)  # separate_colour_plane_flag
    bits.ue()  # bit_depth_luma_minus8
    bits.ue()  # bit_depth_chroma_minus8
    bits.u(1)  # qpprime_y_zero_transform_bypass_flag
    if bits.u(1):
        for i_list in range(8 if chroma != 3 else 12):
            if bits.u(1):
                _skip_scaling_list(bits, 16 if i_list < 6 else 64)
    return chroma


def _skip_scaling_list(bits: _Bits, n_values: int) -> None:
    last = following = 8
    for _ in range(n_values):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _skip_picture_order(bits: _Bits) -> None:
    kind = bits.ue()
    if kind == 0:
        bits.ue()  # log2_max_pic_order_cnt_lsb_minus4
    elif kind == 1:
        bits.u(1)  # delta_pic_order_always_zero_flag
        bits.se()  # offset_for_non_ref_pic
        bits.se()  # offset_for_top_to_bottom_field
        for _ in range(bits.ue()):
            bits.se()
