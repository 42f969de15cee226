"""Which of this machine's addresses are offered for media, and as which others are told them."""

import fnmatch
import ipaddress
from collections.abc import Sequence

import ifaddr

from server.config import Config
from server.network import PublicAddress
from server.rtc.aiortc_private import host_addresses


def local_addresses(config: Config) -> list[str]:
    """Return the local addresses on which media sockets are opened; those of now, interfaces come and go."""
    if config.ice_addresses:
        return list(config.ice_addresses)
    addresses = host_addresses()
    if config.is_local:
        addresses.append("::1" if config.host == "::1" else "127.0.0.1")
    if not config.ice_interfaces:
        return addresses
    wanted = [name for name in config.ice_interfaces if not name.startswith("!")]
    unwanted = [name[1:] for name in config.ice_interfaces if name.startswith("!")]
    chosen = []
    for name, address in interface_addresses():
        if _matches(name, unwanted):
            continue
        # Loopback is of use to this machine alone, so it has to be named itself: a pattern is not meant for it.
        is_known = address in addresses or name in wanted
        if is_known and (not wanted or _matches(name, wanted)):
            chosen.append(address)
    return chosen


def interface_addresses() -> list[tuple[str, str]]:
    """Return name of the interface and address for each address of this machine, loopback too, link-local not."""
    found = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            if isinstance(ip.ip, str):
                found.append((adapter.name, ip.ip))
            elif ip.ip[2] == 0:  # no scope
                found.append((adapter.name, ip.ip[0]))
    return found


def advertised_address(public: Sequence[PublicAddress], local: str) -> str:
    """Return the address that others are told for a local one.

    Args:
        public: the setting; an entry for this very address wins over one for the whole family.
        local: a local address.
    """
    for entry in public:
        if entry.local is not None and ipaddress.ip_address(entry.local) == ipaddress.ip_address(local):
            return entry.public
    mine = ipaddress.ip_address(local)
    for entry in public:
        same_family = ipaddress.ip_address(entry.public).version == mine.version
        if entry.local is None and same_family and not mine.is_loopback:
            return entry.public
    return local


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
