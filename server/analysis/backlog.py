"""The bounded queue between one session's feed and its worker, and what it drops when the worker cannot keep up.

Video that finds no room is dropped, queued pictures too, until the next key frame, and the hole is announced in front
of that key frame. Sound is dropped oldest first; the decoder sees the hole in the RTP timestamps and marks it.
"""

from collections import deque
from collections.abc import Callable

from server.analysis.messages import (
    Close,
    Explain,
    HearThrough,
    MakeEstimate,
    MarkGap,
    MarkQuestion,
    Media,
    Open,
    OthersSpeak,
    Recalibrate,
    Transcribe,
)
from server.media import EncodedFrame, Kind

MAX_VIDEO_FRAMES = 45
"""About 1.5 s of a 30 Hz camera."""
MAX_VIDEO_BYTES = 1_500_000
MAX_AUDIO_FRAMES = 100
"""2 s of Opus packets."""
MAX_TICKS = 10

Rare = Open | MarkGap | OthersSpeak | HearThrough | MarkQuestion | Transcribe | Recalibrate | Explain | Close
Queued = Rare | Media | MakeEstimate


class Backlog:
    """Messages of one session that the link has not taken yet, in order."""

    def __init__(self, session_id: str, origin_s: float) -> None:
        self._session_id = session_id
        self._origin_s = origin_s
        self._messages: deque[Queued] = deque()
        self._n_video = 0
        self._n_audio = 0
        self._n_ticks = 0
        self._video_bytes = 0
        self._hole_from_s: float | None = None
        self.needs_keyframe = True
        """Video is refused until one comes."""
        self.dropped_video = 0
        self.dropped_audio = 0
        self.dropped_ticks = 0

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Rare) -> None:
        """Queue a message that is rare by nature, behind all others."""
        self._messages.append(message)

    def put_tick(self, t_s: float) -> None:
        """Queue a tick; the oldest one is dropped when MAX_TICKS wait."""
        if self._n_ticks >= MAX_TICKS:
            self._drop_first(lambda message: isinstance(message, MakeEstimate))
            self.dropped_ticks += 1
        self._messages.append(MakeEstimate(session_id=self._session_id, t_s=t_s))
        self._n_ticks += 1

    def put_frame(self, frame: EncodedFrame) -> None:
        """Queue a frame or drop by the policy; see ``needs_keyframe`` afterwards."""
        if frame.kind is Kind.AUDIO:
            self._put_audio(frame)
        else:
            self._put_video(frame)

    def take(self) -> Queued | None:
        """Return the oldest message, or None."""
        if not self._messages:
            return None
        message = self._messages.popleft()
        self._forget(message)
        return message

    def begin_hole(self, capture_s: float) -> None:
        """Refuse video until a key frame, which will be preceded by a gap from here."""
        self.needs_keyframe = True
        if self._hole_from_s is None:
            self._hole_from_s = capture_s

    def clear(self) -> None:
        """Drop everything that waits; video needs a key frame again."""
        for message in self._messages:
            self._count_drop(message)
        self._messages.clear()
        self._n_video = self._n_audio = self._n_ticks = self._video_bytes = 0
        self._hole_from_s = None
        self.needs_keyframe = True

    def _put_audio(self, frame: EncodedFrame) -> None:
        if self._n_audio >= MAX_AUDIO_FRAMES:
            self._drop_first(_is_audio)
            self.dropped_audio += 1
        self._messages.append(Media(session_id=self._session_id, frame=frame))
        self._n_audio += 1

    def _put_video(self, frame: EncodedFrame) -> None:
        is_full = self._n_video >= MAX_VIDEO_FRAMES or self._video_bytes + len(frame.data) > MAX_VIDEO_BYTES
        if is_full and self._n_video:
            self.begin_hole(self._drop_video())
            is_full = len(frame.data) > MAX_VIDEO_BYTES
        if is_full or (self.needs_keyframe and not frame.is_keyframe):
            self.begin_hole(frame.capture_s)
            self.dropped_video += 1
            return
        if self._hole_from_s is not None:
            self._announce_hole(frame.capture_s)
        self.needs_keyframe = False
        self._messages.append(Media(session_id=self._session_id, frame=frame))
        self._n_video += 1
        self._video_bytes += len(frame.data)

    def _announce_hole(self, until_s: float) -> None:
        assert self._hole_from_s is not None
        from_s, to_s = max(0.0, self._hole_from_s - self._origin_s), until_s - self._origin_s
        self._hole_from_s = None
        if to_s > from_s:
            self._messages.append(MarkGap(session_id=self._session_id, from_s=from_s, to_s=to_s, stream="video"))

    def _drop_video(self) -> float:
        """Drop all queued pictures and return the capture time of the oldest."""
        kept: deque[Queued] = deque()
        oldest_s: float | None = None
        for message in self._messages:
            if isinstance(message, Media) and message.frame.kind is Kind.VIDEO:
                self.dropped_video += 1
                oldest_s = message.frame.capture_s if oldest_s is None else oldest_s
            else:
                kept.append(message)
        assert oldest_s is not None
        self._messages = kept
        self._n_video = self._video_bytes = 0
        return oldest_s

    def _drop_first(self, is_meant: Callable[[Queued], bool]) -> None:
        for index, message in enumerate(self._messages):
            if is_meant(message):
                self._forget(message)
                del self._messages[index]
                return

    def _forget(self, message: Queued) -> None:
        if isinstance(message, MakeEstimate):
            self._n_ticks -= 1
        elif _is_audio(message):
            self._n_audio -= 1
        elif isinstance(message, Media):
            self._n_video -= 1
            self._video_bytes -= len(message.frame.data)

    def _count_drop(self, message: Queued) -> None:
        if isinstance(message, MakeEstimate):
            self.dropped_ticks += 1
        elif _is_audio(message):
            self.dropped_audio += 1
        elif isinstance(message, Media):
            self.dropped_video += 1


def _is_audio(message: Queued) -> bool:
    return isinstance(message, Media) and message.frame.kind is Kind.AUDIO
