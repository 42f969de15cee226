"""Lets into a connection only what its peer sent, in a size and at a rate that make sense.

aioice hands every datagram that is no STUN, from whatever address, to DTLS through a queue without a limit; its STUN
parser lets exceptions out into the event loop; and an exception while a packet is handled ends the connection.
"""

import logging
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import aioice.ice
import aioice.stun
from aioice.candidate import candidate_priority
from aiortc import RTCPeerConnection
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport

from server.rtc.counters import Counters
from server.rtc.token_bucket import TokenBucket
from server.rtc.whereabouts import whereabouts

NAMES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (
        aioice.ice.Connection,
        ("_nominated", "_queue", "_valid_username", "data_received", "request_received"),
    ),
    (aioice.ice.Connection, ("local_username", "local_password")),
    (aioice.ice.StunProtocol, ("datagram_received", "transactions", "local_candidate")),
    (aioice.stun.Message, ("check_message_integrity", "error_code")),
    (RTCIceTransport, ("_connection",)),
    (RTCDtlsTransport, ("_handle_rtp_data", "_handle_rtcp_data")),
)

MAX_DATAGRAM_BYTES = 1500
"""Browsers send at most 1200 bytes of media and 1400 of DTLS."""
MAX_QUEUED = 2000
"""Datagrams that may wait for DTLS."""
RATE_PER_S, BURST = 3000.0, 6000.0
"""Datagrams of the peer; 4 Mbit/s of video are 500 a second. What piled up while the loop was busy comes at once."""
CHECKS_PER_S, CHECKS_BURST = 50.0, 200.0
"""STUN messages that look right and need to be verified, of the peer's known addresses and of all others each."""
RTCP_BYTES_PER_S, RTCP_BURST_BYTES = 32_000.0, 64_000.0
"""Of the peer's RTCP; a viewer who loses much sends a tenth of that. One message can ask for thousands of packets."""
DTLS_PER_S, DTLS_BURST = 50.0, 200.0
"""Of the peer's DTLS datagrams; a handshake has a dozen of them, and nothing follows it."""
MAX_STREAMS = 32
"""Streams (SSRCs) of RTP and RTCP that a peer may have sent; an honest one has four or five. libsrtp keeps something of
each that is authentic, and looks through all of them for each packet."""
MAX_ADDRESSES = 256
"""Pairs of addresses by which a peer may have proved to know the password; aioice keeps something of each."""
MOVE_S = 2.0
"""So long after the nominated pair has changed, data may still come by the one before, at least."""
CONSENT_S = 30.0
"""A pair that the peer has nominated and does not check any more counts for so long (RFC 7675 section 5.1)."""
MAX_ROLE_CONFLICTS = 4
"""aioice starts again at each, one call deeper."""

_DTLS_RECORDS = frozenset({20, 21, 22})
"""Change of cipher, alert, handshake. Application data, of which aiortc reads one record from a datagram and OpenSSL
keeps the others, is never wanted: there are no data channels. Neither is DTLS 1.3, which our OpenSSL does not speak."""
_DTLS_HEADER_BYTES = 13
_COOKIE = struct.pack("!I", aioice.stun.COOKIE)
_UNREADABLE = (ValueError, KeyError, IndexError, AssertionError, struct.error)
"""What aioice raises for STUN that is none."""

_log = logging.getLogger(__name__)


def is_data(first_byte: int) -> bool:
    """Tell whether a datagram is DTLS, SRTP or SRTCP by its first byte (RFC 7983)."""
    return 128 <= first_byte < 192 or 20 <= first_byte < 64


def _is_wanted_dtls(data: bytes) -> bool:
    """Tell whether a datagram is whole DTLS records of the kinds that a handshake and its end consist of (RFC 6347)."""
    position = 0
    while position + _DTLS_HEADER_BYTES <= len(data) and data[position] in _DTLS_RECORDS:
        position += _DTLS_HEADER_BYTES + int.from_bytes(data[position + 11 : position + 13], "big")
    return position == len(data)


