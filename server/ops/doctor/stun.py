"""The STUN servers of ``ice_servers``: do they answer, and which address do they see."""

import asyncio
import contextlib
from collections.abc import Sequence

from aioice import stun

from server.config import Config
from server.network import StunUrl
from server.ops.doctor.findings import Finding, failed, ok, warning
from server.ops.doctor.network import Datagrams, UnknownHost, resolve

CHECK = "STUN"
RESEND_S = (0.5, 1.0, 1.5)
"""How long to wait after each request; 3 s in all."""


async def check(config: Config) -> Sequence[Finding]:
    """Ask each STUN server for our address as it sees it."""
    urls = [url for server in config.ice_servers for url in server.urls if url.startswith("stun")]
    return [finding for url in urls for finding in await _ask(config, url)]


async def _ask(config: Config, url: str) -> list[Finding]:
    server = StunUrl.parse(url)
    if server.is_tls:
        return [warning(CHECK, f"{url} is not asked: only stun: over UDP is", "Use a stun: URL with host and port.")]
    fix = "Correct the STUN server in ice_servers, or let UDP to it out of the firewall."
    try:
        seen = await _mapped_address(*await resolve(server.host, server.port))
    except UnknownHost as exc:
        return [failed(CHECK, f"{url}: {exc}", fix)]
    except OSError as exc:
        return [failed(CHECK, f"{url} cannot be reached: {exc.strerror}", fix)]
    if seen is None:
        return [failed(CHECK, f"{url} did not answer within {sum(RESEND_S):g} s", fix)]
    told = {entry.public for entry in config.public_addresses}
    if told and seen not in told:
        fix = "Correct public_addresses, unless the machine has several ways to the internet."
        return [warning(CHECK, f"{url} sees {seen}, which is not among public_addresses", fix)]
    return [ok(CHECK, f"{url} answers; it sees {seen}")]


async def _mapped_address(host: str, port: int) -> str | None:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Datagrams, remote_addr=(host, port))
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    try:
        for wait_s in RESEND_S:
            transport.sendto(bytes(request))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    while True:
                        seen = _read(await protocol.received.get(), request)
                        if seen is not None:
                            return seen
        return None
    finally:
        transport.close()


def _read(data: bytes, request: stun.Message) -> str | None:
    try:
        message = stun.parse_message(data)
    except ValueError:
        return None
    if message.transaction_id != request.transaction_id or message.message_class != stun.Class.RESPONSE:
        return None
    mapped = message.attributes.get("XOR-MAPPED-ADDRESS") or message.attributes.get("MAPPED-ADDRESS")
    return None if mapped is None else str(mapped[0])
