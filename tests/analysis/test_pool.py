"""The pool with real worker processes, in real time: each test waits for what it asserts, no longer."""

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from models.stress_module import write_stress_module
from pipeline.types import Reason
from server import clock
from server.analysis.backlog import MAX_AUDIO_FRAMES, MAX_VIDEO_FRAMES
from server.analysis.messages import Checkpoint
from server.analysis.supervisor import AnalysisPool, WorkerState
from server.config import Config
from server.errors import Conflict
from server.media import Kind
from tests.fakes.media import at, opus, play, portrait_video, portrait_voice
from tests.fakes.modules import MODULE

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

LIMIT_S = 30.0
"""Of a wait, on a machine that does much else."""
CLIP_S = 4.0


OPENED: list["Session"] = []
"""By the test that runs."""


class Session:
    """An open session and what came of it."""

    def __init__(self, pool, session_id="a"):
        self.pool = pool
        self.session_id = session_id
        self.estimates = []
        self.words = []
        self.arrivals_s = []
        self.delays_s = []
        self.health = []
        self.n_keyframes_wanted = 0
        self._changed = asyncio.Event()

    async def open(self, origin_s=None):
        self.origin_s = clock.monotonic_s() if origin_s is None else origin_s
        self.feed = await self.pool.open(
            self.session_id,
            origin_s=self.origin_s,
            on_estimate=self._on_estimate,
            on_health=self._on_health,
            on_words=self.words.append,
        )
        self.feed.on_overflow = self._on_overflow
        OPENED.append(self)
        return self

    def _on_estimate(self, estimate, newest_arrival_s):
        self.estimates.append(estimate)
        self.arrivals_s.append(newest_arrival_s)
        self.delays_s.append(clock.monotonic_s() - self.origin_s - estimate.t_s)
        self._changed.set()

    def _on_health(self, health):
        self.health.append(health)
        self._changed.set()

    def _on_overflow(self):
        self.n_keyframes_wanted += 1
        self._changed.set()

    async def until(self, condition):
        async with asyncio.timeout(LIMIT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_estimate(self, accept):
        await self.until(lambda: any(accept(estimate) for estimate in self.estimates))
        return next(estimate for estimate in self.estimates if accept(estimate))

    @asynccontextmanager
    async def playing(self, frames):
        """Push frames in real time for the length of the block, over and over."""
        task = asyncio.create_task(self._play(frames))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _play(self, frames):
        start_s = clock.monotonic_s()
        while True:
            await play(at(frames, start_s), self.feed.push, clock.monotonic_s)
            start_s += CLIP_S


@pytest_asyncio.fixture(loop_scope="module")
async def pool():
    pool = AnalysisPool(Config(), clock=clock.monotonic_s)
    yield pool
    await pool.close()


@pytest_asyncio.fixture(loop_scope="module")
async def warm_pool(pool):
    await asyncio.wait_for(pool.warm(), LIMIT_S)
    return pool


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def long_lived():
    pool = AnalysisPool(Config(), clock=clock.monotonic_s)
    await asyncio.wait_for(pool.warm(), LIMIT_S)
    yield pool
    await pool.close()


@pytest_asyncio.fixture(loop_scope="module")
async def shared_pool(long_lived):
    """A pool whose worker other tests have used and will use: who kills it takes ``warm_pool``."""
    (pid,) = long_lived.worker_pids()
    OPENED.clear()
    yield long_lived
    for session in OPENED:
        await session.feed.close()
    assert long_lived.worker_pids() == (pid,), "this test ended a worker that others need"


@pytest.fixture(scope="module")
def clip():
    return portrait_video(CLIP_S) + portrait_voice(CLIP_S)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_no_worker_runs_before_the_pool_is_warmed(pool):
    assert pool.started_workers() == 0
    assert pool.worker_pids() == ()
    await asyncio.wait_for(pool.warm(), LIMIT_S)
    assert pool.started_workers() == 1
    (pid,) = pool.worker_pids()
    await pool.warm()
    assert pool.worker_pids() == (pid,)
    await pool.close()
    assert not is_alive(pid)


async def test_a_talking_portrait_gives_an_estimate_a_second_with_face_and_voice(shared_pool, clip):
    session = await Session(shared_pool).open()
    async with session.playing(clip):
        await session.until(lambda: len(session.estimates) == 5)
    assert [estimate.t_s for estimate in session.estimates] == [1.0, 2.0, 3.0, 4.0, 5.0]
    last = session.estimates[-1]
    assert last.face.value is not None
    assert last.face.quality > 0.5
    assert sum(last.emotions) == pytest.approx(1.0, abs=1e-3)
    assert last.voice.value is not None
    assert last.voice_features.f0_hz > 100
    assert last.stress.value is not None
    assert last.newest_sample_s == pytest.approx(5.0, abs=0.5)
    assert session.origin_s + 4.0 < session.arrivals_s[-1] <= session.origin_s + 5.5
    assert [health.state for health in session.health] == [WorkerState.READY]
    stats = session.feed.stats()
    assert (stats.dropped_video, stats.dropped_audio, stats.restarts) == (0, 0, 0)
    assert stats.worker.audio_s == pytest.approx(5.0, abs=0.3)


async def test_totals_and_latency_outlive_the_sessions(shared_pool, clip):
    before, n_before, sum_before_s = shared_pool.totals(), shared_pool.latency.count, shared_pool.latency.sum_s
    for name in ("a", "b"):
        session = await Session(shared_pool, name).open()
        async with session.playing(clip):
            await session.until(lambda session=session: len(session.estimates) == 2)
        await session.feed.close()
    totals, n_latencies = shared_pool.totals(), shared_pool.latency.count - n_before
    assert totals.estimates - before.estimates >= n_latencies >= 4
    assert 0 < shared_pool.latency.sum_s - sum_before_s < n_latencies * 5
    assert totals.frames_in - before.frames_in > 4 * 50
    assert shared_pool.restarts() == 0


async def test_a_silent_room_without_camera_says_so(shared_pool):
    noise = np.random.default_rng(5).standard_normal(round(48_000 * CLIP_S)) * 3e-4
    session = await Session(shared_pool).open()
    async with session.playing(opus(noise)):
        estimate = await session.until_estimate(lambda estimate: estimate.t_s == 4.0)
    assert (estimate.face.value, estimate.face.reason) == (None, Reason.NO_VIDEO)
    assert estimate.voice.reason is Reason.SILENCE
    assert estimate.voice.value is None or estimate.voice.value < 0.1


async def test_without_any_media_estimates_still_come_and_are_unknown(shared_pool):
    session = await Session(shared_pool).open()
    await session.until(lambda: len(session.estimates) == 2)
    assert [estimate.stress.value for estimate in session.estimates] == [None, None]
    assert session.arrivals_s == [session.origin_s] * 2


async def test_closing_delivers_the_last_estimate_and_then_nothing(shared_pool, clip):
    session = await Session(shared_pool).open(origin_s=clock.monotonic_s() - 10.0)
    async with session.playing(clip):
        await session.until(lambda: len(session.estimates) == 1)
        due_s = session.estimates[0].t_s + 1.0
        await asyncio.sleep(session.origin_s + due_s - 0.1 - clock.monotonic_s())
        # Closed when the tick is due but its timer has not run yet, and the worker has its hands full.
        for frame in at(clip, clock.monotonic_s() - CLIP_S):
            session.feed.push(frame)
        while clock.monotonic_s() < session.origin_s + due_s:
            pass
        await session.feed.close()
        n = len(session.estimates)
        assert session.estimates[-1].t_s >= due_s
        session.feed.push(clip[0])
        await session.feed.close()
    assert len(session.estimates) == n
    assert shared_pool.stats() == {}


async def test_a_session_opened_before_the_worker_is_ready_starts_when_it_is(pool, clip):
    session = await Session(pool).open()
    assert [health.state for health in session.health] == [WorkerState.STARTING]
    async with session.playing(clip):
        estimate = await session.until_estimate(lambda estimate: estimate.face.value is not None)
    assert [health.state for health in session.health] == [WorkerState.STARTING, WorkerState.READY]
    assert estimate.t_s == int(estimate.t_s)
    assert session.n_keyframes_wanted >= 1


async def test_a_session_cannot_be_open_twice(shared_pool):
    session = await Session(shared_pool).open()
    with pytest.raises(Conflict):
        await Session(shared_pool).open()
    await session.feed.close()
    await Session(shared_pool).open()


async def test_a_killed_worker_is_replaced_and_the_analysis_goes_on_with_a_marked_gap(warm_pool, clip):
    session = await Session(warm_pool).open()
    async with session.playing(clip):
        await session.until(lambda: len(session.estimates) == 4)
        (pid,) = warm_pool.worker_pids()
        os.kill(pid, signal.SIGKILL)
        await session.until(lambda: len(session.health) == 3)
        n_before = len(session.estimates)
        await session.until(lambda: len(session.estimates) == n_before + 2)
    ready, restarting, again = session.health
    assert [ready.state, restarting.state, again.state] == [
        WorkerState.READY,
        WorkerState.RESTARTING,
        WorkerState.READY,
    ]
    assert restarting.from_s == session.estimates[n_before - 1].t_s
    assert again.from_s == restarting.from_s
    assert warm_pool.worker_pids() != (pid,)
    stats = session.feed.stats()
    assert stats.restarts == 1
    after = session.estimates[n_before:]
    # The state was carried over: the voice goes on with what it had learnt instead of from nothing.
    assert after[0].t_s > session.estimates[n_before - 1].t_s
    assert after[-1].face.value is not None
    assert after[-1].voice.value is not None
    assert session.n_keyframes_wanted >= 1


async def test_a_frozen_worker_is_replaced(warm_pool):
    session = await Session(warm_pool).open()
    (pid,) = warm_pool.worker_pids()
    os.kill(pid, signal.SIGSTOP)
    started_s = clock.monotonic_s()
    await session.until(lambda: len(session.health) == 2)
    assert session.health[-1].state is WorkerState.RESTARTING
    assert 4.5 < clock.monotonic_s() - started_s < 12.0
    await session.until(lambda: len(session.health) == 3)
    assert session.health[-1].state is WorkerState.READY
    assert not is_alive(pid)


async def test_frames_that_a_stopped_worker_cannot_take_are_dropped_and_counted(shared_pool, clip):
    session = await Session(shared_pool).open()
    await session.until(lambda: len(session.estimates) == 1)
    (pid,) = shared_pool.worker_pids()
    os.kill(pid, signal.SIGSTOP)
    try:
        n_pushed = 0
        for turn in range(30):
            for frame in at(clip, clock.monotonic_s() + turn * CLIP_S):
                session.feed.push(replace(frame, is_keyframe=frame.is_keyframe and frame.kind is Kind.AUDIO))
                n_pushed += 1
        stats = session.feed.stats()
        assert stats.frames_in == n_pushed
        # Without a key frame no picture is taken at all; of the sound what the pipe and the queue hold.
        assert stats.dropped_video == 30 * len(portrait_video(CLIP_S))
        assert stats.dropped_audio > 0
        assert session.n_keyframes_wanted >= 1
        for frame in at(portrait_video(CLIP_S), clock.monotonic_s()) * 20:
            session.feed.push(frame)
        waiting = session.feed.stats()
        assert waiting.dropped_video > stats.dropped_video
        n_kept = waiting.frames_in - waiting.dropped_video - waiting.dropped_audio
        assert n_kept < MAX_VIDEO_FRAMES + MAX_AUDIO_FRAMES + 6_000
    finally:
        os.kill(pid, signal.SIGCONT)
    n = len(session.estimates)
    await session.until(lambda: len(session.estimates) >= n + 2)
    assert session.feed.stats().restarts == 0


async def test_damaged_media_is_survived(shared_pool, clip):
    session = await Session(shared_pool).open()
    random = np.random.default_rng(1)
    damaged = [
        replace(frame, data=random.bytes(40)) if index % 23 == 5 else frame for index, frame in enumerate(at(clip, 0.0))
    ]
    async with session.playing(damaged):
        await session.until(lambda: len(session.estimates) == 4)
    assert session.feed.stats().worker.decode_errors > 0
    assert session.estimates[-1].face.value is not None
    assert [health.state for health in session.health] == [WorkerState.READY]


async def test_a_session_that_meets_an_error_goes_on_and_leaves_the_others_alone(warm_pool, clip):
    failing, healthy = await Session(warm_pool, "failing").open(), await Session(warm_pool, "healthy").open()
    async with healthy.playing(clip):
        await failing.until(lambda: len(failing.estimates) == 1)
        # Its state cannot be read by the next worker.
        failing.feed.take_checkpoint(Checkpoint(session_id="failing", t_s=1.0, state=b"garbage"))
        os.kill(warm_pool.worker_pids()[0], signal.SIGKILL)
        await failing.until(lambda: failing.health[-1].state is WorkerState.RESTARTING)
        n_failing, n = len(failing.estimates), len(healthy.estimates)
        await failing.until(lambda: len(failing.estimates) > n_failing)
        await healthy.until(lambda: len(healthy.estimates) >= n + 2)
    assert [health.state for health in failing.health].count(WorkerState.RESTARTING) == 3, "worker, state, no state"
    assert [health.state for health in healthy.health].count(WorkerState.RESTARTING) == 1
    assert {session.health[-1].state for session in (failing, healthy)} == {WorkerState.READY}
    assert warm_pool.worker_states() == (WorkerState.READY,)


async def test_a_session_that_meets_error_after_error_ends_and_the_others_do_not(warm_pool, clip, monkeypatch):
    monkeypatch.setattr("server.analysis.feed.MAX_ERRORS", 0)
    failing, healthy = await Session(warm_pool, "failing").open(), await Session(warm_pool, "healthy").open()
    async with healthy.playing(clip):
        await failing.until(lambda: len(failing.estimates) == 1)
        failing.feed.take_checkpoint(Checkpoint(session_id="failing", t_s=1.0, state=b"garbage"))
        os.kill(warm_pool.worker_pids()[0], signal.SIGKILL)
        await failing.until(lambda: failing.health[-1].state is WorkerState.FAILED)
    assert list(warm_pool.stats()) == ["healthy"]


async def test_sessions_go_to_the_worker_that_has_fewest():
    pool = AnalysisPool(replace(Config(), analysis_workers=2), clock=clock.monotonic_s)
    try:
        await asyncio.wait_for(pool.warm(), 2 * LIMIT_S)
        first, second = await Session(pool, "a").open(), await Session(pool, "b").open()
        killed, kept = pool.worker_pids()
        os.kill(killed, signal.SIGKILL)
        await first.until(lambda: first.health[-1].state is WorkerState.RESTARTING)
        assert [health.state for health in second.health] == [WorkerState.READY]
        assert kept in pool.worker_pids()
    finally:
        await pool.close()


async def test_workers_that_cannot_start_are_reported_and_do_not_hold_up_anybody(pool, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    await asyncio.wait_for(pool.warm(), LIMIT_S)
    session = await Session(pool).open()
    assert session.health[0].state is WorkerState.RESTARTING
    monkeypatch.undo()
    await session.until(lambda: session.health[-1].state is WorkerState.READY)
    await session.until(lambda: session.estimates)


ORPHAN = """
import asyncio, sys
from server import clock
from server.analysis.supervisor import AnalysisPool
from server.config import Config

async def main():
    pool = AnalysisPool(Config(), clock=clock.monotonic_s)
    await pool.warm()
    sys.stdout.write(f"{pool.worker_pids()[0]}\\n")
    sys.stdout.flush()
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_workers_end_when_the_server_is_killed():
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", ORPHAN, stdout=asyncio.subprocess.PIPE)
    try:
        pid = int(await server.stdout.readline())
        assert is_alive(pid)
    finally:
        server.kill()
        await server.wait()
    async with asyncio.timeout(LIMIT_S):
        while is_alive(pid):  # noqa: ASYNC110 - a process of somebody else
            await asyncio.sleep(0.02)


async def test_the_workers_environment_has_no_settings_of_the_server(monkeypatch, pool):
    monkeypatch.setenv("COMPOSURE_DATABASE_URL", "postgresql://secret")
    await asyncio.wait_for(pool.warm(), LIMIT_S)
    text = await asyncio.to_thread(Path(f"/proc/{pool.worker_pids()[0]}/environ").read_bytes)
    assert b"OMP_NUM_THREADS=1" in text
    assert b"secret" not in text


async def test_a_worker_explains_its_answer_and_one_that_dies_gives_none(warm_pool, clip):
    session = await Session(warm_pool).open()
    async with session.playing(clip):
        await session.until_estimate(lambda estimate: estimate.face.value is not None)
        explanation = await session.feed.explain("happy")
        assert explanation is not None
        assert (explanation.emotion, len(explanation.crop), len(explanation.falls)) == ("happy", 48 * 48, 36)
        os.kill(warm_pool.worker_pids()[0], signal.SIGSTOP)
        asked = asyncio.create_task(session.feed.explain(None))
        await asyncio.sleep(0)
        os.kill(warm_pool.worker_pids()[0], signal.SIGKILL)
        assert await asyncio.wait_for(asked, LIMIT_S) is None
        assert await session.feed.explain(None) is None  # no worker at all


async def test_a_worker_that_is_late_with_an_explanation_is_not_waited_for(shared_pool, monkeypatch):
    monkeypatch.setattr("server.analysis.explanations.TIMEOUT_S", 0.05)
    session = await Session(shared_pool).open()
    pid = shared_pool.worker_pids()[0]
    os.kill(pid, signal.SIGSTOP)
    answers = await asyncio.gather(*(session.feed.explain(None) for _ in range(6)))
    os.kill(pid, signal.SIGCONT)
    assert answers == [None] * 6
    await session.until_estimate(lambda estimate: True)  # an answer that comes late harms nothing


@pytest.mark.parametrize("is_flip_averaged", [False, True])
async def test_the_settings_for_models_reach_the_workers(is_flip_averaged, tmp_path):
    module = tmp_path / "mine.json"
    write_stress_module(MODULE, module, {})
    stress_model = module if is_flip_averaged else None
    pool = AnalysisPool(Config(emotion_flip=is_flip_averaged, stress_model=stress_model), clock=clock.monotonic_s)
    try:
        await asyncio.wait_for(pool.warm(), LIMIT_S)
        (version,) = [worker.model_version for worker in pool._workers]
        assert ("-flip mine-" in version) == is_flip_averaged
        assert ("-flip" in version) == ("mine-" in version) == is_flip_averaged
    finally:
        await pool.close()
