"""The VP8 payload descriptor (RFC 7741 section 4.2): reads temporal layers, renumbers pictures."""

from typing import NamedTuple


class Descriptor(NamedTuple):
    """What the descriptor says about the picture that a packet belongs to."""

    starts_picture: bool
    """First packet of the picture: S set, partition 0."""
    picture_id: int | None
    has_long_id: bool
    """The picture id has 15 bits, not 7."""
    base_index: int | None
    """TL0PICIDX: counts pictures of the base layer, 8 bits."""
    layer: int | None
    """Temporal layer, 0 to 3; None without layers."""
    is_switching_point: bool
    """Y: refers to the base layer alone, so one may begin here to send this layer."""


NO_DESCRIPTOR = Descriptor(
    starts_picture=False, picture_id=None, has_long_id=False, base_index=None, layer=None, is_switching_point=False
)


def parse_descriptor(payload: bytes) -> Descriptor:
    """Read the descriptor; one that is cut short or empty says nothing."""
    if not payload:
        return NO_DESCRIPTOR
    starts_picture = payload[0] & 0x1F == 0x10
    if not payload[0] & 0x80:
        return NO_DESCRIPTOR._replace(starts_picture=starts_picture)
    try:
        return _extended(payload, starts_picture=starts_picture)
    except IndexError:
        return NO_DESCRIPTOR


def _extended(payload: bytes, *, starts_picture: bool) -> Descriptor:
    flags = payload[1]
    position = 2
    picture_id = base_index = layer = None
    has_long_id = is_switching_point = False
    if flags & 0x80:
        has_long_id = payload[position] & 0x80 != 0
        picture_id = payload[position] & 0x7F
        position += 1
        if has_long_id:
            picture_id = picture_id << 8 | payload[position]
            position += 1
    if flags & 0x40:
        base_index = payload[position]
        position += 1
    if flags & 0x20:
        layer = payload[position] >> 6
        is_switching_point = payload[position] & 0x20 != 0
    return Descriptor(
        starts_picture=starts_picture,
        picture_id=picture_id,
        has_long_id=has_long_id,
        base_index=base_index,
        layer=layer,
        is_switching_point=is_switching_point,
    )


def renumbered(payload: bytes, *, picture_shift: int, base_shift: int) -> bytes:
    """Return the payload with so much added to its picture id and to its TL0PICIDX, where it has them."""
    descriptor = parse_descriptor(payload)
    changed = bytearray(payload)
    position = 2
    if descriptor.picture_id is not None:
        shifted = descriptor.picture_id + picture_shift
        if descriptor.has_long_id:
            changed[2:4] = (0x8000 | shifted & 0x7FFF).to_bytes(2, "big")
            position = 4
        else:
            changed[2] = shifted & 0x7F
            position = 3
    if descriptor.base_index is not None:
        changed[position] = (descriptor.base_index + base_shift) & 0xFF
    return bytes(changed)
