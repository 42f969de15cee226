"""SIGTERM with a call running, on the real process."""

import asyncio
import os
import re
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from server.ops.shutdown import Shutdown
from tests.fakes.rtc_peer import PublishingClient, until
from tests.http.call import SDP, a_call, closed, enter, receive, state
from tests.http.world import Browser, a_world

ROOT = Path(__file__).parents[2]
WAIT_S = 30.0


@asynccontextmanager
async def a_call_in_a_process(data_dir, **settings):
    """Run ``python -m server serve`` with a candidate in a call; yields process, world and call."""
    async with a_world(data_dir) as made:
        pass  # the accounts and interviews stay in the data folder
    environ = {f"COMPOSURE_{name.upper()}": value for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "serve", "--port", "0", "--data-dir", str(data_dir)),
        cwd=ROOT,
        env={**os.environ, "COMPOSURE_ICE_ADDRESSES": "127.0.0.1", **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    browsers = []
    try:
        async with asyncio.timeout(WAIT_S):
            url = re.search(r"serves on (\S+)", (await process.stdout.readline()).decode())[1]
        browsers = [Browser(url) for _ in range(3)]
        world = replace(made, url=url, operator=browsers[0], anonymous=browsers[1], outsider=browsers[2], _browsers=[])
        await world.operator.log_in("olga@example.org")
        await world.outsider.log_in("otto@example.org")
        async with a_call(world) as call:
            yield process, world, call
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
        for browser in [*browsers, *world._browsers]:
            await browser.http.close()


async def exit_status(process, timeout_s=WAIT_S):
    async with asyncio.timeout(timeout_s):
        return await process.wait()


@pytest.mark.slow
async def test_sigterm_lets_the_call_go_on_refuses_new_ones_and_ends_with_the_interview(tmp_path):
    async with a_call_in_a_process(tmp_path) as (process, world, call), call.watching() as view:
        await until(lambda: len(view.video.packets) > 10)
        async with asyncio.timeout(WAIT_S):
            while (await world.anonymous.ask("GET", "/readyz"))[0] != 200:  # noqa: ASYNC110 - as a balancer asks
                await asyncio.sleep(0.1)
        early = world.browser(bearer=(await world.outsider_access())["token"])
        process.send_signal(signal.SIGTERM)
        told = await state(call.interviewer, lambda event: event["server"]["draining"])
        assert told["server"]["until"] is not None
        await state(call.candidate, lambda event: event["server"]["draining"])

        n_before = len(view.video.packets)
        await until(lambda: len(view.video.packets) > n_before + 60)  # two seconds of picture

        status, page = await world.anonymous.ask("GET", f"/join/{world.other_join_token}")
        assert status == 503
        assert int(world.anonymous.last.headers["Retry-After"]) > 0
        assert "begins no interviews" in page
        other = world.other_interview.interview.id
        assert (await world.outsider.ask("GET", f"/interviews/{other}/room"))[0] == 503
        assert (await world.outsider.ask("POST", f"/api/interviews/{other}/access"))[0] == 503
        newcomer = PublishingClient()
        offer = await newcomer.offer()
        await newcomer.close()
        room = world.other_interview.interview.room_id
        status, _ = await early.ask("POST", f"/whip/{room}", data=offer.encode(), headers=SDP)
        assert (status, early.last.headers["Retry-After"]) == (503, "60")
        status, page = await world.anonymous.ask("GET", "/readyz")
        assert status == 503
        assert "draining" in page
        assert (await world.anonymous.ask("GET", "/healthz"))[0] == 200

        # Whoever is in the running one may reconnect.
        again = await enter(world.anonymous, call.candidate_access)
        assert process.returncode is None
        await call.interviewer.send_json({"type": "end"})
        assert (await receive(again, "bye"))["reason"] == "ended"
        assert await exit_status(process) == 0


@pytest.mark.slow
async def test_a_second_sigterm_ends_it_within_two_seconds(tmp_path):
    async with a_call_in_a_process(tmp_path) as (process, _, call):
        process.send_signal(signal.SIGTERM)
        await state(call.candidate, lambda event: event["server"]["draining"])
        process.send_signal(signal.SIGTERM)
        await exit_status(process, 2.0)


@pytest.mark.slow
async def test_at_the_limit_everybody_is_told_and_it_ends(tmp_path):
    async with a_call_in_a_process(tmp_path, drain_s="2") as (process, _, call):
        start_s = asyncio.get_running_loop().time()
        process.send_signal(signal.SIGTERM)
        assert (await receive(call.interviewer, "bye"))["reason"] == "shutdown"
        assert (await receive(call.candidate, "bye"))["reason"] == "shutdown"
        assert asyncio.get_running_loop().time() - start_s > 1.9
        await closed(call.interviewer)
        assert await exit_status(process) == 0


@pytest.mark.slow
async def test_sigint_ends_a_call_at_once(tmp_path):
    async with a_call_in_a_process(tmp_path) as (process, _, call):
        process.send_signal(signal.SIGINT)
        assert (await receive(call.candidate, "bye"))["reason"] == "shutdown"
        assert await exit_status(process, 8.0) == 0


async def test_a_second_signal_ends_a_process_whose_loop_is_stuck():
    code = """
import asyncio, signal, time
from server.ops.shutdown import Shutdown

async def main():
    shutdown = Shutdown()
    shutdown.listen()
    print("stuck", flush=True)
    while not shutdown._n_signals:
        time.sleep(0.01)
    print("asked", flush=True)
    while True:
        time.sleep(0.01)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert await process.stdout.readline() == b"stuck\n"
    process.send_signal(signal.SIGTERM)
    assert await process.stdout.readline() == b"asked\n"
    process.send_signal(signal.SIGTERM)
    try:
        await exit_status(process, 10.0)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


class Rooms:
    def __init__(self, n):
        self.n, self.until = n, None

    def n_live(self):
        return self.n

    def drain(self, until):
        self.until = until


async def test_without_interviews_sigterm_is_quick(fixed_now):
    shutdown, rooms = Shutdown(), Rooms(0)
    shutdown.on_signal(signal.SIGTERM)
    async with asyncio.timeout(1):
        await shutdown.wait(rooms, drain_s=600, now=fixed_now)
    assert rooms.until is None


async def test_a_close_that_hangs_after_a_second_signal_is_forced(fixed_now, monkeypatch):
    monkeypatch.setattr("server.ops.shutdown.FORCE_S", 0.05)
    forced, loop = asyncio.Event(), asyncio.get_running_loop()
    shutdown = Shutdown(force=lambda: loop.call_soon_threadsafe(forced.set))
    shutdown.on_signal(signal.SIGTERM)
    waiting = asyncio.create_task(shutdown.wait(Rooms(1), drain_s=600, now=fixed_now), name="wait")
    await asyncio.sleep(0)
    shutdown.on_signal(signal.SIGTERM)
    async with asyncio.timeout(1):
        await waiting
        await forced.wait()


@pytest.fixture
def fixed_now():
    from server import clock

    return clock.utc_now
