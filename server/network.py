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
_STUN_URL = re.compile(r"(stuns?):([A-Za-z0-9._-]+)(?::(\d{1,5}))?")
"""RFC 7064, without IPv6 addresses."""
_WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what is listened on
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


def url_host(host: str) -> str:
    """Return the host, as it stands in a URL, by which this machine reaches a server that listens on ``host``."""
    return _WILDCARDS.get(host, f"[{host}]" if ":" in host else host)


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
    names = [entry["urls"]] if isinstance(entry["urls"], str) else entry["urls"]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError("an ICE server's urls are a URL or a list of them")
    username, credential = entry.get("username"), entry.get("credential")
    if not all(word is None or isinstance(word, str) for word in (username, credential)):
        raise ValueError("an ICE server's username and credential are text")
    for name in names:
        _check_ice_url(name, has_credentials=bool(username and credential))
    return IceServer(urls=tuple(names), username=username, credential=credential)


def _check_ice_url(url: str, *, has_credentials: bool) -> None:
    """Refuse what aiortc cannot read or use: each call would fail of it. Quotes nothing, for it may hold a password."""
    scheme = url.partition(":")[0]
    if scheme in ("stun", "stuns"):
        StunUrl.parse(url)
    elif scheme in ("turn", "turns"):
        try:
            host = TurnUrl.parse(url).host
        except ValueError:
            raise ValueError("a TURN server's URL must look like turn:turn.example.org:3478?transport=udp") from None
        if ":" in host:
            raise ValueError("an ICE server has a name or an IPv4 address in its URL, no IPv6 address")
        if not has_credentials:
            raise ValueError("a TURN server needs username and credential (or turn_urls and turn_secret)")
    else:
        raise ValueError("an ICE server URL starts with stun:, stuns:, turn: or turns:")


@dataclass(frozen=True, slots=True, kw_only=True)
class StunUrl:
    """The parts of a STUN URL (RFC 7064)."""

    host: str
    port: int
    is_tls: bool

    @classmethod
    def parse(cls, url: str) -> "StunUrl":
        """Read a URL; ValueError says what is allowed."""
        match = _STUN_URL.fullmatch(url)
        if match is None:
            raise ValueError(
                "a STUN server's URL must look like stun:stun.example.org:3478, with nothing behind the port"
            )
        is_tls = match[1] == "stuns"
        return cls(host=match[2], port=_server_port(match[3], 5349 if is_tls else 3478), is_tls=is_tls)


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
            shown = "a URL" if "@" in url else repr(url)  # what stands before an @ may be a password
            raise ValueError(f"{shown} must look like turn:turn.example.org:3478?transport=udp")
        is_tls = match[1] == "turns"
        number = _server_port(match[3], 5349 if is_tls else 3478)
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


def _server_port(text: str | None, default: int) -> int:
    number = default if text is None else port(text)
    if number == 0:
        raise ValueError("a server's port is between 1 and 65535")
    return number


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
