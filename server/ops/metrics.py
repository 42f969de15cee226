"""Everything that is measured, in the text format of Prometheus. Sums over all rooms: nobody can be told apart."""

import math
import platform
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from importlib import metadata

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from server.analysis.feed import WorkerState
from server.analysis.supervisor import AnalysisPool
from server.histogram import Histogram
from server.media import Kind
from server.ops.lag import LagMonitor
from server.ops.readiness import SelfTest
from server.ops.stalls import StallWatch
from server.rtc.contract import ConnectionReport, Direction
from server.rtc.counters import DROPS, Counters
from server.rtc.plane import MediaPlane
from server.sessions.live import LiveRooms
from server.taps.register import TapRegister

PREFIX = "composure_"
QUANTILES = (0.5, 0.95, 1.0)
"""Over the connections that are open now; 1 is the worst."""

_COUNTER_NAMES = {"packets_asked_again": "nacks", "keyframe_requests_sent": "plis"}
"""Counters that have a name of their own in the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the figures come from."""

    plane: MediaPlane
    pool: AnalysisPool
    rooms: LiveRooms
    taps: TapRegister
    lag: LagMonitor
    stalls: StallWatch
    self_test: SelfTest
    max_sessions: int


class Metrics:
    """The metrics of one server; each has a registry of its own."""

    def __init__(self, sources: Sources) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_Figures(sources))

    def text(self) -> bytes:
        """Return all metrics as they are now."""
        return generate_latest(self._registry)


