"""The network bench over real sockets and the kernel's own queues: two network namespaces joined by veth pairs.

Clients live in one namespace, receivers in the other, our pair and the stock pair each on a link of its own. The
bandwidth condition needs tc's tbf only. Loss and jitter need netem, which not every kernel has; whether this one has
is tried, not guessed. All of it needs root and iproute2. Nothing of it is left afterwards.
"""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.bench_network_faults import Faults
from scripts.bench_network_figures import Figures, Window, judge
from scripts.bench_network_media import Clip
from scripts.bench_network_side import SIDES, read_handed, read_log, video_kbps
from scripts.bench_processes import Peer, started
from server.clock import monotonic_s

COMMAND_TIMEOUT_S = 10
WARM_UP_S = 2.0
DRAIN_S = 1.5
_MODULE = "scripts.bench_network_side"


class NotPossible(Exception):
    """This machine cannot do it; the message says why."""


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Two namespaces with a link for each side."""

    client: str
    server: str

    def address(self, namespace: str, side: str) -> str:
        """Return the address of one end of a side's link."""
        return f"10.213.{SIDES.index(side)}.{1 if namespace == self.client else 2}"

    def device(self, namespace: str, side: str) -> str:
        """Return the name of that end."""
        return f"cb{'c' if namespace == self.client else 's'}{SIDES.index(side)}p{os.getpid()}"[:15]

    def tc(self, *arguments: str, namespace: str) -> str:
        """Run tc within a namespace."""
        return _run("ip", "netns", "exec", namespace, "tc", *arguments)

    def impair(self, faults: Faults, rtt_s: float) -> None:
        """Make both links behave so."""
        for namespace in (self.client, self.server):
            discipline = discipline_of(faults, rtt_s, is_upward=namespace == self.client)
            for side in SIDES if discipline else ():
                device = self.device(namespace, side)
                self.tc("qdisc", "add", "dev", device, "root", *discipline, namespace=namespace)

    def loss(self, side: str) -> float:
        """Return the share of packets that a side's link dropped on the way up."""
        device = self.device(self.client, side)
        told = json.loads(self.tc("-s", "-j", "qdisc", "show", "dev", device, namespace=self.client))[0]
        n_packets = told["packets"] + told["drops"]
        return float(told["drops"] / n_packets) if n_packets else 0.0


def discipline_of(faults: Faults, rtt_s: float, *, is_upward: bool) -> list[str]:
    """Return tc's words for faults (tc-netem(8), tc-tbf(8)); empty for none in this direction.

    A rate limit is for the way up only, and stands alone: tbf has no delay, so its round trip is the machine's.
    """
    if faults.rate_bps is not None:
        rate = f"{faults.rate_bps:.0f}bit"
        return ["tbf", "rate", rate, "burst", "3000", "latency", f"{1000 * faults.queue_s:.0f}ms"] if is_upward else []
    delay_ms, half_ms = 1000 * rtt_s / 2, 500 * faults.jitter_s
    words = ["netem", "limit", "10000", "delay", f"{delay_ms + half_ms:.1f}ms"]
    if half_ms:
        words.append(f"{half_ms:.1f}ms")
    if faults.loss:
        words += ["loss", f"{100 * faults.loss:g}%"]
    return words


def _run(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False)
    if result.returncode:
        raise NotPossible(result.stderr.strip() or f"{command[0]} ended with status {result.returncode}")
    return result.stdout


@contextmanager
def namespaces() -> Iterator[Namespaces]:
    """Make the namespaces.

    Raises:
        NotPossible: not root, no iproute2, or no such kernel.
    """
    if os.geteuid() != 0:
        raise NotPossible("needs root")
    if shutil.which("ip") is None or shutil.which("tc") is None:
        raise NotPossible("needs iproute2 (ip, tc)")
    made = Namespaces(f"composure-bench-c{os.getpid()}", f"composure-bench-s{os.getpid()}")
    ends = (made.client, made.server)
    try:
        for namespace in ends:
            _run("ip", "netns", "add", namespace)
        for side in SIDES:
            devices = [made.device(namespace, side) for namespace in ends]
            peer = ["peer", "name", devices[1], "netns", made.server]
            _run("ip", "link", "add", devices[0], "netns", made.client, "type", "veth", *peer)
            for namespace, device in zip(ends, devices, strict=True):
                in_it = ["ip", "-n", namespace]
                _run(*in_it, "addr", "add", f"{made.address(namespace, side)}/24", "dev", device)
                _run(*in_it, "link", "set", device, "up")
        yield made
    finally:
        for namespace in ends:
            subprocess.run(
                ["ip", "netns", "del", namespace], capture_output=True, timeout=COMMAND_TIMEOUT_S, check=False
            )


def netem_missing() -> str | None:
    """Return why netem cannot be used here, None if it can."""
    try:
        with namespaces() as made:
            made.impair(Faults(loss=0.01), 0.05)
    except NotPossible as exc:
        return f"netem: {exc}"
    return None


async def measure_in_namespaces(
    faults: Faults, clip: Clip, *, rtt_s: float, seconds: float, settle_s: float
) -> tuple[Figures, Figures]:
    """Return what our side and the stock one gave.

    Raises:
        NotPossible: this machine cannot do it.
    """
    with namespaces() as made, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        clip.save(path)
        async with _peers(made, path) as (clients, receivers):
            await receivers.order(offers=(await clients.said())["offers"])
            await clients.order(answers=(await receivers.said())["answers"])
            await clients.said()
            await asyncio.sleep(WARM_UP_S)
            from_s = monotonic_s()
            made.impair(faults, rtt_s)
            await asyncio.sleep(seconds)
            window = Window(from_s=from_s, to_s=monotonic_s(), settled_s=from_s + min(settle_s, seconds / 4))
            losses = {side: made.loss(side) for side in SIDES}
            await asyncio.sleep(DRAIN_S)
            await clients.order(tell="")
            await receivers.order(tell="")
            sent, handed = await clients.said(), await receivers.said()
    one_way_s = 0.0 if faults.rate_bps else rtt_s / 2

    def figures(side: str) -> Figures:
        loss = losses[side]
        log, out = read_log(sent[side]), read_handed(handed[side])
        judged = judge(log, out, window, one_way_s=one_way_s, net_loss=loss, net_loss_all=loss)
        return replace(judged, video_kbps=video_kbps(handed[side], window))

    return figures("ours"), figures("stock")


@asynccontextmanager
async def _peers(made: Namespaces, clip: Path) -> AsyncIterator[list[Peer]]:
    places = ((made.client, "clients"), (made.server, "receivers"))
    arguments = [(role, str(clip), *(made.address(namespace, side) for side in SIDES)) for namespace, role in places]
    within = [("ip", "netns", "exec", namespace) for namespace, _ in places]
    async with started(_MODULE, *arguments, within=within) as running:
        yield running
