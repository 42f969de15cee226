"""EBML, the binary notation of Matroska: element ids, sizes, values.

Source: RFC 8794 (EBML) and RFC 9559 (Matroska).
"""

import struct

UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
"""Size of an element that ends where a sibling or its parent's sibling begins (RFC 8794, section 6.2)."""


def element(element_id: int, payload: bytes) -> bytes:
    """Return one element with its size."""
    return element_start(element_id) + size(len(payload)) + payload


def element_start(element_id: int) -> bytes:
    """Return the id alone; ids carry their own length marker."""
    return element_id.to_bytes((element_id.bit_length() + 7) // 8, "big")


def size(n_bytes: int) -> bytes:
    """Return a size in as few bytes as it takes (RFC 8794, section 4)."""
    for width in range(1, 9):
        if n_bytes < (1 << (7 * width)) - 1:
            return ((1 << (7 * width)) | n_bytes).to_bytes(width, "big")
    raise ValueError(f"an EBML size is below 2^56 - 1, not {n_bytes}")


def unsigned(element_id: int, value: int) -> bytes:
    """Return an element with an unsigned integer."""
    return element(element_id, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def double(element_id: int, value: float) -> bytes:
    """Return an element with a 64-bit float."""
    return element(element_id, struct.pack(">d", value))


def text(element_id: int, value: str) -> bytes:
    """Return an element with a UTF-8 string."""
    return element(element_id, value.encode())
