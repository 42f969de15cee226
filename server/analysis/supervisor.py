"""The pool of analysis workers, as the rest of the server sees it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, fields

from pipeline.types import Estimate
from server.analysis.feed import AnalysisFeed, FeedStats, WorkerHealth, WorkerState
from server.analysis.messages import WordsMade
from server.analysis.process import WorkerProcess
from server.config import Config
from server.errors import Conflict
from server.histogram import Histogram

__all__ = ["AnalysisFeed", "AnalysisPool", "FeedStats", "PoolTotals", "WorkerHealth", "WorkerState"]


LATENCY_BOUNDS_S = (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolTotals:
    """What was counted in all sessions since the server started."""

    estimates: int = 0
    frames_in: int = 0
    dropped_video: int = 0
    dropped_audio: int = 0
    skipped_ticks: int = 0
    words: int = 0
    lost_speech_s: float = 0.0

    def plus(self, stats: FeedStats) -> "PoolTotals":
        """Return the sum with one feed's."""
        return PoolTotals(**{item.name: getattr(self, item.name) + getattr(stats, item.name) for item in fields(self)})


class AnalysisPool:
    """Worker processes that are started once somebody consents to analysis, never before."""

    def __init__(self, config: Config, *, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self._workers: list[WorkerProcess] = []
        self._feeds: dict[str, AnalysisFeed] = {}
        self._past = PoolTotals()
        """Of feeds that are closed and forgotten."""
        self.latency = Histogram(LATENCY_BOUNDS_S)
        """From the arrival of the newest media behind an estimate to the estimate."""

    async def warm(self) -> None:
        """Start the workers and return when each has its models loaded or has failed to. Idempotent."""
        self._start()
        for worker in self._workers:
            await worker.settled.wait()

    async def open(
        self,
        session_id: str,
        *,
        origin_s: float,
        on_estimate: Callable[[Estimate, float], None],
        on_health: Callable[[WorkerHealth], None],
        on_words: Callable[[WordsMade], None],
    ) -> AnalysisFeed:
        """Begin to analyse a session in the worker that has the fewest.

        Args:
            session_id: not open in this pool.
            origin_s: server's monotonic clock at session time 0.
            on_estimate: called on the event loop with each estimate, once a second, and the server's monotonic clock
                when the newest media behind it arrived (``origin_s`` while none has).
            on_health: called on the event loop with each change, the present state first (before this returns).
            on_words: called on the event loop with words, once the feed was told to ``transcribe``.

        Raises:
            Conflict: the session is open already.
        """
        if session_id in self._feeds and not self._feeds[session_id].is_closed:
            raise Conflict("this session is being analysed already")
        self._start()
        feed = AnalysisFeed(
            session_id,
            origin_s=origin_s,
            analysis_fps=self._config.analysis_fps,
            landmark_fps=self._config.landmark_fps,
            clock=self._clock,
            on_estimate=self._timed(on_estimate, origin_s),
            on_health=on_health,
            on_words=on_words,
        )
        self._forget_closed()
        self._feeds[session_id] = feed
        min(self._workers, key=_load).add(feed)
        return feed

    async def close(self) -> None:
        """Close all feeds, last estimates included, and end the workers."""
        await asyncio.gather(*(feed.close() for feed in self._feeds.values()))
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        self._forget_closed()
        self._feeds.clear()
        self._workers.clear()

    def started_workers(self) -> int:
        """Return how many worker processes were asked for: 0 before anybody consented."""
        return len(self._workers)

    def worker_states(self) -> tuple[WorkerState, ...]:
        """Return the state of each worker."""
        return tuple(worker.state for worker in self._workers)

    def worker_pids(self) -> tuple[int, ...]:
        """Return the process ids of the workers that run now."""
        return tuple(worker.pid for worker in self._workers if worker.pid is not None)

    def restarts(self) -> int:
        """Return how often workers died or froze and were started again."""
        return sum(worker.restarts for worker in self._workers)

    def totals(self) -> PoolTotals:
        """Return what all feeds counted since start, those that are closed too."""
        total = self._past
        for feed in self._feeds.values():
            total = total.plus(feed.stats())
        return total

    def stats(self) -> dict[str, FeedStats]:
        """Return what each open feed counted, by session."""
        return {name: feed.stats() for name, feed in self._feeds.items() if not feed.is_closed}

    def _forget_closed(self) -> None:
        for feed in self._feeds.values():
            if feed.is_closed:
                self._past = self._past.plus(feed.stats())
        self._feeds = {name: feed for name, feed in self._feeds.items() if not feed.is_closed}

    def _timed(
        self, on_estimate: Callable[[Estimate, float], None], origin_s: float
    ) -> Callable[[Estimate, float], None]:
        before_s = origin_s  # without newer media than that the estimate is late for the sender's reasons

        def take(estimate: Estimate, newest_arrival_s: float) -> None:
            nonlocal before_s
            if newest_arrival_s > before_s:
                before_s = newest_arrival_s
                self.latency.add(self._clock() - newest_arrival_s)
            on_estimate(estimate, newest_arrival_s)

        return take

    def _start(self) -> None:
        if not self._workers:
            arguments = ["--emotion-flip"] if self._config.emotion_flip else []
            if self._config.is_transcribing:
                arguments.append(f"--transcriber={self._config.transcriber}")
            if self._config.stress_model is not None:
                arguments += ["--stress-model", str(self._config.stress_model)]
            self._workers = [
                WorkerProcess(f"analysis-worker-{number}", clock=self._clock, arguments=arguments)
                for number in range(self._config.analysis_workers)
            ]


def _load(worker: WorkerProcess) -> tuple[bool, int]:
    """Order of preference: workers that run or start for the first time, then those with fewer sessions."""
    return worker.state in (WorkerState.RESTARTING, WorkerState.FAILED), worker.n_feeds
