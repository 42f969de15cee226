"""The TURN servers: do they give a relay for our credentials, and does the relay reach us."""

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aioice import stun
from aioice.turn import TurnTransport, create_turn_endpoint

from server.config import Config
from server.network import IceServer, TurnUrl
from server.ops.doctor.findings import Finding, failed, ok, warning
from server.ops.doctor.network import Datagrams, UnknownHost, resolve
from server.rtc.addresses import advertised_address, local_addresses
from server.rtc.turn import ice_servers_for

CHECK = "TURN"
ALLOCATE_TIMEOUT_S = 5.0
REACH_TIMEOUT_S = 2.0
CLOSE_TIMEOUT_S = 1.0
_PROBE_EVERY_S = 0.25

_REACHABLE = "Check host, port and transport of the URL, that the TURN server runs, and the firewalls between."


async def check(config: Config, now: Callable[[], datetime]) -> Sequence[Finding]:
    """Ask each TURN server for a relay, as a browser that joins would, and send something through it to ourselves."""
    servers = ice_servers_for(config, "doctor", now())
    pairs = [(url, server) for server in servers for url in server.urls if url.startswith("turn")]
    has_secret = set(config.turn_urls)
    return await asyncio.gather(*(_try(config, url, server, is_ours=url in has_secret) for url, server in pairs))


async def _try(config: Config, url: str, server: IceServer, *, is_ours: bool) -> Finding:
    try:
        parts = TurnUrl.parse(url)
    except ValueError as exc:
        return failed(CHECK, str(exc), "Correct the URL.")
    try:
        address = await resolve(parts.host, parts.port)
        # The name is needed to check the certificate; without TLS the address spares a second look-up.
        target = (parts.host, parts.port) if parts.is_tls else address
        async with asyncio.timeout(ALLOCATE_TIMEOUT_S):
            relay, receiver = await create_turn_endpoint(
                Datagrams,
                server_addr=target,
                username=server.username,
                password=server.credential,
                ssl=ssl.create_default_context() if parts.is_tls else None,
                transport=parts.transport,
            )
    except UnknownHost as exc:
        return failed(CHECK, f"{url}: {exc}", _REACHABLE)
    except stun.TransactionFailed as exc:
        return _refusal(url, exc, is_ours=is_ours)
    except ssl.SSLError as exc:
        fix = "Give the TURN server a valid certificate for this name (coturn: cert and pkey)."
        return failed(CHECK, f"{url} has no TLS certificate that can be trusted ({exc.reason})", fix)
    except (TimeoutError, stun.TransactionTimeout):
        return failed(CHECK, f"{url} did not answer within {ALLOCATE_TIMEOUT_S:g} s", _REACHABLE)
    except OSError as exc:
        return failed(CHECK, f"{url} cannot be reached: {exc.strerror or type(exc).__name__}", _REACHABLE)
    try:
        return await _reach(config, url, relay)
    finally:
        relay.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(receiver.is_closed.wait(), CLOSE_TIMEOUT_S)


def _refusal(url: str, exc: stun.TransactionFailed, *, is_ours: bool) -> Finding:
    code, reason = exc.response.error_code, str(exc.response.attributes.get("ERROR-CODE", (0, ""))[1])
    if code in (401, 403):
        fix = "Correct username and credential in ice_servers."
        if is_ours:
            fix = (
                "Let turn_secret equal the TURN server's (coturn: use-auth-secret and static-auth-secret), "
                "and set the clocks of both machines."
            )
        return failed(CHECK, f"{url} refuses our credentials ({code} {reason})", fix)
    fix = "Look at the TURN server's log; 486 and 508 mean that its quota or its relay ports are used up."
    return failed(CHECK, f"{url} gives no relay ({code} {reason})", fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """A socket of ours that the relay should reach."""

    told: tuple[str, int]
    transport: asyncio.DatagramTransport
    protocol: Datagrams


async def _reach(config: Config, url: str, relay: TurnTransport) -> Finding:
    """Send through the relay to an address as we would offer it, until something arrives."""
    relayed = relay.get_extra_info("sockname")
    given = f"{url} gives a relay ({relayed[0]}:{relayed[1]})"
    targets = await _open_targets(config, is_ipv6=":" in relayed[0])
    if not targets:
        return ok(CHECK, f"{given}; it has no address family in common with ours to be tried on")
    token = secrets.token_bytes(16)
    try:
        reached = await _first_reached(relay, targets, token)
    finally:
        for target in targets:
            target.transport.close()
    if reached is not None:
        return ok(CHECK, f"{given} and reaches us at {reached}")
    told = ", ".join(sorted({target.told[0] for target in targets}))
    fix = (
        "Let the TURN server send UDP to the media ports of this machine: firewall, coturn's denied-peer-ip "
        "(and allow-loopback-peers on one machine), public_addresses."
    )
    return warning(CHECK, f"{given}, but nothing sent through it arrives at {told}", fix)


async def _first_reached(relay: TurnTransport, targets: Sequence[_Target], token: bytes) -> str | None:
    loop = asyncio.get_running_loop()
    end_s = loop.time() + REACH_TIMEOUT_S
    while loop.time() < end_s:
        for target in targets:
            relay.sendto(token, target.told)
        await asyncio.sleep(_PROBE_EVERY_S)
        for target in targets:
            while not target.protocol.received.empty():
                if target.protocol.received.get_nowait() == token:
                    return target.told[0]
    return None


async def _open_targets(config: Config, *, is_ipv6: bool) -> list[_Target]:
    loop = asyncio.get_running_loop()
    addresses = [address for address in local_addresses(config) if (":" in address) is is_ipv6]
    outside = [address for address in addresses if not address.startswith("127.") and address != "::1"]
    targets = []
    for address in outside or addresses:
        first, last = config.udp_ports or (0, 0)
        for port in range(first, last + 1):
            with contextlib.suppress(OSError):
                transport, protocol = await loop.create_datagram_endpoint(Datagrams, local_addr=(address, port))
                told = advertised_address(config.public_addresses, address)
                bound = transport.get_extra_info("sockname")[1]
                targets.append(_Target(told=(told, bound), transport=transport, protocol=protocol))
                break
    return targets
