"""How soon many who join at once see something: ``scripts/bench join [--json]``.

One participant publishes VP8 640x480 at 1.2 Mbit/s and Opus. Then so many viewers join, evenly spread over two
seconds. The server is this process; the publisher and the viewers are processes of their own on loopback, so the
server's loop lag is its own. Offers and answers pass by pipes, not by HTTP.

first_picture_*_ms: from a viewer's beginning (before its peer connection is made) to its first whole key frame.
most_plis_in_500_ms: key-frame requests that reached the publisher, at most in any half second, from the first join on.
loop_lag_p99_ms: how late the server's event loop woke a sleeper during the storm; of so short a time the worst.

A machine that does other work meanwhile gives worse figures.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from scripts.bench_network_media import encode_clip
from scripts.bench_network_peers import ADDRESS
from scripts.bench_processes import Peer, started
from server.clock import monotonic_s
from server.config import Config
from server.ops.lag import LagMonitor
from server.rtc.plane import MediaPlane

WARM_UP_S = 2.0
SPREAD_S = 2.0
PLI_WINDOW_S = 0.495
"""Half a second, less what a busy machine adds to the time of the first of two requests."""
PICTURE_TIMEOUT_S = 15.0
VIEWER_PROCESSES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the storm gave."""

    viewers: int
    with_picture: int
    first_picture_p50_ms: float
    first_picture_p95_ms: float
    first_picture_max_ms: float
    plis: int
    most_plis_in_500_ms: int
    loop_lag_p99_ms: float
    load_average: float


def most_within(times_s: Sequence[float], window_s: float) -> int:
    """Return how many of these ascending times lie, at most, in a window of this length."""
    return max((bisect_left(times_s, at_s + window_s) - i for i, at_s in enumerate(times_s)), default=0)


async def measure(n_viewers: int, clip: Path) -> Figures:
    """Run one storm."""
    config = Config.from_env({}, {"ice_addresses": ADDRESS})
    plane = MediaPlane(config, clock=monotonic_s, on_publisher=lambda event: None)
    roles = [(role, str(clip)) for role in ("publisher", *["viewers"] * VIEWER_PROCESSES)]
    try:
        async with started("scripts.bench_join_peers", *roles) as (publisher, *viewers):
            offer = (await publisher.said())["offer"]
            await publisher.order(answer=(await plane.publish("room", "candidate", offer)).answer_sdp)
            await publisher.said()
            await asyncio.sleep(WARM_UP_S)
            return await _storm(plane, publisher, viewers, n_viewers)
    finally:
        await plane.close()


async def _storm(plane: MediaPlane, publisher: Peer, viewers: list[Peer], n_viewers: int) -> Figures:
    from_s = monotonic_s() + 0.2
    pictures_s: dict[int, float] = {}
    lag = LagMonitor(monotonic_s)
    tasks = [asyncio.create_task(lag.run(), name="bench lag")]
    for i, peer in enumerate(viewers):
        numbers = range(i, n_viewers, len(viewers))
        await peer.order(join=[(number, from_s + SPREAD_S * number / n_viewers) for number in numbers])
        tasks.append(asyncio.create_task(_serve(plane, peer, pictures_s, len(numbers)), name="bench viewers"))
    try:
        await asyncio.wait_for(asyncio.gather(*tasks[1:]), SPREAD_S + PICTURE_TIMEOUT_S)
    except TimeoutError:
        print(f"{n_viewers - len(pictures_s)} viewers got no picture", file=sys.stderr)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await publisher.order(tell="")
    asked_s = [at_s for at_s in (await publisher.said())["asked_s"] if at_s >= from_s]
    p50_ms, p95_ms, max_ms = (1000 * np.percentile(list(pictures_s.values()), (50, 95, 100))).tolist()
    return Figures(
        viewers=n_viewers,
        with_picture=len(pictures_s),
        first_picture_p50_ms=round(p50_ms),
        first_picture_p95_ms=round(p95_ms),
        first_picture_max_ms=round(max_ms),
        plis=len(asked_s),
        most_plis_in_500_ms=most_within(asked_s, PLI_WINDOW_S),
        loop_lag_p99_ms=round(lag.p99_ms() or 0.0, 1),
        load_average=round(os.getloadavg()[0], 1),
    )


async def _serve(plane: MediaPlane, peer: Peer, pictures_s: dict[int, float], n_viewers: int) -> None:
    """Answer the offers of one process of viewers until all of them have a picture."""
    answering: set[asyncio.Task[None]] = set()

    async def answer(number: int, offer: str) -> None:
        resource = await plane.watch("room", "candidate", f"viewer {number}", offer)
        await peer.order(number=number, answer=resource.answer_sdp)

    n_pictures = 0
    while n_pictures < n_viewers:
        message = await peer.said()
        if "offer" in message:
            answering.add(asyncio.create_task(answer(message["number"], message["offer"])))
        else:
            pictures_s[message["number"]] = message["first_picture_s"]
            n_pictures += 1
    await asyncio.gather(*answering)


def main(argv: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench join", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--viewers", type=int, default=20, help="how many join")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip"
        encode_clip(is_adaptive=False).save(clip)
        result = asdict(asyncio.run(measure(options.viewers, clip)))
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print("\n".join(f"{name:22} {value}" for name, value in result.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
