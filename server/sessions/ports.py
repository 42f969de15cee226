"""What the live room needs from the media plane and the analysis, stated here and handed in by server/app.py."""

from collections.abc import Callable
from typing import Protocol

from pipeline.language.words import Word
from pipeline.types import BrowserAudio, Estimate, Explanation
from server.media import Attachment, FrameConsumer


class PublisherChange(Protocol):
    """News about a participant's own media (server/rtc: PublisherEvent)."""

    @property
    def room_id(self) -> str:
        """Room of the participant."""

    @property
    def participant_id(self) -> str:
        """Who publishes."""

    @property
    def state(self) -> str:
        """One of connecting, live, interrupted, closed."""

    @property
    def has_audio(self) -> bool:
        """A microphone is published."""

    @property
    def has_video(self) -> bool:
        """A camera is published."""


class WorkerChange(Protocol):
    """News about the process that analyses a session (server/analysis: WorkerHealth)."""

    @property
    def state(self) -> str:
        """One of starting, ready, restarting, failed."""

    @property
    def from_s(self) -> float | None:
        """Session time at which a gap began, if one did."""


class ListeningPort(Protocol):
    """A hold on the news of who speaks in a room."""

    def stop(self) -> None:
        """Hear nothing more; safe to call twice."""


class NewWords(Protocol):
    """Words of a session (server/analysis: WordsMade)."""

    @property
    def words(self) -> tuple[Word, ...]:
        """In session time; may be empty."""

    @property
    def transcriber(self) -> str:
        """Engine and model."""

    @property
    def lost_s(self) -> float:
        """Speech that could not be written down until now."""


class MediaPort(Protocol):
    """The media plane, as far as the live room uses it."""

    def attach(self, room_id: str, participant_id: str, consumer: FrameConsumer) -> Attachment:
        """Let a consumer watch a participant, before, during or between publications."""

    def listen(self, room_id: str, except_id: str, on_change: Callable[[bool, float], None]) -> ListeningPort:
        """Tell whether anybody but one participant speaks, and since when on the monotonic clock."""

    async def close_participant(self, room_id: str, participant_id: str) -> None:
        """End everything a participant publishes or watches."""

    async def close_room(self, room_id: str) -> None:
        """End all media of a room."""


class FeedPort(FrameConsumer, Protocol):
    """The way into the analysis of one session."""

    on_overflow: Callable[[], None]
    """Set by the live room: called when frames had to be dropped and a key frame is wanted."""

    def hear_others(self, is_speaking: bool, since_s: float) -> None:
        """Take note that an interviewer begins to speak, or that none does any more, on the monotonic clock."""

    def hear_through(self, audio: BrowserAudio) -> None:
        """Take note of what the person's browser does to their sound from here on."""

    def transcribe(self, *, is_on: bool) -> None:
        """Write down what the person says from here on, or stop at once."""

    def recalibrate(self) -> None:
        """Measure the person's baseline anew from here."""

    def mark_question(self, t_s: float) -> None:
        """Let the analysis know that a question was asked at this session time."""

    async def explain(self, emotion: str | None) -> Explanation | None:
        """Return what the answer on the newest face rests on; None when no worker answers in time.

        Args:
            emotion: one of EMOTIONS, or None for the one with the largest share.
        """

    async def close(self) -> None:
        """Deliver the last estimates, then forget the session."""


class AnalysisPort(Protocol):
    """The analysis plane, as far as the live room uses it."""

    async def warm(self) -> None:
        """Start workers and load models; idempotent. Called only under a candidate's consent."""

    async def open(
        self,
        session_id: str,
        *,
        origin_s: float,
        on_estimate: Callable[[Estimate, float], None],
        on_health: Callable[[WorkerChange], None],
        on_words: Callable[[NewWords], None],
    ) -> FeedPort:
        """Begin the analysis of one session whose time 0 is ``origin_s`` on the monotonic clock."""
