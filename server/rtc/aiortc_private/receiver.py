"""Takes a receiver's packets before aiortc buffers or decodes them, and sends requests back."""

import queue
from typing import Any, Protocol, cast

from aiortc import RTCRtpReceiver
from aiortc.codecs import is_rtx
from aiortc.rate import AimdRateControl, RemoteBitrateEstimator
from aiortc.rtp import (
    RTCP_PSFB_APP,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpSrPacket,
    RtpPacket,
    pack_remb_fci,
    unwrap_rtx,
)

from server.rtc.asked_rate import AskedRate

_R = "_RTCRtpReceiver__"

NAMES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (
        RTCRtpReceiver,
        (
            *(_R + name for name in ("decoder_queue", "jitter_buffer", "nack_generator", "remote_bitrate_estimator")),
            *(_R + name for name in ("codecs", "rtx_ssrc", "decoder_thread", "rtcp_ssrc", "active_ssrc")),
            *("_handle_rtp_packet", "_handle_rtcp_packet", "_send_rtcp_pli", "_send_rtcp_nack", "_send_rtcp"),
        ),
    ),
    (RemoteBitrateEstimator, ("add", "rate_control")),
    (AimdRateControl, ("near_max",)),
)

MAX_SSRCS = 16
"""Streams that one media section of a connection may have had; an honest sender has one, and one for RTX."""


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

    def __init__(self, inner: Any, rate: AskedRate) -> None:
        self._inner = inner
        self._rate = rate

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
        self._rate = AskedRate(wanted_bps)
        self._media_ssrc: int | None = None
        self.estimates = True
        """Whether aiortc estimates congestion; not needed when the sender does, from transport-wide feedback."""
        setattr(receiver, _R + "decoder_queue", _EndedQueue())
        setattr(receiver, _R + "jitter_buffer", _NoJitterBuffer())
        setattr(receiver, _R + "nack_generator", _NoNackGenerator())
        estimator = getattr(receiver, _R + "remote_bitrate_estimator")
        if estimator is not None:  # audio has none
            setattr(receiver, _R + "remote_bitrate_estimator", _Estimator(estimator, self._rate))
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
        if not self.estimates:
            packet.extensions.abs_send_time = None  # without it aiortc does not
        await self._original_rtp(packet, arrival_time_ms)

    async def _on_rtcp(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpSrPacket):
            info = packet.sender_info
            self._events.on_sender_report(packet.ssrc, info.ntp_timestamp, info.rtp_timestamp)
        await self._original_rtcp(packet)

    @property
    def asked_bps(self) -> int:
        """What the sender is asked for now: the least of what is wanted, estimated and fit for the viewers."""
        return self._rate.asked_bps

    def limit(self, bits_per_s: int | None) -> None:
        """Ask for no more than this; None lifts the limit. ``send_remb`` tells the sender."""
        self._rate.limit_bps = bits_per_s

    async def send_pli(self, ssrc: int) -> None:
        """Ask the sender of ``ssrc`` for a key frame (RFC 4585 section 6.3.1)."""
        await self._receiver._send_rtcp_pli(ssrc)

    async def send_remb(self, ssrc: int) -> None:
        """Tell the sender of ``ssrc`` how much we want (draft-alvestrand-rmcat-remb-03)."""
        reporter = getattr(self._receiver, _R + "rtcp_ssrc")
        if reporter is not None:
            fci = pack_remb_fci(self.asked_bps, [ssrc])
            await self._receiver._send_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=reporter, media_ssrc=0, fci=fci))

    async def send_nack(self, ssrc: int, sequence_numbers: list[int]) -> None:
        """Ask for packets again (RFC 4585 section 6.2.1); ascending 16-bit sequence numbers."""
        await self._receiver._send_rtcp_nack(ssrc, sequence_numbers)
