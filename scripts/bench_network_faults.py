"""A bad network for one aiortc client: loss, delay, jitter, reordering, an outage, a narrow link; seeded.

``Link.install`` stands between one client's UDP sockets and aiortc, on these instances only; any other connection of
the same process is left alone. All datagrams of the client pass through it, so requests, reports and the checks of
ICE suffer like media.

The same seed gives the same decisions: the n-th packet of a stream (sound, pictures, retransmissions, everything else)
in one direction is lost, or held back, in every run, whatever happens to the others.
"""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiortc import RTCPeerConnection
from aiortc.rtp import is_rtcp

HEADER_BYTES = 28
"""IP and UDP headers, which fill a narrow link too."""
BURST_BYTES = 3_000
"""What a narrow link lets through at once after a pause (tc-tbf(8): burst)."""
JITTER_CELL_S = 0.25
"""Uneven delay goes from one random value to the next in this time."""
REORDER_HOLD_S = (0.025, 0.06)
"""How long a packet is held back for others to overtake it."""
_FIFO_STEP_S = 1e-6
AUDIO, VIDEO, RTX = "audio", "video", "rtx"
OTHER = "other"
"""What is not media: STUN, DTLS, RTCP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What a network does to packets, in each direction."""

    loss: float = 0.0
    """Share of packets lost, independently of each other, [0, 1]."""
    jitter_s: float = 0.0
    """Highest further delay."""
    jitter_reorders: bool = False
    """Each packet's further delay is drawn for itself, so packets overtake; else it changes smoothly and none does."""
    reorder: float = 0.0
    """Share of packets held back for 25-60 ms while others overtake, [0, 1]."""
    outage_s: float = 0.0
    """Nothing passes for so long from the beginning."""
    rate_bps: float | None = None
    """Bits per second with IP and UDP headers; None for no limit."""
    queue_s: float = 0.5
    """Longest queue before a narrow link; what does not fit is dropped."""


@dataclass(slots=True)
class Tally:
    """Packets of one stream since the faults began."""

    packets: int = 0
    lost: int = 0


@dataclass(slots=True)
class Direction:
    """Decides for each packet of one direction when it arrives, if it does. Pure: the time is handed in.

    Args:
        name: makes the two directions differ.
        seed: of all decisions.
        delay_s: of every packet, also without faults.
    """

    name: str
    seed: int
    delay_s: float
    tallies: dict[str, Tally] = field(default_factory=dict)
    """By stream label."""
    _faults: Faults = field(default_factory=Faults)
    _begin_s: float = float("-inf")
    _streams: dict[str, random.Random] = field(default_factory=dict)
    _last_due_s: float = float("-inf")
    _free_s: float = float("-inf")
    """When the narrow link will have sent all it holds."""

    def begin(self, faults: Faults, now_s: float) -> None:
        """Behave so from now on; decisions and counts start anew."""
        self._faults = faults
        self._begin_s = now_s
        self._streams.clear()
        self.tallies.clear()

    def due_s(self, label: str, size: int, now_s: float) -> float | None:
        """Return when a packet arrives that is sent now, None if it is lost.

        Args:
            label: of the packet's stream.
            size: bytes of UDP payload.
            now_s: never less than before.
        """
        faults = self._faults
        stream = self._streams.get(label)
        if stream is None:
            stream = self._streams[label] = random.Random(f"{self.seed}/{self.name}/{label}")
        # Always as many draws, so that the n-th packet's fate depends on n alone.
        loss, jitter, reorder, hold = (stream.random() for _ in range(4))
        tally = self.tallies.setdefault(label, Tally())
        tally.packets += 1
        sent_s = self._through_narrow_link(size, now_s)
        if loss < faults.loss or sent_s is None or now_s - self._begin_s < faults.outage_s:
            tally.lost += 1
            return None
        due_s = sent_s + self.delay_s
        if faults.jitter_reorders:
            return due_s + faults.jitter_s * jitter
        if reorder < faults.reorder:
            return due_s + REORDER_HOLD_S[0] + (REORDER_HOLD_S[1] - REORDER_HOLD_S[0]) * hold
        due_s += self._uneven_s(now_s)
        self._last_due_s = due_s = max(due_s, self._last_due_s + _FIFO_STEP_S)
        return due_s

    def _through_narrow_link(self, size: int, now_s: float) -> float | None:
        rate_bps = self._faults.rate_bps
        if rate_bps is None:
            return now_s
        needs_s = 8 * (size + HEADER_BYTES) / rate_bps
        free_s = max(self._free_s, now_s - 8 * BURST_BYTES / rate_bps) + needs_s
        if free_s - now_s > self._faults.queue_s:
            return None
        self._free_s = free_s
        return max(now_s, free_s)

    def _uneven_s(self, now_s: float) -> float:
        if not self._faults.jitter_s:
            return 0.0
        cell, within = divmod((now_s - self._begin_s) / JITTER_CELL_S, 1.0)
        a, b = (random.Random(f"{self.seed}/{self.name}/cell/{cell + i}").random() for i in (0, 1))
        return self._faults.jitter_s * (a + (b - a) * within)


