"""Whether trouble costs the server memory or time: ``scripts/bench soak [--seconds 3600] [--json]``.

The real server runs the demo's interview. One viewer watches all the time. Meanwhile, over and over: a viewer's
process is stopped with SIGSTOP; another viewer goes on sending but never reads its socket; a research tap is opened
and never read; the analysis worker is stopped with SIGSTOP. Whatever the server drops is renewed.

growth_mb: median resident memory of the server's own process in the last minutes less that in the first minutes after
    the warm-up. The requirement is 20 MB at most in an hour.
worst_loop_lag_p99_ms: worst of /healthz, which gives the 99th percentile of the last minute.
longest_gap_s: longest time in which the viewer who watches got no packet of the picture.
counters: what the server says it dropped, from /metrics when it has one.

It ends by itself and leaves no process. Progress goes to stderr.
"""

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from scripts.bench_soak_server import SoakServer, soak_server
from scripts.bench_soak_trouble import (
    HealthyViewer,
    freeze_viewers,
    freeze_workers,
    stall_taps,
    stall_viewers,
    watch,
)

SAMPLE_S = 10.0
SAMPLES_PER_MINUTE = 6
WARM_UP_S = 120.0
MEDIAN_S = 300.0
LIVE_TIMEOUT_S = 60.0
RETRY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The server at one moment."""

    at_s: float
    """Since the warm-up ended."""
    rss_mb: float
    lag_p99_ms: float
    estimates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the soak gave."""

    seconds: float
    growth_mb: float
    first_mb: float
    last_mb: float
    most_mb: float
    each_minute_mb: list[float]
    """Shows whether it levels off."""
    worst_loop_lag_p99_ms: float
    longest_gap_s: float
    estimates: int
    done: dict[str, int]
    """How often each trouble was made; errors on our side of it are counted too."""
    counters: dict[str, float]
    load_average: float


def ends_mb(samples: list[Sample], median_s: float) -> tuple[float, float]:
    """Return the medians of the first and of the last seconds of so many; robust against single peaks."""
    to_s = samples[-1].at_s
    first = [sample.rss_mb for sample in samples if sample.at_s <= median_s]
    last = [sample.rss_mb for sample in samples if sample.at_s >= to_s - median_s]
    return median(first), median(last)


async def measure(seconds: float) -> Figures:
    """Run the soak."""
    async with soak_server() as server:
        done = Counter[str]()
        attending = asyncio.create_task(server.attend(), name="dashboard")
        try:
            async with asyncio.timeout(LIVE_TIMEOUT_S):
                while not server.n_estimates:  # noqa: ASYNC110 - it comes from another process
                    await asyncio.sleep(0.1)
            return await _soak(server, seconds, done)
        finally:
            attending.cancel()
            await asyncio.gather(attending, return_exceptions=True)


async def _soak(server: SoakServer, seconds: float, done: Counter[str]) -> Figures:
    viewer, token = HealthyViewer(), await server.make_tap_token()
    await watch(server, viewer)
    troubles = [
        asyncio.create_task(_again(make, done), name="trouble")
        for make in (
            lambda: freeze_viewers(server, done),
            lambda: stall_viewers(server, done),
            lambda: stall_taps(server, token, done),
            lambda: freeze_workers(server, done),
        )
    ]
    try:
        await asyncio.sleep(min(WARM_UP_S, seconds / 2))
        viewer.longest_gap_s = 0.0
        samples = await _sample(server, seconds, done)
        counters = await _drops(server)
    finally:
        for task in troubles:
            task.cancel()
        await asyncio.gather(*troubles, return_exceptions=True)
        await viewer.close()
    first_mb, last_mb = ends_mb(samples, min(MEDIAN_S, seconds / 4))
    return Figures(
        seconds=seconds,
        growth_mb=round(last_mb - first_mb, 1),
        first_mb=round(first_mb, 1),
        last_mb=round(last_mb, 1),
        most_mb=round(max(sample.rss_mb for sample in samples), 1),
        each_minute_mb=[round(sample.rss_mb, 1) for sample in samples[::SAMPLES_PER_MINUTE]],
        worst_loop_lag_p99_ms=round(max(sample.lag_p99_ms for sample in samples), 1),
        longest_gap_s=round(viewer.longest_gap_s, 2),
        estimates=samples[-1].estimates - samples[0].estimates,
        done=dict(done),
        counters=counters,
        load_average=round(os.getloadavg()[0], 1),
    )


async def _again(make: Any, done: Counter[str]) -> None:
    """Make a trouble until cancelled, also when the server refuses one of its attempts for a while."""
    while True:
        work: Coroutine[Any, Any, None] = make()
        try:
            await work
        except Exception as exc:
            done[f"failed: {type(exc).__name__}"] += 1
            await asyncio.sleep(RETRY_S)


async def _sample(server: SoakServer, seconds: float, done: Counter[str]) -> list[Sample]:
    loop = asyncio.get_running_loop()
    from_s, samples = loop.time(), list[Sample]()
    while not samples or samples[-1].at_s + SAMPLE_S <= seconds:
        await asyncio.sleep(from_s + SAMPLE_S * len(samples) - loop.time())
        health = await server.health()
        sample = Sample(
            at_s=loop.time() - from_s,
            rss_mb=server.rss_mb(),
            lag_p99_ms=health["loop_lag_p99_ms"] or 0.0,
            estimates=server.n_estimates,
        )
        samples.append(sample)
        if len(samples) % SAMPLES_PER_MINUTE == 1:
            print(
                f"{sample.at_s:5.0f} s  {sample.rss_mb:6.1f} MB  lag p99 {sample.lag_p99_ms:5.1f} ms  "
                f"estimates {sample.estimates}  {dict(done)}",
                file=sys.stderr,
                flush=True,
            )
    return samples


async def _drops(server: SoakServer) -> dict[str, float]:
    """Return the counters of /metrics whose name speaks of drops and the like, summed over their labels."""
    async with server.http.get(f"{server.base_url}/metrics") as response:
        text = await response.text() if response.status == 200 else ""
    counters = Counter[str]()
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if not line.startswith("#") and any(word in name for word in ("drop", "overflow", "refused", "lost")):
            counters[name] += float(value)  # type: ignore[assignment]
    return dict(counters)


def main(argv: list[str]) -> int:
    """Soak and print."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=3600.0, help="how long after the warm-up")
    options = parser.parse_args(argv)
    result = asdict(asyncio.run(measure(options.seconds)))
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print("\n".join(f"{name:22} {value}" for name, value in result.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
