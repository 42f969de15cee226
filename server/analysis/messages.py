"""The messages between the server and a worker process, and their form on the link.

A message is ``[tag, field, field, ...]`` in the order of its dataclass; nested dataclasses are lists likewise.
"""

import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pipeline.language.words import Word
from pipeline.types import BrowserAudio, Estimate, Explanation
from server.analysis.link import LinkError
from server.media import EncodedFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """To the worker: begin a session, or go on with one that another worker had."""

    session_id: str
    origin_s: float
    """Server's monotonic clock at session time 0."""
    analysis_fps: float
    """Pictures a second whose expression is read."""
    landmark_fps: float
    """Pictures a second on which the face is followed."""
    state: bytes | None
    """A checkpoint of this session from a worker of the same software, or None to begin afresh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """To the worker: one encoded frame."""

    session_id: str
    frame: EncodedFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkGap:
    """To the worker: media of this stretch of session time never came or was dropped."""

    session_id: str
    from_s: float
    to_s: float
    stream: Literal["audio", "video", "both"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OthersSpeak:
    """To the worker: since this session time somebody else in the interview speaks, or nobody else does."""

    session_id: str
    t_s: float
    is_speaking: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HearThrough:
    """To the worker: what the person's browser does to their sound from here on."""

    session_id: str
    audio: BrowserAudio


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcribe:
    """To the worker: write down what the person says from here on, or stop at once."""

    session_id: str
    is_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeEstimate:
    """To the worker: the tick at this session time is due."""

    session_id: str
    t_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibrate:
    """To the worker: measure the person's baseline anew from this session time."""

    session_id: str
    t_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkQuestion:
    """To the worker: a question was asked at this session time."""

    session_id: str
    t_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain:
    """To the worker: say what the emotion network's answer on the newest face rests on."""

    session_id: str
    number: int
    """Of the question, for the answer."""
    emotion: str | None
    """One of EMOTIONS; None for the one with the largest share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """To the worker: finish what came before and forget the session."""

    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """To the worker: answer, to show that you work."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """From the worker: models are loaded and warm."""

    model_version: str
    load_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStats:
    """What the worker counted for one session since it was opened there."""

    decoded: int = 0
    """Video frames decoded."""
    analysed: int = 0
    """Video frames whose expression was read."""
    tracked: int = 0
    """Video frames on which the face was followed."""
    skipped_late: int = 0
    """Video frames that were due for measuring but too old when their turn came."""
    decode_errors: int = 0
    """Audio and video frames that could not be decoded."""
    audio_s: float = 0.0
    """Sound that went into the analyser, lost stretches included."""
    audio_gap_s: float = 0.0
    """The lost stretches of it."""
    audio_recovered_s: float = 0.0
    """Stretches of it that came as a coarser copy in the next packet (Opus FEC); not counted as lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateMade:
    """From the worker: one tick's estimate."""

    session_id: str
    estimate: Estimate
    newest_arrival_s: float
    """When the newest media behind the estimate reached the server; the origin when none did."""
    stats: SessionStats


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsMade:
    """From the worker: words that were said, some seconds ago."""

    session_id: str
    words: tuple[Word, ...]
    """In session time; may be empty when only lost_s is news."""
    transcriber: str
    """Engine and model."""
    lost_s: float
    """Speech that was not written down since the session was opened there: the transcriber was too slow, or died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """From the worker: the analyser's state, which only a worker can read."""

    session_id: str
    t_s: float
    state: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """From the worker: the answer to Explain. The picture in it goes to who asked and nowhere else."""

    session_id: str
    number: int
    explanation: Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyframeWanted:
    """From the worker: the picture is broken until the next key frame."""

    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """From the worker: the session is forgotten, nothing more comes of it."""

    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """From the worker: the session met an error and is closed."""

    session_id: str
    error: str
    """Kind and place of the error, without content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong:
    """From the worker: answer to Ping."""

    number: int


InSession = (
    Media | MarkGap | OthersSpeak | HearThrough | MarkQuestion | Transcribe | MakeEstimate | Recalibrate | Explain
)
"""What an open session takes, in order."""
ToWorker = Open | InSession | Close | Ping
FromWorker = Ready | EstimateMade | WordsMade | Checkpoint | Explained | KeyframeWanted | Closed | Failed | Pong

_BY_TAG: Mapping[str, type] = {kind.__name__: kind for kind in get_args(ToWorker) + get_args(FromWorker)}


def to_body(message: ToWorker | FromWorker) -> list[Any]:
    """Return a message's form on the link."""
    return [type(message).__name__, *_plain(message)]


def from_body(body: list[Any]) -> Any:
    """Return the message of a body.

    Raises:
        LinkError: unknown tag, wrong number of fields, or a field of the wrong type.
    """
    kind = _BY_TAG.get(body[0]) if isinstance(body[0], str) else None
    if kind is None:
        raise LinkError("unknown message")
    return _restored(kind, body[1:])


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return [_plain(getattr(value, item.name)) for item in fields(value)]
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, StrEnum):
        return value.value
    return value


@cache
def _field_types(kind: type) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(kind)
    return tuple((item.name, hints[item.name]) for item in fields(kind))


def _restored(kind: Any, value: Any) -> Any:
    if kind is float:
        return _checked((int, float), value)
    if isinstance(kind, type) and kind in (str, int, bool, bytes, types.NoneType):
        return _checked(kind, value)
    if is_dataclass(kind) and isinstance(kind, type):
        return _restored_dataclass(kind, value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        try:
            return kind(value)
        except ValueError as exc:
            raise LinkError(f"no such {kind.__name__}") from exc
    return _restored_generic(kind, value)


def _restored_dataclass(kind: type, value: Any) -> Any:
    items = _field_types(kind)
    if not isinstance(value, list) or len(value) != len(items):
        raise LinkError(f"{kind.__name__} has {len(items)} fields")
    return kind(**{name: _restored(hint, part) for (name, hint), part in zip(items, value, strict=True)})


def _restored_generic(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in (types.UnionType, Union):
        if value is None:
            return _checked(types.NoneType if types.NoneType in get_args(kind) else str, value)
        (inner,) = (part for part in get_args(kind) if part is not types.NoneType)
        return _restored(inner, value)
    if origin is Literal:
        if value not in get_args(kind):
            raise LinkError(f"not one of {get_args(kind)}")
        return value
    if origin is tuple and isinstance(value, list):
        return tuple(_restored(get_args(kind)[0], part) for part in value)
    raise LinkError(f"{kind} cannot be read from {type(value).__name__}")


def _checked(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind):
        raise LinkError(f"{type(value).__name__} where {kind} belongs")
    return value
