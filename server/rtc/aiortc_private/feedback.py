"""Transport-wide feedback on what a publisher sends: reads the numbers of its packets, sends the messages."""

from collections.abc import Callable
from typing import Any

import pylibsrtp
from aiortc import RTCPeerConnection
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket

from server.rtc.timers import Alarm, CallLater
from server.rtc.transport_cc import URI, ArrivalLog

NAMES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (RTCDtlsTransport, ("_rtp_header_extensions_map", "_rtp_router", "_tx_srtp")),
    (RtpRouter, ("route_rtp",)),
    (HeaderExtensionsMap, ("configure",)),
    (RTCIceTransport, ("_connection",)),
)

INTERVAL_S = 0.05
"""Between two messages; Chromium's own receiver uses 50 to 250 ms."""


class TransportFeedback:
    """Tells the other end of a connection when its packets arrived, whatever stream they belong to.

    Must be made when it is known which transport carries everything; ends with the connection.

    Args:
        peer: its remote description is set.
        extension_id: of the RTP header extension.
        clock: monotonic seconds.
        call_later: runs a callback after some seconds.
    """

    def __init__(
        self, peer: RTCPeerConnection, *, extension_id: int, clock: Callable[[], float], call_later: CallLater
    ) -> None:
        receiver = peer.getTransceivers()[0].receiver
        self._dtls: Any = receiver.transport
        self._clock = clock
        self._log = ArrivalLog()
        self._alarm = Alarm(action=self._send, call_later=call_later, clock=clock)
        self._media_ssrc = 0
        self._is_waiting = False
        extension = RTCRtpHeaderExtensionParameters(id=extension_id, uri=URI)
        self._dtls._rtp_header_extensions_map.configure(RTCRtpParameters(headerExtensions=[extension]))
        router: Any = self._dtls._rtp_router
        self._original_route = router.route_rtp
        router.route_rtp = self._route

    def _route(self, packet: RtpPacket) -> Any:
        seq = packet.extensions.transport_sequence_number
        if seq is not None:
            now_s = self._clock()
            self._log.received(seq, now_s)
            self._media_ssrc = packet.ssrc
            if not self._is_waiting:
                self._is_waiting = True
                self._alarm.set(now_s + INTERVAL_S)
        return self._original_route(packet)

    def _send(self) -> None:
        self._is_waiting = False
        pair = self._dtls.transport._connection._nominated.get(1)
        messages = self._log.take(self._clock())
        if self._dtls.state != "connected" or pair is None:
            return
        for message in messages:
            data = message.serialize(sender_ssrc=1, media_ssrc=self._media_ssrc)
            try:
                protected = self._dtls._tx_srtp.protect_rtcp(data)
            except pylibsrtp.Error:
                return
            pair.protocol.transport.sendto(protected, pair.remote_addr)

    def stop(self) -> None:
        """Send nothing any more."""
        self._alarm.set(None)
