"""Stalls of the event loop are counted and logged with what caused them."""

import asyncio
import contextlib
import hashlib
import threading

import pytest

from server.clock import monotonic_s
from server.ops.lag import LagMonitor
from server.ops.stalls import StallWatch
from tests.fakes.rtc_time import ManualTime


@contextlib.asynccontextmanager
async def watching():
    lag = LagMonitor(monotonic_s)
    watch = StallWatch(lag, monotonic_s)
    task = asyncio.create_task(lag.run(), name="lag")
    watch.start()
    try:
        await beats(lag, 2)
        yield watch, lag
    finally:
        watch.stop()
        task.cancel()
        await asyncio.wait([task])


async def beats(lag, n):
    """Let the loop's heart beat n times."""
    seen = set()
    async with asyncio.timeout(10):
        while len(seen) <= n:
            seen.add(lag.beat_s)
            await asyncio.sleep(0.01)


def hash_all_passwords_on_the_loop(seconds):
    end_s = monotonic_s() + seconds
    while monotonic_s() < end_s:
        hashlib.sha256(b"x" * 1000).digest()


async def test_the_log_names_the_function_that_blocked(caplog):
    async with watching() as (watch, lag):
        before = watch.stalls
        hash_all_passwords_on_the_loop(0.4)
        await beats(lag, 2)
    assert watch.stalls > before
    assert watch.longest_s > 0.3
    lines = [record.getMessage() for record in caplog.records if record.name == "server.ops.stalls"]
    assert any("hash_all_passwords_on_the_loop (test_stalls.py:" in line for line in lines), lines


async def test_many_stalls_make_one_line(caplog):
    async with watching() as (watch, lag):
        for _ in range(4):
            hash_all_passwords_on_the_loop(0.25)
            await beats(lag, 2)
    assert watch.stalls >= 4
    assert len([record for record in caplog.records if record.name == "server.ops.stalls"]) == 1


async def test_the_line_after_the_pause_tells_how_many_were_left_out(caplog):
    time = ManualTime(0.0)
    lag = LagMonitor(time)
    watch = StallWatch(lag, time)
    for pause_s in (1.0, 1.0, 1.0, 8.5):
        time.advance(pause_s)
        lag.add(0.2)
    lag.add(0.05)
    lines = [record.getMessage() for record in caplog.records]
    assert watch.stalls == 4
    assert len(lines) == 2
    assert lines[1].endswith("; 2 more since the last line")


async def test_a_quiet_loop_is_left_alone_and_the_thread_ends(caplog):
    async with watching() as (_, lag):
        assert "stall-watch" in [thread.name for thread in threading.enumerate()]
        await beats(lag, 4)
    assert "stall-watch" not in [thread.name for thread in threading.enumerate()]


def test_the_first_measurement_needs_no_listener():
    lag = LagMonitor(lambda: 0.0)
    lag.add(0.5)
    assert lag.p99_ms() == pytest.approx(500)
