"""One end of the network bench as a process: both clients, or both receivers, each pair on addresses of its own.

``python -m scripts.bench_network_side clients|receivers CLIP ADDRESS ADDRESS``: the first address is for our side,
the second for the stock one.
"""

import asyncio
import hashlib
import sys
from pathlib import Path
from typing import Any

from scripts.bench_network_faults import Link
from scripts.bench_network_figures import Handed, Window
from scripts.bench_network_media import Clip, Log, Sent
from scripts.bench_network_peers import Client, OurReceiver, Receiver, StockReceiver
from scripts.bench_processes import orders, say

SIDES = ("ours", "stock")
KINDS = ("video", "audio")


def _short(data: bytes) -> str:
    """Return what stands for a frame: a hash and its last bytes, which hold a picture's number."""
    return (hashlib.blake2b(data, digest_size=12).digest() + data[-4:]).hex()


def read_log(told: dict[str, Any]) -> Log:
    """Return the log of what a client told, each frame shortened."""
    return Log(
        **{kind: [Sent(at_s, bytes.fromhex(data), is_key) for at_s, data, is_key in told[kind]] for kind in KINDS}
    )


def read_handed(told: dict[str, Any]) -> Handed:
    """Return what a receiver told it handed out, each frame shortened."""
    return Handed(**{kind: [(at_s, bytes.fromhex(data)) for at_s, data, _ in told[kind]] for kind in KINDS})


def video_kbps(told: dict[str, Any], window: Window) -> int:
    """Return the bit rate of the pictures handed out."""
    n_bytes: int = sum(size for at_s, _, size in told["video"] if window.from_s <= at_s < window.to_s)
    return round(n_bytes * 8 / (window.to_s - window.from_s) / 1000)


async def clients(clip_path: str, *addresses: str) -> None:
    """Publish to both receivers; tell in the end what was sent."""
    clip = Clip.load(Path(clip_path))
    logs = {side: Log() for side in SIDES}
    both = {
        side: Client(clip, logs[side], Link(0, 0.0), honours_remb=True, address=address)
        for side, address in zip(SIDES, addresses, strict=True)
    }
    say(offers={side: await client.offer() for side, client in both.items()})
    async for order in orders():
        if "answers" in order:
            await asyncio.gather(*(both[side].accept(answer) for side, answer in order["answers"].items()))
            say(connected=True)
        else:
            say(**{side: _told_sent(log) for side, log in logs.items()})
    await asyncio.gather(*(client.close() for client in both.values()))


def _told_sent(log: Log) -> dict[str, Any]:
    return {kind: [(sent.at_s, _short(sent.data), sent.is_key) for sent in log.of(kind)] for kind in KINDS}


async def receivers(clip_path: str, *addresses: str) -> None:
    """Receive by our media plane and by stock aiortc; tell in the end what was handed out."""
    both: dict[str, Receiver] = {"ours": OurReceiver(addresses[0]), "stock": StockReceiver(addresses[1])}
    async for order in orders():
        if "offers" in order:
            say(answers={side: await both[side].answer(offer) for side, offer in order["offers"].items()})
        else:
            say(**{side: _told_handed(receiver.handed) for side, receiver in both.items()})
    await asyncio.gather(*(receiver.close() for receiver in both.values()))


def _told_handed(handed: Handed) -> dict[str, Any]:
    frames = {"video": handed.video, "audio": handed.audio}
    return {kind: [(at_s, _short(data), len(data)) for at_s, data in frames[kind]] for kind in KINDS}


if __name__ == "__main__":
    asyncio.run({"clients": clients, "receivers": receivers}[sys.argv[1]](*sys.argv[2:]))
