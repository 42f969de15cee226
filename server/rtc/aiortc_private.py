"""The one file that touches private names of aiortc and aioice.

aiortc decodes what it receives and encodes what it sends; it has no public way to forward packets. These hooks take
packets before its jitter buffer and put packets where its encoder would. ``check_aiortc`` verifies at start that the
installed version is the one the hooks were written for and that every name is still there.
"""

import asyncio
import importlib.metadata
import inspect
import queue
import random
import socket
from collections.abc import Sequence
from typing import Any, Protocol, cast

import aioice.ice
import pylibsrtp
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.codecs import is_rtx
from aiortc.exceptions import InvalidStateError
from aiortc.rate import AimdRateControl, RemoteBitrateEstimator
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceTransport
from aiortc.rtp import (
    RTCP_PSFB_APP,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpSrPacket,
    RtpPacket,
    pack_remb_fci,
    unwrap_rtx,
    wrap_rtx,
)

from server.rtc.asked_rate import AskedRate

VERSION = "1.16."
AIOICE_VERSION = "0.13."
UDP_BUFFER_BYTES = 262_144
"""Receive buffer of each UDP socket, the value aioice itself uses."""

_R = "_RTCRtpReceiver__"
_S = "_RTCRtpSender__"

MAX_SSRCS = 16
"""Streams that one media section of a connection may have had; an honest sender has one, and one for RTX."""
_CONNECT = "_RTCPeerConnection__connect"

_NAMES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (
        RTCRtpReceiver,
        (
            *(_R + name for name in ("decoder_queue", "jitter_buffer", "nack_generator", "remote_bitrate_estimator")),
            *(_R + name for name in ("codecs", "rtx_ssrc", "decoder_thread", "rtcp_ssrc", "active_ssrc")),
            *("_handle_rtp_packet", "_handle_rtcp_packet", "_send_rtcp_pli", "_send_rtcp_nack", "_send_rtcp"),
        ),
    ),
    (
        RTCRtpSender,
        (
            *(_S + name for name in ("mid", "rtp_started", "rtp_exited", "rtp_header_extensions_map")),
            *(_S + name for name in ("rtx_payload_type", "rtx_sequence_number", "ntp_timestamp", "rtp_timestamp")),
            *(_S + name for name in ("octet_count", "packet_count")),
            *("_ssrc", "_rtx_ssrc", "_run_rtp", "_send_keyframe", "_retransmit", "_send_rtcp"),
        ),
    ),
    (RTCPeerConnection, (_CONNECT,)),
    (RTCDtlsTransport, ("_tx_srtp",)),
    (RTCIceTransport, ("_connection",)),
    (RTCIceGatherer, ("_connection",)),
    (RemoteBitrateEstimator, ("add", "rate_control")),
    (AimdRateControl, ("near_max",)),
    (
        aioice.ice.Connection,
        ("_nominated", "_protocols", "get_component_candidates", "stun_server"),
    ),
    (aioice.ice.StunProtocol, ("connection_made",)),
)


class AiortcMismatch(RuntimeError):
    """The installed aiortc or aioice is not the one this program was written for."""


def check_aiortc() -> None:
    """Verify the versions of aiortc and aioice and every private name used here.

    Raises:
        AiortcMismatch: another version, or a name is gone; the message says which.
    """
    for package, expected in (("aiortc", VERSION), ("aioice", AIOICE_VERSION)):
        found = importlib.metadata.version(package)
        if not found.startswith(expected):
            raise AiortcMismatch(f"{package} {expected}x is needed, found {package} {found}")
    for cls, names in _NAMES:
        known = set(dir(cls))
        for member in vars(cls).values():
            if inspect.isfunction(member):
                known.update(member.__code__.co_names)
        missing = [name for name in names if name not in known]
        if missing:
            version = importlib.metadata.version("aiortc")
            raise AiortcMismatch(f"aiortc {version}: {cls.__name__} lacks {', '.join(missing)}")
    for name in ("get_host_addresses", "server_reflexive_candidate"):
        if not hasattr(aioice.ice, name):
            raise AiortcMismatch(f"aioice {importlib.metadata.version('aioice')}: aioice.ice lacks {name}")


