import asyncio
import contextlib

import pytest

from server import clock
from server.ops.lag import LagMonitor


def test_percentile_is_by_nearest_rank_over_the_last_minute():
    monitor = LagMonitor(lambda: 0.0)
    assert monitor.p99_ms() is None
    for lag_ms in range(1, 1201):
        monitor.add(lag_ms / 1000)
    assert monitor.p99_ms() == pytest.approx(1188)
    for _ in range(1200):
        monitor.add(-0.001)
    assert monitor.p99_ms() == 0.0


async def test_a_blocked_loop_shows():
    monitor = LagMonitor(clock.monotonic_s)
    task = asyncio.create_task(monitor.run(), name="lag")
    for _ in range(3):
        end_s = clock.monotonic_s() + 0.1
        await asyncio.sleep(0.01)
        while clock.monotonic_s() < end_s:
            pass  # block the loop on purpose
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert monitor.p99_ms() > 20
