"""The network side of a connection without a network: one guarded socket and what was sent by it."""

import aioice.ice
import aioice.stun
from aioice.candidate import Candidate
from aiortc import RTCConfiguration, RTCPeerConnection

from server.rtc.aiortc_private import ConsentLoop, DatagramGuard
from server.rtc.counters import Counters
from tests.fakes.rtc_time import ManualTime

REMOTE_UFRAG, REMOTE_PASSWORD = "abcd", "remotepasswordremotepw"
HOME = ("192.0.2.10", 5000)
AWAY = ("192.0.2.20", 6000)
STRANGER = ("198.51.100.7", 7000)


class Wire:
    """Stands in for a UDP transport."""

    def __init__(self):
        self.sent = []

    def sendto(self, data, addr):
        self.sent.append((bytes(data), addr))

    def close(self):
        pass


def candidate(host, port, kind="host"):
    return Candidate(foundation="1", component=1, transport="udp", priority=1, host=host, port=port, type=kind)


def remote(addr):
    it = candidate(*addr)
    it._network_host = addr[0]
    return it


class GuardedSocket:
    """A peer connection of aiortc's with a guard, whose datagrams the test hands over."""

    def __init__(self):
        self.time = ManualTime()
        self.counters = Counters()
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.addTransceiver("audio", direction="recvonly")
        self.guard = DatagramGuard(self.peer, clock=self.time, counters=self.counters)
        self.consent = ConsentLoop(self.peer, clock=self.time, on_heard=self.guard.hear)
        self.dtls = self.peer.getTransceivers()[0].receiver.transport
        self.ice = self.dtls.transport._connection
        self.ice.remote_username, self.ice.remote_password = REMOTE_UFRAG, REMOTE_PASSWORD
        self.protocol = self.socket()

    def socket(self, kind="host"):
        protocol = aioice.ice.StunProtocol(self.ice)
        protocol.local_candidate = candidate("192.0.2.1", 4000, kind)
        protocol.connection_made(Wire())
        self.guard.watch(protocol)
        self.ice._protocols.append(protocol)
        return protocol

    @property
    def sent(self):
        return self.protocol.transport.sent

    def come(self, data, addr, protocol=None):
        (protocol or self.protocol).datagram_received(data, addr)

    def queued(self):
        items = []
        while not self.ice._queue.empty():
            items.append(self.ice._queue.get_nowait()[0])
        return items

    def check(self, addr, *, password=None, username=None, nominate=False, protocol=None, attributes=None):
        """A STUN check comes from this address."""
        self.come(self.request(password=password, username=username, nominate=nominate, attributes=attributes), addr)

    def request(self, *, password=None, username=None, nominate=False, attributes=None):
        message = aioice.stun.Message(
            message_method=aioice.stun.Method.BINDING, message_class=aioice.stun.Class.REQUEST
        )
        message.attributes["USERNAME"] = username or f"{self.ice.local_username}:{REMOTE_UFRAG}"
        message.attributes["PRIORITY"] = 1
        if nominate:
            message.attributes["USE-CANDIDATE"] = None
        message.attributes.update(attributes or {})
        message.add_message_integrity((password or self.ice.local_password).encode())
        return bytes(message)

    def nominate(self, addr):
        pair = aioice.ice.CandidatePair(self.protocol, remote(addr))
        self.ice._nominated[1] = pair
        return pair

    def answer(self, request, addr, *, password=REMOTE_PASSWORD, error=None):
        """The answer comes to a request of ours."""
        asked = aioice.stun.parse_message(request)
        message = aioice.stun.Message(
            message_method=asked.message_method,
            message_class=aioice.stun.Class.ERROR if error else aioice.stun.Class.RESPONSE,
            transaction_id=asked.transaction_id,
        )
        if error:
            message.attributes["ERROR-CODE"] = (error, "no")
        message.add_message_integrity(password.encode())
        self.come(bytes(message), addr)

    async def close(self):
        self.ice._protocols.clear()
        await self.peer.close()