class DatagramGuard:
    """Stands before one connection's sockets, its own and those relayed by TURN.

    Must be made before candidates are gathered, when it is known which transport carries everything.

    Args:
        peer: has its transceivers.
        clock: monotonic seconds.
        counters: told of what is dropped.
    """

    def __init__(self, peer: RTCPeerConnection, *, clock: Callable[[], float], counters: Counters) -> None:
        dtls: Any = peer.getTransceivers()[0].receiver.transport
        self._ice = dtls.transport._connection
        self._clock = clock
        self._counters = counters
        self._rate = TokenBucket(RATE_PER_S, BURST)
        self._rtcp_bytes = TokenBucket(RTCP_BYTES_PER_S, RTCP_BURST_BYTES)
        self._dtls = TokenBucket(DTLS_PER_S, DTLS_BURST)
        self._streams: set[bytes] = set()
        """SSRCs of authentic packets."""
        self._known_checks = TokenBucket(CHECKS_PER_S, CHECKS_BURST)
        self._other_checks = TokenBucket(CHECKS_PER_S, CHECKS_BURST)
        self._username = f"{self._ice.local_username}:".encode()
        self._known: set[tuple[Any, str, int]] = set()
        """Protocol, host and port by which the peer has sent an authenticated check."""
        self._nominations: dict[tuple[Any, str, int], float] = {}
        """Those that the peer has nominated or has just left, until when. A peer that nominates every pair that works
        (RFC 5245 section 8.1.1.2) may send by another of them than the one that aioice took."""
        self._pair: Any = None
        self._address: tuple[str, int] = ("", 0)
        self._n_conflicts = 0
        self._has_failed = False
        self.heard_s = clock()
        """When something authentic came last, monotonic seconds."""
        self._original_rtp = dtls._handle_rtp_data
        self._original_rtcp = dtls._handle_rtcp_data
        dtls._handle_rtp_data = self._on_rtp
        dtls._handle_rtcp_data = self._on_rtcp

    def hear(self) -> None:
        """Note that something authentic came."""
        self.heard_s = self._clock()

    def watch(self, protocol: Any) -> None:
        """Look at everything that comes by this socket from now on."""
        protocol.datagram_received = partial(self._received, protocol)

    def _received(self, protocol: Any, data: bytes, addr: tuple[Any, ...]) -> None:
        if not 0 < len(data) <= MAX_DATAGRAM_BYTES:
            self._counters.datagrams_malformed += 1
        elif is_data(data[0]):
            if not self._is_peer(protocol, addr):
                self._counters.datagrams_of_strangers += 1
            elif not self._rate.take(self._clock()):
                self._counters.datagrams_over_rate += 1
            elif self._ice._queue.qsize() >= MAX_QUEUED:
                self._counters.datagrams_over_queue += 1
            elif self._is_wanted(data):
                self._ice.data_received(data, protocol.local_candidate.component)
        elif data[0] < 4 and data[4:8] == _COOKIE:
            self._on_stun(protocol, data, (addr[0], addr[1]))
        else:
            self._counters.datagrams_malformed += 1

    def _is_wanted(self, data: bytes) -> bool:
        """Tell whether data of the peer may be decrypted, as far as can be seen before; count it if not."""
        if data[0] < 64:
            if not self._dtls.take(self._clock()):
                self._counters.datagrams_over_rate += 1
                return False
            if not _is_wanted_dtls(data):
                self._counters.datagrams_malformed += 1
                return False
            return True
        if len(data) > 1 and 192 <= data[1] <= 208:  # RTCP (RFC 5761 section 4), as aiortc tells it from RTP
            if not self._rtcp_bytes.take(self._clock(), len(data)):
                self._counters.datagrams_over_rate += 1
                return False
            ssrc = data[4:8]
        else:
            ssrc = data[8:12]
        if ssrc in self._streams or len(self._streams) < MAX_STREAMS:
            return True
        self._counters.datagrams_over_streams += 1
        return False

    def _is_peer(self, protocol: Any, addr: tuple[Any, ...]) -> bool:
        """Tell whether data from this address is the peer's."""
        pair = self._ice._nominated.get(1)
        if pair is not self._pair:
            self._nominated(pair)
        if pair is None:
            return (protocol, addr[0], addr[1]) in self._known
        if addr[0] == self._address[0] and addr[1] == self._address[1] and pair.protocol is protocol:
            return True
        until_s = self._nominations.get((protocol, addr[0], addr[1]))
        return until_s is not None and self._clock() < until_s

    def _nominated(self, pair: Any) -> None:
        """Take note of another pair; what is under way by the one before may still come."""
        if self._pair is not None:
            left = (self._pair.protocol, *self._address)
            self._nominations[left] = max(self._nominations.get(left, 0.0), self._clock() + MOVE_S)
        self._pair = pair
        self._address = ("", 0) if pair is None else pair.remote_addr

    # STUN

    def _on_stun(self, protocol: Any, data: bytes, addr: tuple[str, int]) -> None:
        """Read one STUN message if it can be an answer to a question of ours or a check by our peer."""
        is_answer = bool(data[0] & 1)
        if not (data[8:20] in protocol.transactions if is_answer else self._username in data):
            self._counters.stun_refused += 1
            return
        bucket = self._known_checks if is_answer or (protocol, *addr) in self._known else self._other_checks
        if not bucket.take(self._clock()):
            self._counters.stun_over_rate += 1
            return
        try:
            message = aioice.stun.parse_message(data)
            if is_answer:
                self._on_answer(protocol, message, addr)
            elif message.message_class == aioice.stun.Class.REQUEST:
                self._on_request(protocol, message, addr)
        except _UNREADABLE:
            self._counters.datagrams_malformed += 1

    def _on_answer(self, protocol: Any, message: Any, addr: tuple[str, int]) -> None:
        if message.error_code == 487:
            self._n_conflicts += 1
            if self._n_conflicts > MAX_ROLE_CONFLICTS:
                self._counters.stun_refused += 1
                return
        protocol.transactions[message.transaction_id].response_received(message, addr)

    def _on_request(self, protocol: Any, message: Any, addr: tuple[str, int]) -> None:
        """Pass a check on if it is the peer's; anything else gets no answer, so nobody can make us send."""
        key = (protocol, *addr)
        if not self._is_authentic(message) or (key not in self._known and len(self._known) >= MAX_ADDRESSES):
            self._counters.stun_refused += 1
            return
        now_s = self._clock()
        self._known.add(key)
        pair = self._ice._nominated.get(1)
        if "USE-CANDIDATE" in message.attributes or self._nominations.get(key, 0.0) > now_s:
            self._nominations = {other: until_s for other, until_s in self._nominations.items() if until_s > now_s}
            self._nominations[key] = now_s + CONSENT_S
        if pair is None or (pair.protocol is protocol and pair.remote_addr == addr) or key in self._nominations:
            self.heard_s = now_s
        # aioice takes it from the check when it learns a new address by it; RFC 7675 does not ask for it.
        message.attributes.setdefault("PRIORITY", candidate_priority(1, "prflx"))
        self._ice.request_received(message, addr, protocol)

    def _is_authentic(self, message: Any) -> bool:
        return (
            message.message_method == aioice.stun.Method.BINDING
            and "USERNAME" in message.attributes
            and bool(self._ice._valid_username(message.attributes["USERNAME"]))
            and bool(message.check_message_integrity(self._ice.local_password.encode()))
        )

    # Media, once it has been authenticated

    async def _on_rtp(self, data: bytes, arrival_time_ms: int) -> None:
        self.heard_s = self._clock()
        self._streams.add(data[8:12])
        try:
            await self._original_rtp(data, arrival_time_ms=arrival_time_ms)
        except Exception as exc:  # whatever it is, aiortc would end the connection
            self._failed(exc)

    async def _on_rtcp(self, data: bytes) -> None:
        self.heard_s = self._clock()
        self._streams.add(data[4:8])
        try:
            await self._original_rtcp(data)
        except Exception as exc:  # as above
            self._failed(exc)

    def _failed(self, error: Exception) -> None:
        self._counters.packets_malformed += 1
        if not self._has_failed:  # once for each connection: a line for each packet would fill the disk
            self._has_failed = True
            kind, where = type(error).__name__, whereabouts(error)
            _log.warning("a packet of an authenticated peer raised %s at %s", kind, where)
