import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.rtc.packets import vp8_header_size
from server.rtc.vp8 import NO_DESCRIPTOR, parse_descriptor, renumbered
from tests.fakes.layered import payload


def test_a_descriptor_of_chromium_is_read():
    read = parse_descriptor(payload(picture_id=25_741, base_index=13, layer=2, is_sync=True, starts=True, is_key=False))
    assert read.starts_picture
    assert (read.picture_id, read.has_long_id, read.base_index) == (25_741, True, 13)
    assert (read.layer, read.is_switching_point) == (2, True)


@pytest.mark.parametrize(
    ("data", "picture_id", "base_index", "layer"),
    [
        (bytes([0x90, 0x80, 0x11, 0x01]), 0x11, None, None),
        (bytes([0x90, 0x40, 0x07, 0x01]), None, 7, None),
        (bytes([0x90, 0x20, 0x80, 0x01]), None, None, 2),
        (bytes([0x90, 0xE0, 0x11, 0x07, 0x40, 0x01]), 0x11, 7, 1),
        (bytes([0x90, 0x90, 0x11, 0x05, 0x01]), 0x11, None, None),  # K: key index alone
        (bytes([0x10, 0x01]), None, None, None),
    ],
)
def test_every_part_may_be_missing(data, picture_id, base_index, layer):
    read = parse_descriptor(data)
    assert (read.picture_id, read.base_index, read.layer) == (picture_id, base_index, layer)
    assert read.starts_picture


@pytest.mark.parametrize("data", [b"", b"\x90", b"\x90\xe0", b"\x90\x80\x80", b"\x90\xe0\x80\x01\x05"])
def test_one_that_is_cut_short_says_nothing(data):
    assert parse_descriptor(data) == NO_DESCRIPTOR


def test_numbers_are_shifted_and_wrap_and_nothing_else_changes():
    data = payload(picture_id=0x7FFF, base_index=0, layer=1, is_sync=False, starts=False, is_key=False)
    changed = renumbered(data, picture_shift=1, base_shift=-1)
    read = parse_descriptor(changed)
    assert (read.picture_id, read.base_index, read.layer, read.starts_picture) == (0, 255, 1, False)
    assert changed[5:] == data[5:]
    short = bytes([0x90, 0xC0, 0x00, 0xFF, 0x01])
    assert renumbered(short, picture_shift=-1, base_shift=1) == bytes([0x90, 0xC0, 0x7F, 0x00, 0x01])


@given(st.binary(max_size=12), st.integers(-40_000, 40_000), st.integers(-300, 300))
def test_any_bytes_are_harmless_and_can_be_shifted_back(data, picture_shift, base_shift):
    changed = renumbered(data, picture_shift=picture_shift, base_shift=base_shift)
    assert len(changed) == len(data)
    assert renumbered(changed, picture_shift=-picture_shift, base_shift=-base_shift) == data
    if data and parse_descriptor(data) != NO_DESCRIPTOR:
        header = vp8_header_size(data)
        assert changed[header:] == data[header:]
