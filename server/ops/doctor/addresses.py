"""The addresses that browsers are told for media: are they ours, can they be the public ones."""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Sequence

from server.config import Config
from server.ops.doctor.findings import Finding, failed, ok, warning
from server.rtc.addresses import advertised_address, interface_addresses, local_addresses

CHECK = "media addresses"


async def check(config: Config) -> Sequence[Finding]:
    """Look at each local address that is offered and at the public one that stands for it."""
    return await asyncio.to_thread(_check, config)


def _check(config: Config) -> list[Finding]:
    local = local_addresses(config)
    if not local:
        names = ", ".join(sorted({name for name, _ in interface_addresses()}))
        fix = f"Let ice_interfaces name one that is up ({names}), or leave it empty."
        return [failed(CHECK, "there is none to offer", fix)]
    findings = [finding for address in local if (finding := _ours(address)) is not None]
    findings += [finding for entry in config.public_addresses if (finding := _public(entry.public)) is not None]
    findings += _unused(config, local)
    told = [advertised_address(config.public_addresses, address) for address in local]
    said = ", ".join(
        mine if mine == public else f"{public} for {mine}" for mine, public in zip(local, told, strict=True)
    )
    if not findings and not config.is_local and not _is_known_outside(config, told):
        fix = "If people come from the internet, set public_addresses (or a STUN server in ice_servers)."
        return [warning(CHECK, f"{said}: all private, people outside this network cannot reach them", fix)]
    return findings or [ok(CHECK, said)]


def _ours(address: str) -> Finding | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        if exc.errno == errno.EADDRNOTAVAIL:
            reason = "is not an address of this machine"
        have = ", ".join(sorted({found for _, found in interface_addresses()}))
        fix = f"Let ice_addresses name one of {have}; the address others see belongs into public_addresses."
        return failed(CHECK, f"{address} {reason}", fix)
    return None


def _public(text: str) -> Finding | None:
    address = ipaddress.ip_address(text)
    if address.is_unspecified or address.is_multicast or address.is_link_local:
        fix = "Let public_addresses hold the address under which people reach this machine."
        return failed(CHECK, f"{text} in public_addresses is no address that anybody can reach", fix)
    return None


def _unused(config: Config, local: Sequence[str]) -> list[Finding]:
    """Return what is wrong with entries for addresses that are not offered."""
    mine = {ipaddress.ip_address(address) for address in local}
    unused = [e.local for e in config.public_addresses if e.local and ipaddress.ip_address(e.local) not in mine]
    fix = f"Let the part behind the slash be one of {', '.join(local)}."
    return [failed(CHECK, f"public_addresses stands for {name}, which is not offered", fix) for name in unused]


def _is_known_outside(config: Config, told: Sequence[str]) -> bool:
    has_stun = any(url.startswith("stun") for server in config.ice_servers for url in server.urls)
    return has_stun or any(not ipaddress.ip_address(address).is_private for address in told)
