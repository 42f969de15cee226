"""A call whose candidate sits in a network that fails, and how long the pictures stay away afterwards.

``python -m tests.e2e.outage`` runs many outages and prints what was measured as JSON.
"""

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as NotInTime

from tests.e2e.conftest import CHROMIUM_OPTIONS, chromium_path
from tests.e2e.journey import Call, expect_moving_picture, start_call
from tests.e2e.network import ClientNetwork
from tests.e2e.server_process import ServerProcess
from tests.fakes.priority import ahead_of_others

PICTURES = {"interviewer": "#candidate-video", "candidate": "#tiles video"}
"""The picture of the other side on each page."""

# In its network there is no server on loopback; with such an address it would never be without one.
_ELSEWHERE = [option for option in CHROMIUM_OPTIONS if option != "--allow-loopback-in-peer-connection"]

GOES_ON = 5
"""A picture is back with the first of so many frames within a second."""

# Keeps the wall-clock time of the frames shown, milliseconds, whatever element shows them.
WATCH_FRAMES = """selector => {
    window.frameTimes = [];
    const seen = new WeakSet();
    const follow = (video) => {
        if (seen.has(video)) return;
        seen.add(video);
        const shown = () => {
            window.frameTimes.push(Date.now());
            if (window.frameTimes.length > 3000) window.frameTimes.splice(0, 1000);
            video.requestVideoFrameCallback(shown);
        };
        video.requestVideoFrameCallback(shown);
    };
    setInterval(() => document.querySelectorAll(selector).forEach(follow), 50);
}"""

BACK_AT = """([after_ms, n]) => {
    const times = window.frameTimes.filter((t) => t >= after_ms);
    for (let i = 0; i + n <= times.length; i += 1) if (times[i + n - 1] - times[i] < 1000) return times[i];
    return 0;
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCall:
    """A call over a network that can fail."""

    call: Call
    network: ClientNetwork
    server: ServerProcess
    base_url: str
    """By which the candidate reaches the server."""

    def page(self, side: str) -> Page:
        return self.call.ada if side == "interviewer" else self.call.sam

    def browser_pids(self) -> list[int]:
        """Return the processes of the candidate's browser."""
        result = subprocess.run(
            ["ip", "netns", "pids", self.network.client], check=True, capture_output=True, text=True, timeout=10
        )
        return [int(pid) for pid in result.stdout.split()]

    def back_after_s(self, since_ms: float, *, limit_s: float = 30.0) -> dict[str, float]:
        """Return how long after a moment each page shows a moving picture again; inf when it does not."""
        result = {}
        for side in PICTURES:
            left_ms = max(1000.0, since_ms + limit_s * 1000 - time.time() * 1000)
            try:
                handle = self.page(side).wait_for_function(
                    BACK_AT, arg=[since_ms, GOES_ON], timeout=left_ms, polling=50
                )
                result[side] = (handle.json_value() - since_ms) / 1000
            except NotInTime:
                result[side] = math.inf
        return result

    def outage(self, kind: str, length_s: float) -> dict[str, float]:
        """Let the candidate's network fail for a while; return how soon the pictures are back."""
        down, up = {
            "cut": (self.network.cut, self.network.restore),
            "unplug": (self.network.unplug, self.network.plug),
        }[kind]
        down()
        self.call.ada.wait_for_timeout(length_s * 1000)
        up()
        return self.back_after_s(time.time() * 1000)


@contextmanager
def remote_call(folder: Path, *options: str) -> Iterator[RemoteCall]:
    """Start a server, an interviewer beside it and a candidate behind a router; yields them in the middle of a call.

    Raises:
        NotPermitted: no network namespaces here.
    """
    with ClientNetwork() as network, ahead_of_others(), sync_playwright() as playwright:
        server = ServerProcess(
            folder / "data",
            *("--host", "0.0.0.0", "--ice-addresses", network.server_address),
            *options,
        )
        try:
            port = server.base_url.rsplit(":", 1)[1]
            remote_url = f"http://{network.server_address}:{port}"
            here = playwright.chromium.launch(executable_path=chromium_path(), args=list(CHROMIUM_OPTIONS))
            there = playwright.chromium.launch(
                executable_path=network.wrapper(chromium_path(), folder),
                args=[*_ELSEWHERE, f"--unsafely-treat-insecure-origin-as-secure={remote_url}"],
            )
            call = _start(server, here, there, remote_url)
            yield RemoteCall(call=call, network=network, server=server, base_url=remote_url)
            there.close()
            here.close()
        finally:
            server.stop()


def _start(server: ServerProcess, here: Browser, there: Browser, remote_url: str) -> Call:
    call = start_call(server, here, agrees_to=("call",), candidate_browser=there, candidate_url=remote_url)
    expect_moving_picture(call.sam, PICTURES["candidate"])
    for side, page in (("interviewer", call.ada), ("candidate", call.sam)):
        page.evaluate(WATCH_FRAMES, PICTURES[side])
    return call


def quantile(values: list[float], share: float) -> float:
    """Return the smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def main() -> int:
    """Measure; the exit status is 0 when the pictures were back in time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outages", type=int, default=12, help="of 3 to 6 s each")
    parser.add_argument("--long", type=float, nargs="*", default=[20.0, 45.0], help="further outages, seconds")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    lengths = [round(rng.uniform(3, 6), 1) for _ in range(options.outages)] + options.long
    rows = []
    with tempfile.TemporaryDirectory() as folder, remote_call(Path(folder)) as it:
        for n, length_s in enumerate(lengths):
            kind = ("cut", "unplug")[n % 2]
            row = {"kind": kind, "length_s": length_s, "back_after_s": it.outage(kind, length_s)}
            rows.append(row)
            print(json.dumps(row), file=sys.stderr, flush=True)  # noqa: T201
            if math.inf in row["back_after_s"].values():
                for side in PICTURES:
                    print(f"the {side}'s page:", it.page(side).inner_text("main"), file=sys.stderr)  # noqa: T201
                print("\n".join(it.server.output[-40:]), file=sys.stderr)  # noqa: T201
            it.call.ada.wait_for_timeout(3000)
    everything = [value for row in rows for value in row["back_after_s"].values()]
    p95_s = quantile(everything, 0.95)
    print(json.dumps({"rows": rows, "p95_s": p95_s, "longest_s": max(everything)}, indent=1))  # noqa: T201
    return 0 if p95_s <= 3 else 1


if __name__ == "__main__":
    sys.exit(main())
