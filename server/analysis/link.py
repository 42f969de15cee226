"""Framing of the link between the server and a worker process: version, length, msgpack body.

The link is a Unix socket pair that nothing else writes to, so that what C libraries print cannot damage it. Each frame
is one byte of version, four bytes of big-endian body length, and the body. A frame of another version or over
``MAX_BODY_BYTES`` is a :class:`LinkError`: the reader gives the link up, since it cannot find the next frame.
"""

import struct
from collections.abc import Iterator
from typing import Any

import msgpack

VERSION = 2
"""Raised with every change of the messages' shape."""

MAX_BODY_BYTES = 8 * 1024 * 1024
"""Largest body: a key frame of a 1080p camera stays far below."""

_HEADER = struct.Struct(">BI")


class LinkError(ValueError):
    """The bytes on the link are not what the other side of this version writes."""


def pack(body: list[Any]) -> bytes:
    """Return the frame of one message body.

    Raises:
        LinkError: the body is too large to be sent.
    """
    data: bytes = msgpack.packb(body, use_bin_type=True)
    if len(data) > MAX_BODY_BYTES:
        raise LinkError(f"message of {len(data)} bytes, allowed are {MAX_BODY_BYTES}")
    return _HEADER.pack(VERSION, len(data)) + data


class Unpacker:
    """Cuts a byte stream into message bodies; holds at most one unfinished frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[list[Any]]:
        """Take bytes as they came and yield the bodies that they complete.

        Raises:
            LinkError: another version, too large a frame, or a body that is not a msgpack list.
        """
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            version, length = _HEADER.unpack_from(self._buffer)
            if version != VERSION:
                raise LinkError(f"link version {version}, expected {VERSION}")
            if length > MAX_BODY_BYTES:
                raise LinkError(f"message of {length} bytes, allowed are {MAX_BODY_BYTES}")
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            yield _unpack_body(body)


def _unpack_body(body: bytes) -> list[Any]:
    try:
        message = msgpack.unpackb(body, raw=False)
    except (ValueError, msgpack.exceptions.UnpackException) as exc:
        raise LinkError("body is not msgpack") from exc
    if not isinstance(message, list) or not message:
        raise LinkError("body is not a message")
    return message
