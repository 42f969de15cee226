"""What the guard before a connection's sockets costs for each datagram, against aioice without it, in the same run.

``python -m scripts.bench_guard``
"""

import argparse
import asyncio
import json
import statistics
import time
from typing import Any

import aioice.ice
from aioice.candidate import Candidate
from aiortc import RTCConfiguration, RTCPeerConnection

from server.clock import monotonic_s
from server.rtc.aiortc_private import DatagramGuard
from server.rtc.aiortc_private import datagrams as guard_module
from server.rtc.counters import Counters

PEER, STRANGER = ("192.0.2.10", 5000), ("198.51.100.7", 7000)
MEDIA = b"\x80\x60" + bytes(1100)


def _candidate(host: str, port: int) -> Any:
    it = Candidate(foundation="1", component=1, transport="udp", priority=1, host=host, port=port, type="host")
    it._network_host = host
    return it


async def _socket(*, is_guarded: bool) -> Any:
    """Return a STUN protocol with a nominated pair."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    dtls: Any = peer.addTransceiver("audio", direction="recvonly").receiver.transport
    ice = dtls.transport._connection
    protocol: Any = aioice.ice.StunProtocol(ice)
    protocol.local_candidate = _candidate("192.0.2.1", 4000)
    ice._nominated[1] = aioice.ice.CandidatePair(protocol, _candidate(*PEER))
    if is_guarded:
        guard = DatagramGuard(peer, clock=monotonic_s, counters=Counters())
        guard.watch(protocol)
        await dtls._handle_rtp_data(MEDIA, arrival_time_ms=0)  # its stream is known from then on
    return protocol


def _cost_us(protocol: Any, address: tuple[str, int], n: int) -> float:
    queue = protocol.receiver._queue
    start_s = time.perf_counter()
    for _ in range(n):
        protocol.datagram_received(MEDIA, address)
    cost_s = time.perf_counter() - start_s
    while not queue.empty():
        queue.get_nowait()
    return 1e6 * cost_s / n


async def measure(n_rounds: int) -> dict[str, float]:
    """Return microseconds a datagram, the median of the rounds; the cases take turns."""
    stock, guarded = await _socket(is_guarded=False), await _socket(is_guarded=True)
    n = guard_module.MAX_QUEUED
    cases = {
        "peer_stock": (stock, PEER),
        "peer_guarded": (guarded, PEER),
        "stranger_stock": (stock, STRANGER),
        "stranger_guarded": (guarded, STRANGER),
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(n_rounds):
        for name, (protocol, address) in cases.items():
            times[name].append(_cost_us(protocol, address, n))
        await asyncio.sleep(n / guard_module.RATE_PER_S)  # the guard lets no more through
    return {f"{name}_us": round(statistics.median(values), 2) for name, values in times.items()}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    print(json.dumps(asyncio.run(measure(parser.parse_args().rounds))))


if __name__ == "__main__":
    main()
