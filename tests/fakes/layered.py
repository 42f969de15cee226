"""A VP8 stream with three temporal layers, with the descriptors that Chromium writes for L1T3."""

from server.rtc.vp8 import parse_descriptor
from tests.fakes.rtc_packets import packet

PATTERN = ((0, False), (2, True), (1, True), (2, False), (0, False), (2, False), (1, False), (2, False))
"""Layer and Y bit, as recorded from Chromium 156; the first picture of all is a key frame."""


def payload(*, picture_id, base_index, layer, is_sync, starts, is_key, fill=b"x" * 40):
    """One payload: descriptor with 15-bit picture id, TL0PICIDX and TID, then the first byte of the frame."""
    head = bytes([0x80 | (0x10 if starts else 0), 0x80 | 0x40 | 0x20])
    head += (0x8000 | picture_id & 0x7FFF).to_bytes(2, "big") + bytes([base_index & 0xFF])
    head += bytes([layer << 6 | (0x20 if is_sync else 0)])
    return head + bytes([0 if is_key else 1]) + fill


def layered(n_pictures, *, per_picture=2, first_seq=500, first_id=32_760, first_base=250, keys=(0,), epoch=1):
    """Return the packets of so many pictures at 30 per second."""
    packets = []
    base = first_base - 1
    phase = 0
    for n in range(n_pictures):
        is_key = n in keys
        if is_key:
            phase = 0
        layer, is_sync = PATTERN[phase % len(PATTERN)]
        phase += 1
        base += layer == 0
        for i in range(per_picture):
            data = payload(
                picture_id=first_id + n,
                base_index=base,
                layer=layer,
                is_sync=is_sync,
                starts=i == 0,
                is_key=is_key,
                fill=b"%d.%d" % (n, i),
            )
            packets.append(
                packet(
                    first_seq + n * per_picture + i,
                    payload=data,
                    timestamp=n * 3000,
                    marker=i == per_picture - 1,
                    epoch=epoch,
                    arrival_s=100 + n / 30,
                )
            )
    return packets


def picture_of(data):
    """Return (picture number in the source, part) that ``layered`` wrote behind the descriptor."""
    number, part = data[7:].split(b".")
    return int(number), int(part)


def layer_of(data):
    """Return the temporal layer of a payload."""
    return parse_descriptor(data).layer
