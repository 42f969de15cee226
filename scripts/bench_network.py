"""Our media plane and stock aiortc under the same faults: ``scripts/bench network [--json]``.

In each condition a client publishes VP8 640x480 at 30 pictures a second and 1.2 Mbit/s, and Opus, to our media plane
with a consumer attached, as analysis is, and at the same time another client publishes the same to a stock aiortc
peer, which keeps its own jitter buffers, NACKs and key-frame requests. Both stand behind the same network: round trip
50 ms, the faults of the condition in both directions, seeded, from the moment all runs well. All is in one process,
so a machine that does other work meanwhile gives worse figures for both: see loop_lag_p99_ms and load_average.

bench_network_figures says what audio_lost, audio_lag_ms, video_frozen and longest_freeze_ms mean. Besides:

net_loss: share of audio packets that the network lost, none of which is ever sent again; the same packets for both,
    but for a narrow link, which loses what each side makes it lose. Of a row: that of our side.
net_loss_all: the same of all media packets of that side, retransmissions counted in.
recovery_s (outage): from the network's return to the next decodable picture. The client connects anew as late as our
    pages would at worst; both receivers answer with a new connection.
netem: the bandwidth condition again between network namespaces with tc's tbf (round trip near 0), and with netem loss
    and jitter, as far as this machine can: not seeded. available and reason tell about netem.
video_kbps: what arrived whole. In the bandwidth condition the client keeps to the receiver's REMB, as browsers do.
"""

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from scripts.bench_network_faults import AUDIO, OTHER, Faults, Link
from scripts.bench_network_figures import Figures, Window, judge
from scripts.bench_network_media import Clip, Log, encode_clip
from scripts.bench_network_namespaces import NotPossible, measure_in_namespaces, netem_missing
from scripts.bench_network_peers import Client, OurReceiver, Receiver, StockReceiver
from server.clock import monotonic_s
from server.ops.lag import LagMonitor

RTT_S = 0.05
WARM_UP_S = 1.5
DRAIN_S = 1.5
"""Frames sent before the end may still be handed out for so long."""
ASK_EVERY_S = 0.8
"""Our pages ask so often whether the server is within reach again (web/static/js/reach.js)."""
AFTER_OUTAGE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A row of the table."""

    name: str
    faults: Faults
    honours_remb: bool = False
    settle_s: float = 2.0
    """Lag counts after this; a sender takes a while to find out how much a narrow link carries."""


CONDITIONS = (
    *(Condition(name=f"loss-{percent}", faults=Faults(loss=percent / 100)) for percent in (0, 1, 2, 5, 10)),
    *(Condition(name=f"jitter-{ms}", faults=Faults(jitter_s=ms / 1000)) for ms in (30, 100, 200)),
    Condition(name="jitter-30-reordered", faults=Faults(jitter_s=0.03, jitter_reorders=True)),
    Condition(name="reorder-2", faults=Faults(reorder=0.02)),
    Condition(name="outage-20", faults=Faults(outage_s=20.0)),
    Condition(name="bandwidth-300", faults=Faults(rate_bps=300_000), honours_remb=True, settle_s=5.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One condition."""

    condition: str
    net_loss: float
    ours: Figures
    stock: Figures
    seconds: float
    rtt_ms: float
    loop_lag_p99_ms: float
    load_average: float


class Call:
    """A participant who publishes to one receiver, and comes back after an outage."""

    def __init__(self, condition: Condition, clip: Clip, receiver: Receiver, seed: int) -> None:
        self._condition = condition
        self._clip = clip
        self._receiver = receiver
        self._seed = seed
        self._log = Log()
        self._clients: list[Client] = []

    async def connect(self) -> None:
        """Connect, also anew; the connection before is left when the new one stands."""
        link = Link(self._seed, RTT_S)
        client = Client(self._clip, self._log, link, honours_remb=self._condition.honours_remb)
        self._clients.append(client)
        if len(self._clients) > 1:
            await self._clients[-2].close()
        await client.connect(self._receiver, RTT_S)

    async def run(self, seconds: float) -> Figures:
        """Let the network behave badly for some seconds; return what that did."""
        faults, first = self._condition.faults, self._clients[0]
        from_s = monotonic_s()
        first.link.begin(faults)
        if faults.outage_s:
            await self._come_back()
        await asyncio.sleep(from_s + seconds - monotonic_s())
        settle_s = min(self._condition.settle_s, seconds / 4)
        window = Window(from_s=from_s, to_s=monotonic_s(), settled_s=from_s + settle_s)
        tallies = self._tallies()
        await asyncio.sleep(DRAIN_S)
        net_loss, net_loss_all = tallies
        return judge(
            self._log,
            self._receiver.handed,
            window,
            one_way_s=RTT_S / 2,
            net_loss=net_loss,
            net_loss_all=net_loss_all,
            outage_s=faults.outage_s,
        )

    async def _come_back(self) -> None:
        """Connect anew after the outage, as late as our pages would: they have just asked in vain when it ends."""
        await asyncio.sleep(self._condition.faults.outage_s + ASK_EVERY_S + RTT_S)
        await self.connect()

    def _tallies(self) -> tuple[float, float]:
        """Return the share of audio and of all media packets lost since the faults began."""
        packets, lost = Counter[str](), Counter[str]()
        for client in self._clients:
            for label, tally in client.link.up.tallies.items():
                packets[label] += tally.packets
                lost[label] += tally.lost
        of_media = [label for label in packets if label != OTHER]
        media = sum(lost[label] for label in of_media) / sum(packets[label] for label in of_media)
        return lost[AUDIO] / packets[AUDIO], media

    async def close(self) -> None:
        """Close both ends."""
        await self._clients[-1].close()
        await self._receiver.close()


