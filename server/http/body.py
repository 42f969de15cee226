"""Reading what a request carries: everything that takes a body takes it from here, as text, with limits.

Bodies are UTF-8 and uncompressed; forms are URL-encoded. Nothing we serve sends anything else, and decoders of other
charsets, compressed parts and uploaded files are ways to make a server work for nothing.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import web

from server.errors import BadRequest, TooLarge, TooSlow, UnsupportedMedia
from server.sessions.fields import storable

MAX_BODY_BYTES = 256 * 1024
"""Largest body of any request; an SDP offer is the largest honest one (5 to 30 KiB)."""

BODY_TIMEOUT_S = 20.0
"""So long a body may take to come."""

FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 100

_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A posted form."""

    fields: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return a field as typed; a missing one is empty."""
        return self.fields.get(name, "")

    @classmethod
    def empty(cls) -> "Form":
        """Return a form nobody has filled in yet."""
        return cls(fields={})


_FORM: web.RequestKey[Form] = web.RequestKey("form")


async def read_form(request: web.Request) -> Form:
    """Return the posted form, however often it is asked for; a body that is no form reads as an empty one.

    Raises:
        UnsupportedMedia: a form with uploads; raises as ``read_text`` besides.
    """
    if _FORM not in request:
        request[_FORM] = await _read_form(request)
    return request[_FORM]


async def _read_form(request: web.Request) -> Form:
    if request.content_type == "multipart/form-data":
        raise UnsupportedMedia(f"Send forms as {FORM_TYPE}.")
    if request.content_type != FORM_TYPE:
        return Form.empty()
    body = await read_text(request)
    try:
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise BadRequest("The form cannot be read.") from None
    return Form(fields={name: storable(value) for name, value in reversed(pairs)})  # the first of a name counts


async def read_text(request: web.Request, *, max_bytes: int = MAX_BODY_BYTES) -> str:
    """Return the body.

    Raises:
        UnsupportedMedia: compressed, or not UTF-8 by its own account.
        TooLarge: more than ``max_bytes``.
        TooSlow: it did not come in time.
        BadRequest: it is not UTF-8.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMedia("Send the body uncompressed.")
    if (request.charset or "utf-8").lower() not in _CHARSETS:
        raise UnsupportedMedia("Send the body as UTF-8.")
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return (await _read(request, max_bytes)).decode()
    except TimeoutError:
        raise TooSlow("The request took too long to arrive.") from None
    except (UnicodeDecodeError, web.RequestPayloadError):
        raise BadRequest("The body cannot be read.") from None


async def _read(request: web.Request, max_bytes: int) -> bytes:
    too_large = TooLarge(f"This request may hold at most {max_bytes} bytes.")
    if (request.content_length or 0) > max_bytes:
        raise too_large
    body = bytearray()
    async for chunk in request.content.iter_chunked(max_bytes):
        body += chunk
        if len(body) > max_bytes:
            raise too_large
    return bytes(body)
