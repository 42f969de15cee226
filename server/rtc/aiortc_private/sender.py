"""Puts packets where aiortc's encoder would."""

import asyncio
import struct
from typing import Any, Protocol, cast

import pylibsrtp
from aiortc import RTCRtpSender
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    RtpPacket,
    unpack_remb_fci,
    wrap_rtx,
)

_S = "_RTCRtpSender__"

NAMES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (
        RTCRtpSender,
        (
            *(_S + name for name in ("mid", "rtp_started", "rtp_exited", "rtp_header_extensions_map")),
            *(_S + name for name in ("rtx_payload_type", "rtx_sequence_number", "ntp_timestamp", "rtp_timestamp")),
            *(_S + name for name in ("octet_count", "packet_count")),
            *(_S + name for name in ("rtt",)),
            *("_ssrc", "_rtx_ssrc", "_run_rtp", "_send_keyframe", "_send_rtcp", "_handle_rtcp_packet"),
        ),
    ),
    (RTCDtlsTransport, ("_tx_srtp",)),
    (RTCIceTransport, ("_connection",)),
)


class SenderEvents(Protocol):
    """What a sender port calls, on the event loop."""

    def on_ready(self) -> None:
        """The connection is up; packets may be sent."""

    def on_keyframe_request(self) -> None:
        """The viewer sent a PLI or FIR."""

    def on_nack(self, sequence_numbers: list[int]) -> None:
        """The viewer misses packets; one message may name thousands, and one of them several times."""

    def on_estimate(self, bits_per_s: int) -> None:
        """The viewer's estimate of what its connection carries (REMB)."""

    def on_report(self, *, loss_share: float, highest_seq: int, jitter_s: float, rtt_s: float | None) -> None:
        """The viewer's report: share lost since the last one, newest sequence number, jitter, smoothed round trip."""


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
        self._original_send_rtcp = self._sender._send_rtcp
        self._sender._send_rtcp = self._send_rtcp
        self._original_handle_rtcp = self._sender._handle_rtcp_packet
        self._sender._handle_rtcp_packet = self._handle_rtcp
        self._clock_rate_hz = 0

    async def _run_rtp(self, codec: Any) -> None:
        """Stand in for aiortc's encode-and-send loop, whose two events its ``stop`` waits for."""
        self.payload_type = codec.payloadType
        self._clock_rate_hz = codec.clockRate
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

    async def _handle_rtcp(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
            self._events.on_nack(packet.lost)
            return
        await self._original_handle_rtcp(packet)
        if isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            try:
                bits_per_s, ssrcs = unpack_remb_fci(packet.fci)
            except (ValueError, struct.error):
                return  # some other message, or one that is cut short
            if self.ssrc in ssrcs:
                self._events.on_estimate(bits_per_s)
        elif isinstance(packet, RtcpRrPacket | RtcpSrPacket) and self._clock_rate_hz:
            for report in packet.reports:
                if report.ssrc == self.ssrc:
                    self._events.on_report(
                        loss_share=report.fraction_lost / 256,
                        highest_seq=report.highest_sequence,
                        jitter_s=report.jitter / self._clock_rate_hz,
                        rtt_s=getattr(self._sender, _S + "rtt"),
                    )

    async def _send_rtcp(self, packets: list[AnyRtcpPacket]) -> None:
        # A report before the source's clock is known would map RTP time 0 to the year 1900.
        if isinstance(packets[0], RtcpSrPacket) and not packets[0].sender_info.ntp_timestamp:
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

    def date(self, *, ntp_timestamp: int, rtp_timestamp: int) -> None:
        """Tell the next sender report a capture time in NTP format and its RTP timestamp; before that none is sent."""
        setattr(self._sender, _S + "ntp_timestamp", ntp_timestamp)
        setattr(self._sender, _S + "rtp_timestamp", rtp_timestamp)

    def account(self, *, n_octets: int) -> None:
        """Tell the next sender report what was sent: payload size."""
        sender = self._sender
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
