"""One session while it runs: from the frames that go in to the estimates that are stored and shown."""

from collections import deque
from collections.abc import Callable
from typing import Any

from pipeline.advice import AdviceState, Asked, follow_advice
from pipeline.moved import PeakPoint, explain_peak, to_peak_point
from pipeline.trend import WINDOW_S
from pipeline.types import BrowserAudio, Estimate, Explanation
from server.media import Attachment
from server.protocol import estimate_message
from server.sessions.ports import FeedPort, ListeningPort, NewWords, WorkerChange
from server.sessions.recorder import EstimateRecorder
from server.sessions.records import Session, StoredEstimate

KEPT_POINTS = round(WINDOW_S) + 2
"""Estimates that can be part of a peak's window when it is confirmed, one tick late."""


class AnalysisRun:
    """A running session.

    It takes estimates until ``cut``: after that nothing is stored or shown any more, whatever the worker still sends.

    Args:
        session: as stored.
        origin_s: session time 0 on the monotonic clock.
        recorder: stores estimates.
        on_estimate: takes each estimate and its message for the interviewers.
        on_worker: takes the message ``worker`` for the interviewers.
        on_words: takes the session's id and what was said.
    """

    def __init__(
        self,
        session: Session,
        *,
        origin_s: float,
        recorder: EstimateRecorder,
        on_estimate: Callable[[Estimate, dict[str, Any]], None],
        on_worker: Callable[[dict[str, Any]], None],
        on_words: Callable[[str, NewWords], None],
    ) -> None:
        self.session = session
        self.origin_s = origin_s
        self.worker = "starting"
        self._recorder = recorder
        self._on_estimate = on_estimate
        self._on_worker = on_worker
        self._on_words = on_words
        self._feed: FeedPort | None = None
        self._attachment: Attachment | None = None
        self._listening: ListeningPort | None = None
        self._newest_s: float | None = None
        self._points = deque[PeakPoint](maxlen=KEPT_POINTS)
        self._advice = AdviceState()
        self._asked: dict[str, Asked] = {}
        """Questions of this session by their marker."""
        self._is_cut = False

    def begin(self, feed: FeedPort, attachment: Attachment, listening: ListeningPort) -> None:
        """Let frames flow, and the news of whether the interviewers speak."""
        self._feed, self._attachment, self._listening = feed, attachment, listening
        feed.on_overflow = attachment.request_keyframe

    def take_estimate(self, estimate: Estimate, newest_arrival_s: float) -> None:
        """Store and show an estimate. One that is not later than the one before is ignored."""
        if self._is_cut or (self._newest_s is not None and estimate.t_s <= self._newest_s):
            return
        self._newest_s = estimate.t_s
        self._recorder.add(StoredEstimate(session_id=self.session.id, estimate=estimate))
        self._points.append(to_peak_point(estimate))
        why = None if estimate.peak_t_s is None else explain_peak(self._points, estimate.peak_t_s)
        asked = max(self._asked.values(), key=lambda question: question.t_s, default=None)
        self._advice, advice = follow_advice(self._advice, estimate, asked)
        message = estimate_message(
            self.session.id, estimate, newest_arrival_s=newest_arrival_s, peak_why=why, advice=advice
        )
        self._on_estimate(estimate, message)

    def take_words(self, news: NewWords) -> None:
        """Pass on what was said."""
        if not self._is_cut:
            self._on_words(self.session.id, news)

    def hear_through(self, audio: BrowserAudio) -> None:
        """Take note of what the candidate's browser does to their sound from here on."""
        if self._feed is not None:
            self._feed.hear_through(audio)

    def transcribe(self, *, is_on: bool) -> None:
        """Have what the person says written down from here on, or stop at once."""
        if self._feed is not None:
            self._feed.transcribe(is_on=is_on)

    def take_health(self, change: WorkerChange) -> None:
        """Show news about the worker."""
        if self._is_cut:
            return
        self.worker = str(change.state)
        gap = {} if change.from_s is None else {"from_s": round(change.from_s, 3)}
        self._on_worker({"type": "worker", "state": self.worker, **gap})

    def take_question(self, marker_id: str, question: Asked) -> None:
        """An interviewer marked that a question was asked."""
        self._asked[marker_id] = question
        if self._feed is not None:
            self._feed.mark_question(question.t_s)

    def forget_question(self, marker_id: str) -> None:
        """Its marker was deleted; what was measured after it stays."""
        self._asked.pop(marker_id, None)

    def recalibrate(self) -> None:
        """Measure the person's baseline anew from here."""
        if self._feed is not None:
            self._feed.recalibrate()

    async def explain(self, emotion: str | None) -> Explanation | None:
        """Return what the answer on the newest face rests on; None when no worker answers, or after ``cut``."""
        if self._feed is None or self._is_cut:
            return None
        explanation = await self._feed.explain(emotion)
        return None if self._is_cut else explanation

    def stop_media(self) -> None:
        """Let no more frames in; the last estimates may still come."""
        if self._attachment is not None:
            self._attachment.detach()
        if self._listening is not None:
            self._listening.stop()

    def cut(self) -> None:
        """Stop at once: no frame goes in, no estimate comes out."""
        self._is_cut = True
        self.stop_media()

    async def close(self) -> None:
        """Take the last estimates, unless cut, and forget the session in the worker."""
        self.stop_media()
        if self._feed is not None:
            await self._feed.close()
        self.cut()
