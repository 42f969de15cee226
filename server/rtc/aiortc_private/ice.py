"""Which addresses and ports a connection uses."""

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable, Sequence
from typing import Any

import aioice.ice
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aiortc import RTCPeerConnection
from aiortc.rtcicetransport import RTCIceGatherer

NAMES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (RTCIceGatherer, ("_connection",)),
    (aioice.ice.Connection, ("_protocols", "_transport_policy", "get_component_candidates", "stun_server")),
    (aioice.ice.Connection, ("turn_server", "turn_username", "turn_password", "turn_ssl", "turn_transport")),
    (aioice.ice.StunProtocol, ("connection_made",)),
)
FUNCTIONS = ("get_host_addresses", "server_reflexive_candidate", "relayed_candidate")
"""Functions of the module aioice.ice that are used."""

UDP_BUFFER_BYTES = 262_144
"""Receive buffer of each UDP socket, the value aioice itself uses."""


def host_addresses() -> list[str]:
    """Return this machine's addresses as aioice finds them; loopback is not among them."""
    return list(aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True))


def bind_candidates(
    connection: RTCPeerConnection,
    addresses: Sequence[str],
    ports: tuple[int, int] | None,
    on_socket: Callable[[Any], None] = lambda protocol: None,
    advertise: Callable[[str], str] = str,
) -> None:
    """Make the connection offer these local addresses, with UDP ports from a range.

    Args:
        connection: has its transceivers but has not gathered candidates yet.
        addresses: local IP addresses.
        ports: first and last UDP port; None lets the system choose.
        on_socket: called with each STUN protocol before anything comes by it, also with those relayed by TURN.
        advertise: local address to the one that others are told instead; the port stays.
    """
    gatherers = {id(g): g for t in connection.getTransceivers() for g in [t.receiver.transport.transport.iceGatherer]}
    for gatherer in gatherers.values():
        ice: Any = gatherer._connection
        ice.get_component_candidates = _Gathering(ice, addresses, ports, on_socket, advertise).gather


class _Gathering:
    """Gathers candidates for one aioice connection on chosen addresses and ports."""

    def __init__(
        self,
        ice: Any,
        addresses: Sequence[str],
        ports: tuple[int, int] | None,
        on_socket: Callable[[Any], None],
        advertise: Callable[[str], str],
    ) -> None:
        self._ice = ice
        self._addresses = addresses
        self._ports = ports
        self._on_socket = on_socket
        self._advertise = advertise

    async def gather(self, component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        """Stand in for aioice's ``get_component_candidates``, which leaks sockets when it is cancelled."""
        protocols = []
        for address in dict.fromkeys(self._addresses):
            protocol = await self._bind(address, component)
            if protocol is not None:
                self._ice._protocols.append(protocol)
                protocols.append(protocol)
        queries: list[asyncio.Task[Candidate]] = []
        if self._ice.turn_server:
            queries.append(asyncio.ensure_future(self._ask_turn(component)))
        if self._ice.stun_server:
            queries += [asyncio.ensure_future(self._ask_stun(protocol)) for protocol in protocols if _is_ipv4(protocol)]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await asyncio.gather(*queries, return_exceptions=True)
        found = [query.result() for query in queries if not query.cancelled() and query.exception() is None]
        return [protocol.local_candidate for protocol in protocols] + found

    async def _ask_stun(self, protocol: Any) -> Candidate:
        candidate, _ = await aioice.ice.server_reflexive_candidate(protocol, self._ice.stun_server)
        return candidate

    async def _ask_turn(self, component: int) -> Candidate:
        ice = self._ice
        candidate, protocol = await aioice.ice.relayed_candidate(
            component=component,
            hide_related_address=ice._transport_policy is aioice.ice.TransportPolicy.RELAY,
            protocol_factory=self._protocol,
            turn_server=ice.turn_server,
            turn_username=ice.turn_username,
            turn_password=ice.turn_password,
            turn_ssl=ice.turn_ssl,
            turn_transport=ice.turn_transport,
        )
        ice._protocols.append(protocol)
        return candidate

    def _protocol(self) -> aioice.ice.StunProtocol:
        protocol = aioice.ice.StunProtocol(self._ice)
        self._on_socket(protocol)
        return protocol

    async def _bind(self, address: str, component: int) -> Any:
        """Return a bound STUN protocol with its host candidate, None if no port of the range is free."""
        loop = asyncio.get_running_loop()
        for port in self._candidate_ports():
            try:
                transport, protocol = await loop.create_datagram_endpoint(self._protocol, local_addr=(address, port))
            except OSError:
                continue
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UDP_BUFFER_BYTES)
            host, bound = transport.get_extra_info("sockname")[:2]
            protocol.local_candidate = Candidate(
                foundation=candidate_foundation("host", "udp", host),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host"),
                host=self._advertise(host),
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