class Link:
    """The network between one client and its server.

    Args:
        seed: of all decisions.
        rtt_s: round trip without faults.
    """

    def __init__(self, seed: int, rtt_s: float) -> None:
        self.up = Direction("up", seed, rtt_s / 2)
        self.down = Direction("down", seed, rtt_s / 2)
        self.discarded: Counter[str] = Counter()
        """Packets that were under way when the client closed, by direction."""
        self._labels: dict[int, str] = {}
        self._loop = asyncio.get_running_loop()

    def begin(self, faults: Faults) -> None:
        """Behave so from now on."""
        for direction in (self.up, self.down):
            direction.begin(faults, self._loop.time())

    def install(self, peer: RTCPeerConnection) -> None:
        """Stand between the client's sockets and aiortc; call it when the client has made its offer."""
        self._labels = _labels(peer.localDescription.sdp)
        gatherers = {t.sender.transport.transport.iceGatherer for t in peer.getTransceivers()}
        for gatherer in gatherers:
            ice: Any = gatherer._connection
            for protocol in ice._protocols:
                protocol.transport = _Socket(protocol.transport, self)
                protocol.datagram_received = self._receiving(protocol)

    def _receiving(self, protocol: Any) -> Callable[[bytes, Any], None]:
        receive = protocol.datagram_received

        def received(data: bytes, address: Any) -> None:
            self.pass_on(self.down, data, protocol.transport, lambda: receive(data, address))

        return received

    def pass_on(self, direction: Direction, data: bytes, transport: Any, deliver: Callable[[], None]) -> None:
        """Deliver a datagram when it is due, if it is."""
        due_s = direction.due_s(self._label(data), len(data), self._loop.time())
        if due_s is None:
            return

        def arrive() -> None:
            if transport.is_closing():
                self.discarded[direction.name] += 1
            else:
                deliver()

        self._loop.call_at(due_s, arrive)

    def _label(self, data: bytes) -> str:
        if len(data) < 12 or data[0] >> 6 != 2 or is_rtcp(data):
            return OTHER
        payload_type = data[1] & 0x7F
        return self._labels.get(payload_type, str(payload_type))


def _labels(sdp: str) -> dict[int, str]:
    """Return what to call the packets of each payload type: audio, video, rtx."""
    labels = {"opus": AUDIO, "VP8": VIDEO, "rtx": RTX}
    return {int(number): labels[name] for number, name in re.findall(r"a=rtpmap:(\d+) (opus|VP8|rtx)/", sdp)}


class _Socket:
    """A client's UDP transport, of which only the sending is delayed."""

    def __init__(self, transport: Any, link: Link) -> None:
        self._transport = transport
        self._link = link

    def sendto(self, data: bytes, address: Any = None) -> None:
        transport = self._transport
        self._link.pass_on(self._link.up, data, transport, lambda: transport.sendto(data, address))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