class _Figures(Collector):
    def __init__(self, sources: Sources) -> None:
        self._from = sources
        self._lost = 0
        self._versions = platform.python_version(), metadata.version("aiortc")

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is differs from time to time."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of now."""
        yield from self._media()
        yield from self._connections(self._from.plane.reports())
        yield from self._durations()
        yield from self._analysis()
        yield from self._rooms()
        yield from self._loop()

    def _media(self) -> Iterator[Metric]:
        total = self._from.plane.stats().total
        drops = CounterMetricFamily(PREFIX + "dropped", "What was thrown away, by reason.", labels=["reason"])
        for item in fields(Counters):
            if item.name in DROPS:
                drops.add_metric([item.name], total[item.name])
            else:
                name = _COUNTER_NAMES.get(item.name, item.name)
                yield _counter(f"media_{name}", f"{item.name.replace('_', ' ').capitalize()}.", total[item.name])
        rooms = self._from.rooms.stats()
        pool, taps = self._from.pool.totals(), self._from.taps.counters
        for reason, n in (
            ("page_outbox", rooms["outbox_dropped"]),
            ("estimates_unstored", rooms["estimates_dropped"]),
            ("tap", taps.dropped),
            ("analysis_video", pool.dropped_video),
            ("analysis_audio", pool.dropped_audio),
        ):
            drops.add_metric([reason], n)
        yield drops
        for name in ("publishers", "viewers", "consumers", "queued_packets"):
            yield _gauge(name, f"{name.replace('_', ' ').capitalize()} now.", total[name])

    def _connections(self, reports: Sequence[ConnectionReport]) -> Iterator[Metric]:
        measures = self._from.plane.measures
        incoming = [track for report in reports for track in report.incoming]
        outgoing = [track for report in reports for track in report.outgoing]
        # A packet that was given up may still come: the sum must not fall for that.
        self._lost = max(self._lost, measures.packets_lost + sum(track.packets_lost for track in incoming))
        yield _counter("media_packets_lost", "Packets of publishers that never came.", self._lost)
        frozen_s = measures.frozen_s + sum(track.frozen_s for track in incoming)
        yield _counter("media_frozen_seconds", "Time without a new whole picture from a publisher.", frozen_s)

        rtt = _spread("rtt_seconds", "Round trip of connections, seconds.", "direction")
        for direction in Direction:
            _add(rtt, [direction], [report.rtt_s for report in reports if report.direction is direction])
        yield rtt
        loss = _spread("loss_share", "Share of packets lost on the way, [0, 1].", "direction", "kind")
        jitter = _spread("jitter_seconds", "Interarrival jitter, seconds.", "direction", "kind")
        rate = GaugeMetricFamily(PREFIX + "bits_per_second", "Media, all together.", labels=["direction", "kind"])
        waiting = _spread("jitter_buffer_packets", "Packets waiting behind a missing one.", "kind")
        for kind in Kind:
            theirs, ours = [t for t in incoming if t.kind is kind], [t for t in outgoing if t.kind is kind]
            for direction, tracks in ((Direction.PUBLISH, theirs), (Direction.WATCH, ours)):
                _add(loss, [direction, kind], [track.loss_share for track in tracks])
                _add(jitter, [direction, kind], [track.jitter_s for track in tracks])
                rate.add_metric([direction, kind], sum(track.bits_per_s for track in tracks))
            _add(waiting, [kind], [float(track.buffered_packets) for track in theirs])
        yield from (loss, jitter, rate, waiting)
        asked = _spread("asked_bits_per_second", "Video bit rate asked of publishers.")
        _add(asked, [], [report.asked_bits_per_s for report in reports])
        yield asked
        videos = [track for track in outgoing if track.kind is Kind.VIDEO]
        limited = sum(track.budget_bits_per_s is not None for track in videos)
        yield _gauge("viewers_limited", "Viewers whose connection is too slow for the whole video.", limited)
        yield _gauge("viewers_paused", "Viewers who get no video for that.", sum(track.is_paused for track in videos))

    def _durations(self) -> Iterator[Metric]:
        measures = self._from.plane.measures
        yield _histogram("dwell_seconds", "A packet's way through the server, to each viewer.", measures.dwells)
        yield _histogram("first_picture_seconds", "A viewer's wait for a picture.", measures.first_pictures)
        yield _histogram("join_seconds", "A connection's way up, from its offer.", measures.joins)
        yield _histogram("close_seconds", "Closing of a connection.", measures.closes)
        latency = self._from.pool.latency
        yield _histogram("analysis_latency_seconds", "From the newest media to its estimate.", latency)

    def _analysis(self) -> Iterator[Metric]:
        pool, totals = self._from.pool, self._from.pool.totals()
        workers = GaugeMetricFamily(PREFIX + "workers", "Worker processes.", labels=["state"])
        states = pool.worker_states()
        for state in WorkerState:
            workers.add_metric([state], states.count(state))
        yield workers
        yield _counter("worker_restarts", "Workers that died or froze and were started again.", pool.restarts())
        yield _counter("estimates", "Estimates made.", totals.estimates)
        yield _counter("analysis_frames", "Frames handed to the analysis.", totals.frames_in)
        yield _counter("analysis_skipped_ticks", "Seconds without an estimate.", totals.skipped_ticks)
        yield _counter("words", "Words written down.", totals.words)
        yield _counter(
            "lost_speech_seconds", "Speech that the transcriber had no time to write down.", totals.lost_speech_s
        )

    def _rooms(self) -> Iterator[Metric]:
        rooms = self._from.rooms
        stats = rooms.stats()
        yield _gauge("rooms", "Interviews with people in them.", stats["rooms"])
        yield _gauge("interviews_live", "Interviews that are live with their candidate.", rooms.n_live())
        yield _gauge("interviews_live_max", "As many may be live at once.", self._from.max_sessions)
        yield _gauge("pages", "Connected pages.", stats["connections"])
        yield _gauge("sessions", "Interviews being analysed.", stats["analyses"])
        yield _gauge("taps", "Open research taps.", self._from.taps.open_count())
        yield _counter("taps_stalled", "Taps closed because they did not read.", self._from.taps.counters.stalled)
        yield _gauge("draining", "1 while the server waits for running interviews to end.", int(rooms.is_draining))

    def _loop(self) -> Iterator[Metric]:
        lag_ms, stalls, self_test = self._from.lag.p99_ms(), self._from.stalls, self._from.self_test
        yield _gauge("loop_lag_p99_seconds", "Event loop, last minute.", math.nan if lag_ms is None else lag_ms / 1000)
        yield _counter("loop_stalls", "Times the event loop stood still for over 0.1 s.", stalls.stalls)
        yield _gauge("loop_longest_stall_seconds", "Since start.", stalls.longest_s)
        yield _counter("self_test_calls", "Calls with ourselves.", self_test.calls)
        yield _counter("self_test_failures", "Of those, failed.", self_test.failures)
        yield _gauge("threads", "Threads of Python.", threading.active_count())
        build = GaugeMetricFamily(PREFIX + "build_info", "What runs.", labels=["python", "aiortc"])
        build.add_metric(self._versions, 1)
        yield build


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(PREFIX + name, text, buckets=histogram.buckets(), sum_value=histogram.sum_s)


def _spread(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, labels=[*labels, "quantile"])


def _add(family: GaugeMetricFamily, labels: Sequence[str], values: Iterable[float | None]) -> None:
    """Add the quantiles of these values, by nearest rank; of none there are none."""
    ranked = sorted(value for value in values if value is not None)
    for quantile in QUANTILES if ranked else ():
        family.add_metric([*labels, f"{quantile:g}"], ranked[math.ceil(quantile * len(ranked)) - 1])
