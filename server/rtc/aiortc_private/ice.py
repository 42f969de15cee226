"""Which addresses and ports a connection uses."""

import asyncio
import random
import socket
from collections.abc import Sequence
from typing import Any

import aioice.ice
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aiortc import RTCPeerConnection
from aiortc.rtcicetransport import RTCIceGatherer

NAMES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (RTCIceGatherer, ("_connection",)),
    (aioice.ice.Connection, ("_nominated", "_protocols", "get_component_candidates", "stun_server")),
    (aioice.ice.StunProtocol, ("connection_made",)),
)
FUNCTIONS = ("get_host_addresses", "server_reflexive_candidate")
"""Functions of the module aioice.ice that are used."""

UDP_BUFFER_BYTES = 262_144
"""Receive buffer of each UDP socket, the value aioice itself uses."""


def host_addresses() -> list[str]:
    """Return this machine's addresses as aioice finds them; loopback is not among them."""
    return list(aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True))


def bind_candidates(connection: RTCPeerConnection, addresses: Sequence[str], ports: tuple[int, int] | None) -> None:
    """Make the connection offer these local addresses, with UDP ports from a range.

    Args:
        connection: has its transceivers but has not gathered candidates yet.
        addresses: local IP addresses.
        ports: first and last UDP port; None lets the system choose.
    """
    gatherers = {id(g): g for t in connection.getTransceivers() for g in [t.receiver.transport.transport.iceGatherer]}
    for gatherer in gatherers.values():
        ice: Any = gatherer._connection
        ice.get_component_candidates = _Gathering(ice, addresses, ports).gather


class _Gathering:
    """Gathers candidates for one aioice connection on chosen addresses and ports."""

    def __init__(self, ice: Any, addresses: Sequence[str], ports: tuple[int, int] | None) -> None:
        self._ice = ice
        self._addresses = addresses
        self._ports = ports
        self._original = ice.get_component_candidates

    async def gather(self, component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        """Stand in for aioice's ``get_component_candidates``; without our own addresses it still asks TURN."""
        protocols = [p for address in self._addresses if (p := await self._bind(address, component)) is not None]
        self._ice._protocols += protocols
        candidates = [protocol.local_candidate for protocol in protocols]
        queries = [asyncio.ensure_future(self._original(component=component, addresses=[], timeout=timeout))]
        if self._ice.stun_server:
            queries += [asyncio.ensure_future(self._ask_stun(protocol)) for protocol in protocols if _is_ipv4(protocol)]
        done, pending = await asyncio.wait(queries, timeout=timeout + 1)
        for task in pending:
            task.cancel()
        for task in done:
            if task.exception() is None:
                candidates += task.result()
        return candidates

    async def _ask_stun(self, protocol: Any) -> list[Candidate]:
        candidate, _ = await aioice.ice.server_reflexive_candidate(protocol, self._ice.stun_server)
        return [candidate]

    async def _bind(self, address: str, component: int) -> Any:
        """Return a bound STUN protocol with its host candidate, None if no port of the range is free."""
        loop = asyncio.get_running_loop()
        for port in self._candidate_ports():
            try:
                transport, protocol = await loop.create_datagram_endpoint(
                    lambda: aioice.ice.StunProtocol(self._ice), local_addr=(address, port)
                )
            except OSError:
                continue
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UDP_BUFFER_BYTES)
            host, bound = transport.get_extra_info("sockname")[:2]
            protocol.local_candidate = Candidate(
                foundation=candidate_foundation("host", "udp", host),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host"),
                host=host,
                port=bound,
                type="host",
            )
            return protocol
        return None

    def _candidate_ports(self) -> list[int]:
        if self._ports is None:
            return [0]
        first, last = self._ports
        # A random start spreads connections over the range instead of reusing the port just closed.
        count = last - first + 1
        start = random.randrange(count)
        return [first + (start + i) % count for i in range(count)]


def _is_ipv4(protocol: Any) -> bool:
    return "." in protocol.local_candidate.host