class ConnectTasks:
    """aiortc's own tasks that bring a connection up, so that closing can end them first.

    aiortc forgets them: closed at the wrong moment, a connection comes up afterwards and its tasks run for ever.
    """

    def __init__(self, peer: RTCPeerConnection) -> None:
        self._original = getattr(peer, _CONNECT)
        self._tasks: set[asyncio.Task[Any]] = set()
        setattr(peer, _CONNECT, self._connect)

    async def _connect(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._original()
        except InvalidStateError:
            pass  # it was closed by the other side meanwhile
        finally:
            self._tasks.discard(task)

    async def cancel(self) -> None:
        """End them."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _EndedQueue(queue.Queue[Any]):
    """Ends aiortc's decoder thread as soon as it starts and keeps nothing."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        return None

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        return None


class _NoJitterBuffer:
    """Stands in for aiortc's jitter buffer: the packets have already gone to us."""

    def add(self, packet: RtpPacket) -> tuple[bool, None]:
        return False, None


class _NoNackGenerator:
    """Stands in for aiortc's NACK generator: ours has a retry timer."""

    def add(self, packet: RtpPacket) -> bool:
        return False


class _Estimator:
    """aiortc's congestion estimator, whose figure is turned into the bit rate we ask for."""

    def __init__(self, inner: Any, wanted_bps: int) -> None:
        self._inner = inner
        self._rate = AskedRate(wanted_bps)

    def add(self, *, arrival_time_ms: int, **packet: Any) -> tuple[int, list[int]] | None:
        estimate = self._inner.add(arrival_time_ms=arrival_time_ms, **packet)
        if estimate is None:
            return None
        saw_congestion = self._inner.rate_control.near_max
        return self._rate.update(estimate[0], arrival_time_ms, saw_congestion=saw_congestion), estimate[1]


class ReceiverEvents(Protocol):
    """What a tapped receiver calls, on the event loop."""

    def on_rtp(self, packet: RtpPacket, *, is_retransmission: bool) -> None:
        """One media packet, RTX already unwrapped; its payload type is that of the media."""

    def on_sender_report(self, ssrc: int, ntp_timestamp: int, rtp_timestamp: int) -> None:
        """One RTCP sender report: NTP time in 1/2**32 s, RTP timestamp."""


class ReceiverTap:
    """Takes a receiver's packets before aiortc buffers or decodes them.

    Must be made before the receiver starts, that is before the connection is established. Statistics, receiver
    reports and the estimate of congestion stay aiortc's.

    Args:
        receiver: of an aiortc connection.
        events: told of every packet.
        wanted_bps: bit rate of video to ask of the sender by REMB as long as there is no congestion.
    """

    def __init__(self, receiver: RTCRtpReceiver, events: ReceiverEvents, *, wanted_bps: int) -> None:
        self._receiver = cast("Any", receiver)
        self._events = events
        self._wanted_bps = wanted_bps
        self._media_ssrc: int | None = None
        setattr(receiver, _R + "decoder_queue", _EndedQueue())
        setattr(receiver, _R + "jitter_buffer", _NoJitterBuffer())
        setattr(receiver, _R + "nack_generator", _NoNackGenerator())
        estimator = getattr(receiver, _R + "remote_bitrate_estimator")
        if estimator is not None:  # audio has none
            setattr(receiver, _R + "remote_bitrate_estimator", _Estimator(estimator, wanted_bps))
        self._original_rtp = self._receiver._handle_rtp_packet
        self._original_rtcp = self._receiver._handle_rtcp_packet
        self._receiver._handle_rtp_packet = self._on_rtp
        self._receiver._handle_rtcp_packet = self._on_rtcp

    async def _on_rtp(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        known = getattr(self._receiver, _R + "active_ssrc")
        if packet.ssrc not in known and len(known) >= MAX_SSRCS:
            return  # aiortc would keep figures of each for ever
        codecs = getattr(self._receiver, _R + "codecs")
        codec = codecs.get(packet.payload_type)
        if codec is not None:
            if not is_rtx(codec):
                self._media_ssrc = packet.ssrc
                self._events.on_rtp(packet, is_retransmission=False)
            elif len(packet.payload) > 2 and codec.parameters.get("apt") in codecs:
                # Without a=ssrc lines the offer does not say which stream the RTX repairs; there is only one.
                media_ssrc = getattr(self._receiver, _R + "rtx_ssrc").get(packet.ssrc, self._media_ssrc)
                if media_ssrc is not None:
                    original = unwrap_rtx(packet, payload_type=codec.parameters["apt"], ssrc=media_ssrc)
                    self._events.on_rtp(original, is_retransmission=True)
        await self._original_rtp(packet, arrival_time_ms)

    async def _on_rtcp(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpSrPacket):
            info = packet.sender_info
            self._events.on_sender_report(packet.ssrc, info.ntp_timestamp, info.rtp_timestamp)
        await self._original_rtcp(packet)

    async def send_pli(self, ssrc: int) -> None:
        """Ask the sender of ``ssrc`` for a key frame (RFC 4585 section 6.3.1)."""
        await self._receiver._send_rtcp_pli(ssrc)

    async def send_remb(self, ssrc: int) -> None:
        """Tell the sender of ``ssrc`` how much we want (draft-alvestrand-rmcat-remb-03)."""
        reporter = getattr(self._receiver, _R + "rtcp_ssrc")
        if reporter is not None:
            fci = pack_remb_fci(self._wanted_bps, [ssrc])
            await self._receiver._send_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=reporter, media_ssrc=0, fci=fci))

    async def send_nack(self, ssrc: int, sequence_numbers: list[int]) -> None:
        """Ask for packets again (RFC 4585 section 6.2.1); ascending 16-bit sequence numbers."""
        await self._receiver._send_rtcp_nack(ssrc, sequence_numbers)


