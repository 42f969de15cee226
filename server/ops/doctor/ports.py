"""The TCP port of the pages and the UDP ports of the media."""

import asyncio
import errno
import socket
from collections.abc import Sequence

from server.config import Config
from server.ops.doctor.findings import Finding, failed, ok, warning
from server.ops.doctor.running import is_ours
from server.rtc.addresses import local_addresses

TCP, UDP = "TCP port", "UDP ports"

PORTS_PER_SESSION = 4
"""A connection uses one port; two people publish and watch each other."""


async def check_tcp(config: Config) -> Sequence[Finding]:
    """Take the port for a moment; when another holds it, ask whether that is this program."""
    if config.port == 0:
        return [ok(TCP, "any free one is taken")]
    where = f"{config.host}:{config.port}"
    try:
        (family, kind, _, _, address), *_ = await asyncio.get_running_loop().getaddrinfo(
            config.host or None, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE and await is_ours(config):
            return [ok(TCP, f"{where} is answered by this program, which is running")]
        return [failed(TCP, f"{where} {_reason(exc)}", _tcp_fix(config, exc))]
    return [ok(TCP, f"{where} is free")]


def _reason(exc: OSError) -> str:
    if exc.errno == errno.EADDRINUSE:
        return "is taken by another program"
    if exc.errno == errno.EACCES:
        return "may not be used by this user"
    return f"cannot be used: {exc.strerror or type(exc).__name__}"


def _tcp_fix(config: Config, exc: OSError) -> str:
    if exc.errno == errno.EADDRINUSE:
        return f"Stop what listens there (`ss -ltnp 'sport = :{config.port}'` names it), or choose another port."
    if exc.errno == errno.EACCES:
        return "Ports below 1024 need root or CAP_NET_BIND_SERVICE; or use a proxy in front and a higher port."
    return "Let host be an address of this machine, 0.0.0.0 for all of them, or 127.0.0.1."


async def check_udp(config: Config) -> Sequence[Finding]:
    """Take every port of the range for a moment, on each address."""
    if config.udp_ports is None:
        if config.is_local:
            return [ok(UDP, "any")]
        fix = "Set udp_ports, for instance 40000-40200, and open that range in the firewall."
        return [warning(UDP, "any port may be used, so a firewall would have to let all of them in", fix)]
    return [await asyncio.to_thread(_check_range, config, *config.udp_ports)]


def _check_range(config: Config, first: int, last: int) -> Finding:
    size, needed = last - first + 1, PORTS_PER_SESSION * config.max_sessions
    said = f"{first}-{last}"
    counts = [_count_free(address, first, last) for address in local_addresses(config)]
    n_free = min((count for count in counts if count is not None), default=None)
    if n_free is None:  # no address can be used at all, which another check says
        return ok(UDP, said)
    if n_free < PORTS_PER_SESSION:
        fix = f"Stop what uses them (`ss -lunp` names it) or choose another range; {needed} would do for all sessions."
        return failed(UDP, f"{said}: {n_free} of {size} are free, a call needs {PORTS_PER_SESSION}", fix)
    if size < needed:
        fix = f"Widen udp_ports to {first}-{first + needed - 1} (and the firewall), or lower max_sessions."
        return warning(UDP, f"{said}: {size} ports, {config.max_sessions} sessions may need {needed}", fix)
    return ok(UDP, f"{said}: {n_free} of {size} are free")


def _count_free(address: str, first: int, last: int) -> int | None:
    """Return how many ports of the range are free on an address; None when the address is not ours."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    n_free = 0
    for port in range(first, last + 1):
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address, port))
                n_free += 1
            except OSError as exc:
                if exc.errno == errno.EADDRNOTAVAIL:
                    return None
    return n_free
