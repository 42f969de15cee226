"""Settings of the network as values: ICE servers, addresses, ports, interfaces; how their text is read.

Each parser raises ``ValueError`` with a sentence that says what is allowed; ``config.py`` adds the setting's name.
"""

import ipaddress
import json
import re
from dataclasses import dataclass, field
from typing import Any

_TURN_URL = re.compile(r"(turns?):(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?")
"""RFC 7065, without what no browser takes."""
_INTERFACE = re.compile(r"!?[A-Za-z0-9._:@*?-]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IceServer:
    """A STUN or TURN server that browsers and we are told to use."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAddress:
    """The address by which others reach one of ours, through a one-to-one NAT that keeps the port."""

    public: str
    local: str | None
    """None: every local address of the same family that is not loopback."""


def addresses(text: str) -> tuple[str, ...]:
    """Read IP addresses, comma separated."""
    names = _words(text)
    for name in names:
        ipaddress.ip_address(name)
    return names


def public_addresses(text: str) -> tuple[PublicAddress, ...]:
    """Read ``203.0.113.7`` or ``203.0.113.7/10.0.0.5`` (public/local), comma separated."""
    entries = []
    for word in _words(text):
        public, slash, local = word.partition("/")
        try:
            families = {ipaddress.ip_address(name).version for name in ((public, local) if slash else (public,))}
        except ValueError:
            raise ValueError(f"{word!r} must look like 203.0.113.7 or 203.0.113.7/10.0.0.5 (public/local)") from None
        if len(families) > 1:
            raise ValueError(f"{word!r} mixes IPv4 and IPv6")
        entries.append(PublicAddress(public=public, local=local if slash else None))
    whose = [entry.local or f"IPv{ipaddress.ip_address(entry.public).version}" for entry in entries]
    if len(set(whose)) < len(whose):
        raise ValueError("a local address has one public address; with several, write public/local for each")
    return tuple(entries)


def interfaces(text: str) -> tuple[str, ...]:
    """Read names of network interfaces, comma separated; ``*`` and ``?`` match, a leading ``!`` leaves out."""
    names = _words(text)
    for name in names:
        if not _INTERFACE.fullmatch(name):
            raise ValueError(f"{name!r} must be a name of a network interface, like eth0 or !docker*")
    return names


def port(text: str) -> int:
    """Read a port number; 0 lets the system choose."""
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError("a port is between 0 and 65535")
    return number


def port_range(text: str) -> tuple[int, int] | None:
    """Read ``40000-40100``."""
    if not text:
        return None
    low, separator, high = text.partition("-")
    ports = (port(low), port(high)) if separator else (0, 0)
    if not 1024 <= ports[0] < ports[1]:
        raise ValueError("must look like 40000-40100")
    return ports


def ice_servers(text: str) -> tuple[IceServer, ...]:
    """Read a JSON list of RTCIceServer entries with fixed credentials."""
    if not text:
        return ()
    entries = json.loads(text)
    if not isinstance(entries, list):
        raise ValueError("must be a JSON list of {urls, username, credential}")
    return tuple(_ice_server(entry) for entry in entries)


def _ice_server(entry: Any) -> IceServer:
    if not isinstance(entry, dict) or "urls" not in entry or set(entry) - {"urls", "username", "credential"}:
        raise ValueError("each ICE server is {urls, username, credential}")
    urls = entry["urls"]
    names = (urls,) if isinstance(urls, str) else tuple(urls)
    for name in names:
        if not isinstance(name, str) or name.partition(":")[0] not in ("stun", "stuns", "turn", "turns"):
            raise ValueError("an ICE server URL starts with stun:, stuns:, turn: or turns:")
    username, credential = entry.get("username"), entry.get("credential")
    if not all(word is None or isinstance(word, str) for word in (username, credential)):
        raise ValueError("an ICE server's username and credential are text")
    return IceServer(urls=names, username=username, credential=credential)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnUrl:
    """The parts of a TURN URL (RFC 7065)."""

    host: str
    port: int
    transport: str
    """``udp`` or ``tcp``."""
    is_tls: bool

    @classmethod
    def parse(cls, url: str) -> "TurnUrl":
        """Read a URL; ValueError says what is wrong with it."""
        match = _TURN_URL.fullmatch(url)
        if match is None:
            raise ValueError(f"{url!r} must look like turn:turn.example.org:3478?transport=udp")
        is_tls = match[1] == "turns"
        number = port(match[3]) if match[3] else (5349 if is_tls else 3478)
        transport = match[4] or ("tcp" if is_tls else "udp")
        if is_tls and transport == "udp":
            raise ValueError(f"{url!r}: browsers speak turns: over tcp only")
        return cls(host=match[2].strip("[]"), port=number, transport=transport, is_tls=is_tls)


def turn_urls(text: str) -> tuple[str, ...]:
    """Read ``turn:`` and ``turns:`` URLs, comma separated."""
    urls = _words(text)
    for url in urls:
        TurnUrl.parse(url)
    return urls


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