class SenderEvents(Protocol):
    """What a sender port calls, on the event loop."""

    def on_ready(self) -> None:
        """The connection is up; packets may be sent."""

    def on_keyframe_request(self) -> None:
        """The viewer sent a PLI or FIR."""

    def on_nack(self, sequence_number: int) -> None:
        """The viewer misses one packet."""


class SenderPort:
    """A sender that sends our packets instead of encoding a track."""

    def __init__(self, sender: RTCRtpSender, events: SenderEvents) -> None:
        self._sender = cast("Any", sender)
        self._events = events
        self._extensions: Any = None
        self.ssrc: int = self._sender._ssrc
        self.payload_type = -1
        self.mid: str | None = None
        self._sender._run_rtp = self._run_rtp
        self._sender._send_keyframe = events.on_keyframe_request
        self._sender._retransmit = self._retransmit
        self._original_send_rtcp = self._sender._send_rtcp
        self._sender._send_rtcp = self._send_rtcp

    async def _run_rtp(self, codec: Any) -> None:
        """Stand in for aiortc's encode-and-send loop, whose two events its ``stop`` waits for."""
        self.payload_type = codec.payloadType
        self.mid = getattr(self._sender, _S + "mid")
        self._extensions = getattr(self._sender, _S + "rtp_header_extensions_map")
        getattr(self._sender, _S + "rtp_started").set()
        try:
            self._events.on_ready()
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            pass
        finally:
            getattr(self._sender, _S + "rtp_exited").set()

    async def _retransmit(self, sequence_number: int) -> None:
        self._events.on_nack(sequence_number)

    async def _send_rtcp(self, packets: list[AnyRtcpPacket]) -> None:
        # A report before the first packet would map RTP time 0 to the year 1900.
        if isinstance(packets[0], RtcpSrPacket) and not packets[0].sender_info.packet_count:
            return
        await self._original_send_rtcp(packets)

    def send(self, packet: RtpPacket) -> bool:
        """Protect and send one packet now; False if the connection is gone."""
        return send_rtp(self._sender.transport, packet.serialize(self._extensions))

    def send_again(self, packet: RtpPacket) -> bool:
        """Send a packet a second time: as RTX (RFC 4588) if the viewer negotiated it, else as it was."""
        payload_type = getattr(self._sender, _S + "rtx_payload_type")
        if payload_type is not None:
            sequence_number = getattr(self._sender, _S + "rtx_sequence_number")
            setattr(self._sender, _S + "rtx_sequence_number", (sequence_number + 1) & 0xFFFF)
            packet = wrap_rtx(
                packet, payload_type=payload_type, sequence_number=sequence_number, ssrc=self._sender._rtx_ssrc
            )
        return self.send(packet)

    def account(self, *, ntp_timestamp: int, rtp_timestamp: int, n_octets: int) -> None:
        """Tell the next sender report what was sent: capture time in NTP format, its RTP timestamp, payload size."""
        sender = self._sender
        setattr(sender, _S + "ntp_timestamp", ntp_timestamp)
        setattr(sender, _S + "rtp_timestamp", rtp_timestamp)
        setattr(sender, _S + "octet_count", getattr(sender, _S + "octet_count") + n_octets)
        setattr(sender, _S + "packet_count", getattr(sender, _S + "packet_count") + 1)

    def backlog_bytes(self) -> int:
        """Return how much waits in this process because the UDP socket would block."""
        pair = _nominated(self._sender.transport)
        size = getattr(pair.protocol.transport, "get_write_buffer_size", None) if pair is not None else None
        return size() if size is not None else 0


def _nominated(dtls: Any) -> Any:
    return dtls.transport._connection._nominated.get(1)


def send_rtp(dtls: RTCDtlsTransport, data: bytes) -> bool:
    """Protect and send one RTP packet without a detour through coroutines that never wait; False if not connected."""
    transport: Any = dtls
    pair = _nominated(transport)
    if transport.state != "connected" or pair is None:
        return False
    try:
        protected = transport._tx_srtp.protect(data)
    except pylibsrtp.Error:
        return False
    pair.protocol.transport.sendto(protected, pair.remote_addr)
    return True


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
