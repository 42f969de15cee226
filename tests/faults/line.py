"""The datagrams of one peer connection, some of which are lost on purpose."""

import random
from typing import Any

from aiortc import RTCPeerConnection


class Line:
    """What one peer connection sends and receives by UDP.

    Args:
        peer: has gathered its addresses.
        rng: decides what is lost.
    """

    def __init__(self, peer: RTCPeerConnection, rng: random.Random) -> None:
        self._rng = rng
        self.up_share = 0.0
        """Of the datagrams to the server, so many are lost."""
        self.down_share = 0.0
        self.lost = 0
        gatherers = {t.receiver.transport.transport.iceGatherer for t in peer.getTransceivers()}
        for gatherer in gatherers:
            for protocol in gatherer._connection._protocols:
                self._cut(protocol)

    def _cut(self, protocol: Any) -> None:
        receive, send = protocol.datagram_received, protocol.transport.sendto

        def datagram_received(data: bytes, address: Any) -> None:
            if not self._loses(self.up_share):
                receive(data, address)

        def sendto(data: bytes, address: Any = None) -> None:
            if not self._loses(self.down_share):
                send(data, address)

        protocol.datagram_received = datagram_received
        protocol.transport.sendto = sendto

    def _loses(self, share: float) -> bool:
        is_lost = self._rng.random() < share
        self.lost += is_lost
        return is_lost
