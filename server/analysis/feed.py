"""One session's way into the analysis: frames and ticks in, estimates and health out."""

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from pipeline.types import BrowserAudio, Estimate, Explanation
from server.analysis.backlog import Backlog, Queued
from server.analysis.explanations import Explanations
from server.analysis.messages import (
    Checkpoint,
    Close,
    EstimateMade,
    Explain,
    Explained,
    HearThrough,
    MarkGap,
    MarkQuestion,
    Open,
    OthersSpeak,
    Recalibrate,
    SessionStats,
    Transcribe,
    WordsMade,
)
from server.media import EncodedFrame, Kind

TICK_S = 1.0
KEYFRAME_RETRY_S = 0.5
"""A key frame that does not come is asked for again after this long."""
CLOSE_TIMEOUT_S = 3.0
"""A worker that is this late with the last estimates is not waited for."""
WORDS_TIMEOUT_S = 12.0
"""So long where the last words are still being written down."""
MAX_ERRORS = 2
"""A session goes on after so many errors within ERRORS_S; the next one ends its analysis."""
ERRORS_S = 60.0

_log = logging.getLogger(__name__)


class WorkerState(StrEnum):
    """How the worker of a session does."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerHealth:
    """A change in how the analysis of a session does."""

    state: WorkerState
    from_s: float | None = None
    """Session time at which the hole in the estimates begins (restarting, and ready after it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStats:
    """What a feed counted since it was opened."""

    frames_in: int
    dropped_video: int
    dropped_audio: int
    skipped_ticks: int
    estimates: int
    restarts: int
    keyframe_requests: int
    words: int
    lost_speech_s: float
    """Speech that the transcriber had no time for."""
    worker: SessionStats
    """Of the present worker."""


class AnalysisFeed:
    """Takes a participant's frames (``server.media.FrameConsumer``) and hands estimates to its owner.

    ``push`` never blocks; what the worker cannot take is dropped by the policy of ``backlog.py`` and counted.
    Created by ``AnalysisPool.open``.
    """

    def __init__(
        self,
        session_id: str,
        *,
        origin_s: float,
        analysis_fps: float,
        landmark_fps: float,
        clock: Callable[[], float],
        on_estimate: Callable[[Estimate, float], None],
        on_health: Callable[[WorkerHealth], None],
        on_words: Callable[[WordsMade], None],
    ) -> None:
        self.session_id = session_id
        self.on_overflow: Callable[[], None] = _do_nothing
        """Set by the owner: called when a key frame is needed, at most every KEYFRAME_RETRY_S while none comes."""
        self.wake: Callable[[], None] = _do_nothing
        """Set by the worker that serves this feed: something can be taken."""
        self._origin_s = origin_s
        self._analysis_fps = analysis_fps
        self._landmark_fps = landmark_fps
        self._clock = clock
        self._on_estimate = on_estimate
        self._on_health = on_health
        self._on_words = on_words
        self._is_transcribed = False
        self._words_from_s = 0.0
        """Words from before, under an earlier consent, are not taken."""
        self._n_words = 0
        self._lost_speech_s = self._lost_before_s = 0.0
        self._backlog = Backlog(session_id, origin_s)
        self._explanations = Explanations()
        self._closed = asyncio.Event()
        self._is_closing = False
        self._is_attached = False
        self._checkpoint: Checkpoint | None = None
        self._errors_s: tuple[float, ...] = ()
        """When the worker met errors in this session, those of the last ERRORS_S."""
        self._hole_from_s: float | None = None
        self._asked_s = -math.inf
        self._next_tick_s = max(TICK_S, (math.floor(clock() - origin_s) + 1) * TICK_S)
        self._timer: asyncio.TimerHandle | None = None
        self._recalibrated_s: float | None = None
        """When the baseline was to be begun anew, until a checkpoint is later."""
        self._others_speak: bool | None = None
        """None before it is known."""
        self._browser_audio: BrowserAudio | None = None
        """Likewise."""
        self._frames_in = self._detached_video = self._detached_audio = 0
        self._skipped_ticks = self._estimates = self._restarts = self._keyframe_requests = 0
        self._worker_stats = SessionStats()
        self._schedule_tick()

    def push(self, frame: EncodedFrame) -> None:
        """Take one frame."""
        if self._is_closing:
            return
        self._frames_in += 1
        if not self._is_attached:
            self._count_detached(frame)
            return
        self._backlog.put_frame(frame)
        if frame.kind is Kind.VIDEO and self._backlog.needs_keyframe:
            self._ask_for_keyframe(frame.arrival_s)
        self.wake()

    def ended(self, reason: str) -> None:
        """The participant's media is over; estimates go on, without media, until ``close``."""
        _log.info("media of session %s ended: %s", self.session_id, reason)

    def hear_others(self, is_speaking: bool, since_s: float) -> None:
        """Take note that somebody else begins to speak, or nobody else does any more; since_s as the clock counts."""
        self._others_speak = is_speaking
        if self._is_attached and not self._is_closing:
            self._put_others(since_s)
            self.wake()

    def hear_through(self, audio: BrowserAudio) -> None:
        """Take note of what the person's browser does to their sound from here on."""
        self._browser_audio = audio
        if self._is_attached and not self._is_closing:
            self._backlog.put(HearThrough(session_id=self.session_id, audio=audio))
            self.wake()

    def transcribe(self, *, is_on: bool) -> None:
        """Write down what the person says from here on, or stop at once."""
        if (is_on and self._is_closing) or is_on == self._is_transcribed:
            return
        self._is_transcribed = is_on
        self._words_from_s = self._clock() - self._origin_s
        if self._is_attached:
            self._backlog.put(Transcribe(session_id=self.session_id, is_on=is_on))
            self.wake()

    def recalibrate(self) -> None:
        """Measure the person's baseline anew from here."""
        if self._is_closing:
            return
        self._recalibrated_s = self._clock() - self._origin_s
        if self._is_attached:
            self._backlog.put(Recalibrate(session_id=self.session_id, t_s=self._recalibrated_s))
            self.wake()

    def mark_question(self, t_s: float) -> None:
        """Let the analysis know that a question was asked at this session time; a worker that is away misses it."""
        if self._is_attached and not self._is_closing:
            self._backlog.put(MarkQuestion(session_id=self.session_id, t_s=t_s))
            self.wake()

    async def explain(self, emotion: str | None) -> Explanation | None:
        """Ask what the emotion network's answer on the newest face rests on.

        Args:
            emotion: one of EMOTIONS, or None for the one with the largest share.

        Returns:
            None when there is no worker, it is late (3 s), or four questions wait already.
        """
        number = self._explanations.ask() if self._is_attached and not self._is_closing else None
        if number is None:
            return None
        self._backlog.put(Explain(session_id=self.session_id, number=number, emotion=emotion))
        self.wake()
        return await self._explanations.wait(number)

    async def close(self) -> None:
        """Deliver the estimates of all that was pushed, then forget the session. Safe to call twice."""
        if not self._is_closing:
            self._is_closing = True
            if self._timer is not None:
                self._timer.cancel()
            if self._is_attached:
                if self._clock() >= self._origin_s + self._next_tick_s:
                    self._put_due_tick()
                self._backlog.put(Close(session_id=self.session_id))
                self.wake()
            else:
                self._closed.set()
        try:
            await asyncio.wait_for(self._closed.wait(), WORDS_TIMEOUT_S if self._is_transcribed else CLOSE_TIMEOUT_S)
        except TimeoutError:
            _log.warning("session %s was closed before its worker had finished", self.session_id)
            self._closed.set()

    @property
    def is_closed(self) -> bool:
        """True when nothing more will come of this feed."""
        return self._closed.is_set()

    def stats(self) -> FeedStats:
        """Return what was counted so far."""
        return FeedStats(
            frames_in=self._frames_in,
            dropped_video=self._backlog.dropped_video + self._detached_video,
            dropped_audio=self._backlog.dropped_audio + self._detached_audio,
            skipped_ticks=self._skipped_ticks + self._backlog.dropped_ticks,
            estimates=self._estimates,
            restarts=self._restarts,
            keyframe_requests=self._keyframe_requests,
            words=self._n_words,
            lost_speech_s=self._lost_before_s + self._lost_speech_s,
            worker=self._worker_stats,
        )

    # What follows is for the worker process that serves the feed.

    def take(self) -> Queued | None:
        """Return the next message for the worker, or None."""
        return self._backlog.take()

    def attach(self, wake: Callable[[], None]) -> None:
        """A worker is ready: open the session in it, marking what was missed until now."""
        self.wake = wake
        self._is_attached = True
        state = self._checkpoint.state if self._checkpoint is not None else None
        self._backlog.put(
            Open(
                session_id=self.session_id,
                origin_s=self._origin_s,
                analysis_fps=self._analysis_fps,
                landmark_fps=self._landmark_fps,
                state=state,
            )
        )
        self._say_what_is_written_down()
        self._lost_before_s, self._lost_speech_s = self._lost_before_s + self._lost_speech_s, 0.0
        now_s = self._clock()
        from_s = self._hole_from_s
        if from_s is not None:
            gap = MarkGap(session_id=self.session_id, from_s=from_s, to_s=now_s - self._origin_s, stream="both")
            self._backlog.put(gap)
        if self._others_speak is not None:
            self._put_others(now_s)
        if self._browser_audio is not None:
            self._backlog.put(HearThrough(session_id=self.session_id, audio=self._browser_audio))
        if self._recalibrated_s is not None:
            self._backlog.put(Recalibrate(session_id=self.session_id, t_s=self._recalibrated_s))
        self._hole_from_s = None
        self._ask_for_keyframe(now_s)
        self.wake()
        self._on_health(WorkerHealth(state=WorkerState.READY, from_s=from_s))

    def detach(self, state: WorkerState) -> None:
        """The worker is gone: what it had since the newest checkpoint is lost."""
        if self._is_attached:
            self._restarts += 1
            since_s = self._clock() - self._origin_s
            self._hole_from_s = max(0.0, self._checkpoint.t_s if self._checkpoint is not None else since_s)
        self._is_attached = False
        self.wake = _do_nothing
        self._backlog.clear()
        self._explanations.give_up()
        self._on_health(WorkerHealth(state=state, from_s=self._hole_from_s))
        if self._is_closing:
            self._closed.set()

    def start_over(self, wake: Callable[[], None]) -> bool:
        """The worker met an error in this session and has forgotten it: open it there again.

        At first from the newest checkpoint; at another error soon after from nothing, since what is remembered may be
        what leads to it.

        Returns:
            False where the session is to be given up instead.
        """
        now_s = self._clock()
        self._errors_s = (*(past_s for past_s in self._errors_s if now_s - past_s < ERRORS_S), now_s)
        if self._is_closing or len(self._errors_s) > MAX_ERRORS:
            return False
        self.detach(WorkerState.RESTARTING)
        if len(self._errors_s) > 1:
            self._checkpoint = None
        self.attach(wake)
        return True

    def take_estimate(self, message: EstimateMade) -> None:
        """Hand an estimate to the owner."""
        self._estimates += 1
        self._worker_stats = message.stats
        self._on_estimate(message.estimate, message.newest_arrival_s)

    def take_words(self, message: WordsMade) -> None:
        """Hand words to the owner, unless they are not wanted any more."""
        self._lost_speech_s = message.lost_s
        if self._is_transcribed and not self._closed.is_set():
            words = tuple(word for word in message.words if word.to_s > self._words_from_s)
            self._n_words += len(words)
            self._on_words(replace(message, words=words))

    def take_checkpoint(self, message: Checkpoint) -> None:
        """Keep the newest state for the case that the worker dies."""
        self._checkpoint = message
        if self._recalibrated_s is not None and message.t_s >= self._recalibrated_s:
            self._recalibrated_s = None

    def take_explanation(self, message: Explained) -> None:
        """Hand an answer to who asked."""
        self._explanations.answer(message.number, message.explanation)

    def want_keyframe(self) -> None:
        """The worker's picture is broken."""
        self._backlog.begin_hole(self._clock())
        self._ask_for_keyframe(self._clock())

    def finish(self, *, has_failed: bool) -> None:
        """The worker has forgotten the session."""
        self._is_closing = True
        self._is_attached = False
        self._backlog.clear()
        self._explanations.give_up()
        if self._timer is not None:
            self._timer.cancel()
        self._closed.set()
        if has_failed:
            self._on_health(WorkerHealth(state=WorkerState.FAILED, from_s=self._clock() - self._origin_s))

    def _count_detached(self, frame: EncodedFrame) -> None:
        if frame.kind is Kind.VIDEO:
            self._detached_video += 1
        else:
            self._detached_audio += 1
        if self._hole_from_s is None:
            self._hole_from_s = max(0.0, frame.capture_s - self._origin_s)

    def _say_what_is_written_down(self) -> None:
        """Tell a new worker, whose checkpoint may be of before a consent or its withdrawal."""
        is_newer = self._checkpoint is not None and self._checkpoint.t_s < self._words_from_s
        if self._is_transcribed and is_newer:
            self._backlog.put(Transcribe(session_id=self.session_id, is_on=False))
        self._backlog.put(Transcribe(session_id=self.session_id, is_on=self._is_transcribed))

    def _put_others(self, since_s: float) -> None:
        assert self._others_speak is not None
        t_s = max(0.0, since_s - self._origin_s)
        self._backlog.put(OthersSpeak(session_id=self.session_id, t_s=t_s, is_speaking=self._others_speak))

    def _ask_for_keyframe(self, now_s: float) -> None:
        if now_s - self._asked_s >= KEYFRAME_RETRY_S:
            self._asked_s = now_s
            self._keyframe_requests += 1
            self.on_overflow()

    def _schedule_tick(self) -> None:
        delay_s = self._origin_s + self._next_tick_s - self._clock()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, delay_s), self._tick)

    def _tick(self) -> None:
        self._put_due_tick()
        self._schedule_tick()

    def _put_due_tick(self) -> None:
        """Queue the tick that is due; after a stall of the whole process only the newest one."""
        due_s = max(self._next_tick_s, math.floor(self._clock() - self._origin_s) * TICK_S)
        self._skipped_ticks += round((due_s - self._next_tick_s) / TICK_S)
        if self._is_attached:
            self._backlog.put_tick(due_s)
            self.wake()
        else:
            self._skipped_ticks += 1
        self._next_tick_s = due_s + TICK_S


def _do_nothing() -> None:
    """Stand in until the owner or the worker sets the callback."""
