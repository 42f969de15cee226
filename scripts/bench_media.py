"""What forwarding costs and how much it delays: ``scripts/bench media [--json]``.

A publisher sends 640x480 VP8 at 30 pictures a second and about 1.2 Mbit/s, and Opus, to a server, which one viewer
watches. Publisher, server and viewer are processes of their own on loopback, so that the server's processor time is
its own. Two runs in a row: through aiortc's MediaRelay, which decodes and encodes, and through this program's media
plane.

relay_cores, forward_cores: processor time of the server process per second, in cores.
added_delay_p50_ms, added_delay_p95_ms: in the second run the publisher also sends the same media straight to the
    viewer, at the same moments. A packet's added delay is its time from leaving the publisher to arriving in the
    viewer's process through the server, less that of the packet sent straight at the nearest moment. So one more
    hop through the kernel and the server's waking up count; what keeps publisher and viewer busy does not.
bit_exact: every encoded frame that the viewer put together is one that was sent, in the order of sending, and no
    more than 1 in 100 is missing. missing_frames counts those.

A machine that does other work meanwhile gives worse figures.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scripts.bench_media_clip import FPS, N_PICTURES, Clip, encode_clip
from scripts.bench_processes import started

WARM_UP_S = 3.0
MAX_MISSING = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the bench gave."""

    relay_cores: float
    forward_cores: float
    forward_share_of_relay: float
    added_delay_p50_ms: float
    added_delay_p95_ms: float
    direct_p95_ms: float
    """Time on the way of the packets sent straight; more than some milliseconds mean a busy machine."""
    bit_exact: bool
    frames: int
    missing_frames: int
    video_kbps: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run gave."""

    cores: float
    sent: dict[str, Any]
    received: dict[str, Any]

    def delays(self, way: str) -> npt.NDArray[np.float64]:
        """Return (time of leaving, time on the way) in seconds of each packet, shape (n, 2), ordered by leaving.

        Args:
            way: "served" or "direct".
        """
        left_of: dict[str, list[float]] = self.sent["times"][way]
        pairs = [
            (left, arrived - left)
            for name, arrivals in self.received["times"][way].items()
            for left, arrived in zip(left_of.get(name, []), arrivals, strict=False)
        ]
        return np.array(sorted(pairs))

    def added_delays_s(self) -> npt.NDArray[np.float64]:
        """Return what the server adds, packet by packet, once all has settled."""
        through, straight = self.delays("served"), self.delays("direct")
        through = through[through[:, 0] > through[0, 0] + WARM_UP_S]
        after = np.searchsorted(straight[:, 0], through[:, 0]).clip(1, len(straight) - 1)
        is_before_nearer = through[:, 0] - straight[after - 1, 0] < straight[after, 0] - through[:, 0]
        added: npt.NDArray[np.float64] = through[:, 1] - straight[after - is_before_nearer, 1]
        return added


async def served(server_role: str, clip: Path, seconds: float) -> Run:
    """Measure a server between publisher and viewer."""
    roles = [(role, str(clip)) for role in ("publisher", "viewer", server_role)]
    async with started("scripts.bench_media_peers", *roles) as (publisher, viewer, server):
        offers = await publisher.said()
        await server.order(publish=offers["offer"])
        await publisher.order(answer=(await server.said())["answer"])
        await server.order(watch=(await viewer.said())["offer"])
        await viewer.order(answer=(await server.said())["answer"])
        await viewer.order(direct=offers["direct"])
        await publisher.order(direct=(await viewer.said())["answer"])
        await asyncio.sleep(WARM_UP_S)
        from_s, cpu_from_s = asyncio.get_running_loop().time(), server.cpu_s()
        await asyncio.sleep(seconds)
        cores = (server.cpu_s() - cpu_from_s) / (asyncio.get_running_loop().time() - from_s)
        await viewer.order(stop="")
        received = await viewer.said()
        await publisher.order(stop="")
        return Run(cores=cores, sent=await publisher.said(), received=received)


def compare(sent: list[str], received: list[str]) -> tuple[bool, int]:
    """Compare hashes of frames.

    Args:
        sent: all that were sent, in order.
        received: what came, in order; may start late and end early.

    Returns:
        Whether each received one was sent, in that order, and how many between the first and the last are missing.
    """
    if not received or received[0] not in sent:
        return False, 0
    # A clip that plays round and round holds the first one several times: the best fit counts.
    starts = [i for i, name in enumerate(sent) if name == received[0]]
    results = [_follow(sent[start:], received) for start in starts]
    fitting = [n_missing for n_missing in results if n_missing is not None]
    return (True, min(fitting)) if fitting else (False, 0)


def _follow(sent: list[str], received: list[str]) -> int | None:
    position = n_missing = 0
    for name in received:
        try:
            found = sent.index(name, position)
        except ValueError:
            return None
        n_missing += found - position
        position = found + 1
    return n_missing


def figures(relayed: Run, forwarded: Run, clip: Clip, seconds: float) -> Figures:
    """Put the two runs together."""
    results = {kind: compare(forwarded.sent["frames"][kind], forwarded.received["frames"][kind]) for kind in KINDS}
    n_frames = sum(len(forwarded.received["frames"][kind]) for kind in KINDS)
    n_missing = sum(missing for _, missing in results.values())
    p50_s, p95_s = np.percentile(forwarded.added_delays_s(), (50, 95)).tolist()
    direct_p95_s = float(np.percentile(forwarded.delays("direct")[:, 1], 95))
    return Figures(
        relay_cores=round(relayed.cores, 3),
        forward_cores=round(forwarded.cores, 3),
        forward_share_of_relay=round(forwarded.cores / relayed.cores, 3),
        added_delay_p50_ms=round(1000 * p50_s, 2),
        added_delay_p95_ms=round(1000 * p95_s, 2),
        direct_p95_ms=round(1000 * direct_p95_s, 2),
        bit_exact=all(is_exact for is_exact, _ in results.values()) and n_missing <= MAX_MISSING * n_frames,
        frames=n_frames,
        missing_frames=n_missing,
        video_kbps=round(8 * sum(map(len, clip.video)) / (N_PICTURES / FPS) / 1000),
        seconds=seconds,
    )


KINDS = ("video", "audio")


async def measure(clip: Clip, seconds: float) -> Figures:
    """Make the two runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        clip.save(path)
        relayed = await served("relay", path, seconds)
        forwarded = await served("forward", path, seconds)
    return figures(relayed, forwarded, clip, seconds)


def main(argv: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench media", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each measurement")
    options = parser.parse_args(argv)
    result = asdict(asyncio.run(measure(encode_clip(), options.seconds)))
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print("\n".join(f"{name:24} {value}" for name, value in result.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
