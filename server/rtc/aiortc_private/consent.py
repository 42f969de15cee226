"""Asks the peer every two seconds whether it is still there, in place of aioice, which takes 27 s to notice."""

import asyncio
import random
import statistics
from collections import deque
from collections.abc import Callable
from typing import Any

import aioice.ice
import aioice.stun
from aiortc import RTCPeerConnection
from aiortc.rtcicetransport import RTCIceTransport

NAMES: tuple[tuple[type, tuple[str, ...]], ...] = (
    (
        aioice.ice.Connection,
        ("_nominated", "query_consent", "build_request", "remote_password", "turn_transport"),
    ),
    (aioice.ice.StunProtocol, ("transactions", "send_stun")),
    (aioice.stun.Message, ("add_message_integrity", "check_message_integrity")),
    (RTCIceTransport, ("_connection",)),
)

PERIOD_S = 2.0
"""Between questions that are answered; each is 20 % earlier or later."""
RETRY_S = 0.7
"""Between questions while they are not."""
FORGET_S = 12.0
"""An answer that comes later counts no more."""
N_SAMPLES = 5


class _Question:
    """One STUN request that waits for its answer; stands where aioice keeps its transactions."""

    __slots__ = ("_consent", "address", "protocol", "sent_s")

    def __init__(self, consent: "ConsentLoop", protocol: Any, address: tuple[str, int], sent_s: float) -> None:
        self._consent = consent
        self.protocol = protocol
        self.address = address
        self.sent_s = sent_s

    def response_received(self, message: Any, addr: tuple[str, int]) -> None:
        """Take an answer; the name is aioice's."""
        if message.message_class == aioice.stun.Class.RESPONSE and addr == self.address:
            self._consent.answered(self, message)


class ConsentLoop:
    """RFC 7675, faster: STUN requests on the nominated pair. Only asks; who draws conclusions is somebody else.

    Args:
        peer: has its transceivers, and is not connected yet.
        clock: monotonic seconds.
        on_heard: called for each authentic answer.
    """

    def __init__(self, peer: RTCPeerConnection, *, clock: Callable[[], float], on_heard: Callable[[], None]) -> None:
        transport: Any = peer.getTransceivers()[0].receiver.transport.transport
        self._ice = transport._connection
        self._clock = clock
        self._on_heard = on_heard
        self._open: dict[bytes, _Question] = {}
        self._rtts_s: deque[float] = deque(maxlen=N_SAMPLES)
        self._is_answered = False
        # aiortc starts and cancels it under this name.
        self._ice.query_consent = self._run

    @property
    def rtt_s(self) -> float | None:
        """Median of the last five round trips, seconds; a stall of the event loop does not show in it."""
        return statistics.median(self._rtts_s) if self._rtts_s else None

    def route(self) -> str | None:
        """Return how the peer is reached: host, srflx, prflx or relay, with /udp or /tcp; None if not connected."""
        pair = self._ice._nominated.get(1)
        if pair is None:
            return None
        if pair.local_candidate.type == "relay":
            return f"relay/{self._ice.turn_transport}"
        return f"{pair.remote_candidate.type}/udp"

    async def _run(self) -> None:
        try:
            while True:
                self._is_answered = False
                self._ask()
                await asyncio.sleep(RETRY_S * random.uniform(0.8, 1.2))
                if self._is_answered:
                    await asyncio.sleep(PERIOD_S * random.uniform(0.8, 1.2) - RETRY_S)
        finally:
            for transaction_id in tuple(self._open):
                self._forget(transaction_id)

    def _ask(self) -> None:
        now_s = self._clock()
        for transaction_id, question in tuple(self._open.items()):
            if now_s - question.sent_s > FORGET_S:
                self._forget(transaction_id)
        pair = self._ice._nominated.get(1)
        if pair is None:
            return
        request = self._ice.build_request(pair, nominate=False)
        request.add_message_integrity(self._ice.remote_password.encode())
        question = _Question(self, pair.protocol, pair.remote_addr, now_s)
        self._open[request.transaction_id] = question
        pair.protocol.transactions[request.transaction_id] = question
        pair.protocol.send_stun(request, pair.remote_addr)

    def _forget(self, transaction_id: bytes) -> None:
        question = self._open.pop(transaction_id)
        question.protocol.transactions.pop(transaction_id, None)

    def answered(self, question: _Question, message: Any) -> None:
        """Take an answer to a question if it is authentic."""
        if not message.check_message_integrity(self._ice.remote_password.encode()):
            return
        self._forget(message.transaction_id)
        self._rtts_s.append(self._clock() - question.sent_s)
        self._is_answered = True
        self._on_heard()
