"""What a live room needs around it: a clock that is set by hand, and media and analysis that do as they are told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pipeline.types import (
    EMOTIONS,
    Band,
    BrowserAudio,
    Contribution,
    Estimate,
    Explanation,
    Reading,
    Reason,
    Shares,
    Signal,
    Trajectory,
    VoiceFeatures,
)
from server.media import EncodedFrame, FrameConsumer


class FakeClock:
    """Monotonic and wall time that move together, by hand."""

    def __init__(self) -> None:
        self.s = 1000.0
        self._start = datetime(2026, 11, 20, 12, tzinfo=UTC) - timedelta(seconds=self.s)

    def __call__(self) -> float:
        return self.s

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.s)

    def pass_s(self, seconds: float) -> None:
        self.s += seconds


class FakeAttachment:
    def __init__(self, media: "FakeMedia", consumer: FrameConsumer) -> None:
        self.consumer = consumer
        self.keyframes = 0
        self.request_keyframe: Callable[[], None] = self._count
        self._media = media

    def _count(self) -> None:
        self.keyframes += 1

    def detach(self) -> None:
        if self in self._media.attached:
            self._media.attached.remove(self)


class FakeListening:
    def __init__(self, media: "FakeMedia", who: tuple[str, str], on_change: Callable[[bool, float], None]) -> None:
        self.who = who
        """Room, and who does not count."""
        self.on_change = on_change
        self._media = media

    def stop(self) -> None:
        if self in self._media.listening:
            self._media.listening.remove(self)


class FakeMedia:
    """A media plane without media."""

    def __init__(self) -> None:
        self.attached: list[FakeAttachment] = []
        self.listening: list[FakeListening] = []
        self.closed_participants: list[tuple[str, str]] = []
        self.closed_rooms: list[str] = []

    def attach(self, room_id: str, participant_id: str, consumer: FrameConsumer) -> FakeAttachment:
        attachment = FakeAttachment(self, consumer)
        self.attached.append(attachment)
        return attachment

    def listen(self, room_id: str, except_id: str, on_change: Callable[[bool, float], None]) -> FakeListening:
        listening = FakeListening(self, (room_id, except_id), on_change)
        self.listening.append(listening)
        return listening

    async def close_participant(self, room_id: str, participant_id: str) -> None:
        self.closed_participants.append((room_id, participant_id))

    async def close_room(self, room_id: str) -> None:
        self.closed_rooms.append(room_id)


@dataclass(frozen=True)
class FakeChange:
    """News about a publication, or about a worker."""

    room_id: str = ""
    participant_id: str = ""
    state: str = "live"
    has_audio: bool = True
    has_video: bool = True
    from_s: float | None = None


class FakeFeed:
    def __init__(self, on_estimate, on_health, on_words) -> None:
        self.on_overflow: Callable[[], None] = lambda: None
        self.estimate = on_estimate
        self.health = on_health
        self.words = on_words
        self.transcribed: list[bool] = []
        self.last: list[Estimate] = []
        """Delivered by close, as a worker delivers what it still had."""
        self.recalibrations = 0
        self.others: list[tuple[bool, float]] = []
        self.browser_audio: list[BrowserAudio] = []
        self.questions_s: list[float] = []
        self.explanation: Explanation | None = None
        """What explain answers."""
        self.explained: list[str | None] = []
        self.before_answer: Callable[[], None] = lambda: None
        self.is_closed = False

    def push(self, frame: EncodedFrame) -> None: ...

    def ended(self, reason: str) -> None: ...

    def hear_others(self, is_speaking: bool, since_s: float) -> None:
        self.others.append((is_speaking, since_s))

    def hear_through(self, audio: BrowserAudio) -> None:
        self.browser_audio.append(audio)

    def transcribe(self, *, is_on: bool) -> None:
        self.transcribed.append(is_on)

    def recalibrate(self) -> None:
        self.recalibrations += 1

    def mark_question(self, t_s: float) -> None:
        self.questions_s.append(t_s)

    async def explain(self, emotion: str | None) -> Explanation | None:
        self.explained.append(emotion)
        await asyncio.sleep(0)
        self.before_answer()
        return self.explanation

    async def close(self) -> None:
        for estimate in self.last:
            self.estimate(estimate, 0.0)
        self.is_closed = True


@dataclass
class FakeAnalysis:
    """An analysis pool without workers; counts what is asked of it."""

    warmed: int = 0
    feeds: dict[str, FakeFeed] = field(default_factory=dict)
    origins_s: dict[str, float] = field(default_factory=dict)
    before_open: Callable[[], None] = lambda: None
    failure: Exception | None = None

    async def warm(self) -> None:
        self.warmed += 1

    async def open(self, session_id, *, origin_s, on_estimate, on_health, on_words) -> FakeFeed:
        self.before_open()
        if self.failure is not None:
            raise self.failure
        feed = FakeFeed(on_estimate, on_health, on_words)
        self.feeds[session_id] = feed
        self.origins_s[session_id] = origin_s
        on_health(FakeChange(state="ready"))
        return feed

    @property
    def newest(self) -> FakeFeed:
        return list(self.feeds.values())[-1]


def estimate(t_s: float, stress: float | None = 0.4, *, peak_t_s: float | None = None, full: bool = True) -> Estimate:
    """Return an estimate; ``full=False`` gives one of a session that could not be measured."""
    known = stress is not None
    reading = Reading(
        value=stress, quality=0.8 if known else 0.0, reason=Reason.OK if known else Reason.NO_FACE, age_s=0.1
    )
    return Estimate(
        t_s=t_s,
        stress=reading,
        stress_raw=stress,
        face=reading,
        voice=reading,
        emotions=tuple([1.0 / len(EMOTIONS)] * len(EMOTIONS)) if full else None,
        levels=Shares(
            shares=(0.5, 0.2, 0.3) if full else None,
            quality=0.7 if full else 0.0,
            reason=Reason.OK if full else Reason.NO_FACE,
            age_s=0.2 if full else 0.0,
        ),
        eyes=Shares(
            shares=(0.1, 0.1, 0.3, 0.4, 0.05, 0.05) if full else None,
            quality=0.6 if full else 0.0,
            reason=Reason.OK if full else Reason.UNCLEAR,
            age_s=0.2 if full else 0.0,
        ),
        voice_features=VoiceFeatures(
            rms=0.1,
            centroid_hz=1500.0,
            f0_hz=None,
            rms_variability=0.02,
            f0_variability=None,
            snr_db=20.5,
            speech_share=0.75,
            is_silent=False,
        )
        if full
        else None,
        band=Band.MODERATE if known else None,
        trajectory=Trajectory.STABLE if known else None,
        window_mean=stress,
        window_sd=0.01 if known else None,
        peak_t_s=peak_t_s,
        contributions=(Contribution(signal="face.fear", amount=0.1), Contribution(signal="voice.f0", amount=0.3))
        if full
        else (),
        newest_sample_s=t_s - 0.1,
        signals=(
            Signal(name="gaze.contact_share", value=0.625, quality=0.7, reason=Reason.OK, age_s=0.1, z=-1.25),
            Signal(name="pulse.rate", value=None, quality=0.0, reason=Reason.MOVING, age_s=0.0),
        )
        if full
        else (),
    )