async def measure(condition: Condition, clip: Clip, *, seconds: float, seed: int) -> Row:
    """Measure both sides at once in one condition."""
    seconds = max(seconds, condition.faults.outage_s + AFTER_OUTAGE_S) if condition.faults.outage_s else seconds
    calls = [Call(condition, clip, receiver, seed) for receiver in (OurReceiver(), StockReceiver())]
    lag = LagMonitor(monotonic_s)
    watching = asyncio.create_task(lag.run(), name="bench lag")
    try:
        await asyncio.gather(*(call.connect() for call in calls))
        await asyncio.sleep(WARM_UP_S)
        ours, stock = await asyncio.gather(*(call.run(seconds) for call in calls))
    finally:
        watching.cancel()
        await asyncio.gather(*(call.close() for call in calls))
    return Row(
        condition=condition.name,
        net_loss=ours.net_loss,
        ours=ours,
        stock=stock,
        seconds=seconds,
        rtt_ms=1000 * RTT_S,
        loop_lag_p99_ms=round(lag.p99_ms() or 0.0, 1),
        load_average=round(os.getloadavg()[0], 1),
    )


async def measure_for_real(chosen: list[Condition], clip: Clip, seconds: float) -> dict[str, Any]:
    """Measure what this machine can between network namespaces; say what it cannot."""
    reason = netem_missing()
    rows: list[dict[str, Any]] = []
    for condition in chosen:
        faults = condition.faults
        needs_netem = faults.rate_bps is None
        is_simple = not (faults.outage_s or faults.reorder or faults.jitter_reorders)
        if not is_simple or (needs_netem and reason is not None):
            continue
        print(f"{condition.name} in namespaces ...", file=sys.stderr, flush=True)
        try:
            ours, stock = await measure_in_namespaces(
                faults, clip, rtt_s=RTT_S, seconds=seconds, settle_s=condition.settle_s
            )
        except NotPossible as exc:
            reason = str(exc)
            break
        by = "netem" if needs_netem else "tbf"
        rows.append({"condition": condition.name, "by": by, "ours": asdict(ours), "stock": asdict(stock)})
    return {"available": reason is None, "reason": reason, "rows": rows}


def table(rows: list[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = [
        "| condition | net loss | audio lost, ours / stock | audio lag ms | video frozen | longest freeze ms |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        ours, stock = row.ours, row.stock
        cells = [
            f"{row.net_loss:.1%}",
            f"{ours.audio_lost:.1%} / {stock.audio_lost:.1%}",
            f"{_number(ours.audio_lag_ms)} / {_number(stock.audio_lag_ms)}",
            f"{ours.video_frozen:.1%} / {stock.video_frozen:.1%}",
            f"{ours.longest_freeze_ms:.0f} / {stock.longest_freeze_ms:.0f}",
        ]
        lines.append(f"| {row.condition} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench network", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [condition.name for condition in CONDITIONS]
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of each condition; 30 for an outage")
    parser.add_argument("--seed", type=int, default=1, help="of all faults")
    parser.add_argument("--only", action="append", choices=names, help="this condition; may be given several times")
    return parser


def main(argv: list[str]) -> int:
    """Measure and print."""
    options = _parser().parse_args(argv)
    chosen = [condition for condition in CONDITIONS if not options.only or condition.name in options.only]
    clip = encode_clip(is_adaptive=any(condition.honours_remb for condition in chosen))
    rows = []
    for condition in chosen:
        print(f"{condition.name} ...", file=sys.stderr, flush=True)
        rows.append(asyncio.run(measure(condition, clip, seconds=options.seconds, seed=options.seed)))
        print(table(rows[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    netem = asyncio.run(measure_for_real(chosen, clip, options.seconds))
    if options.json:
        content = {"rows": [asdict(row) for row in rows], "seconds": options.seconds, "seed": options.seed}
        print(json.dumps(content | {"netem": netem}, indent=2))
    else:
        print(table(rows))
        print(f"\nBetween network namespaces: {json.dumps(netem)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
