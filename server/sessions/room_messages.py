"""The messages of a room, as protocol.SERVER_EVENTS describes them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from pipeline.language.words import Word
from pipeline.types import Estimate
from server.protocol import HEARTBEAT_S, word_message
from server.sessions.records import Interview, Marker, Note, Question
from server.sessions.seat import Connection

Message = dict[str, Any]


def welcome_message(connection: Connection, interview: Interview) -> Message:
    """Return the answer to ``hello``."""
    return {
        "type": "welcome",
        "participant_id": connection.participant_id,
        "role": connection.role,
        "name": connection.name,
        "heartbeat_s": HEARTBEAT_S,
        "interview": {
            "title": interview.title,
            "duration_min": interview.duration_min,
            "purpose": interview.purpose,
        },
    }


def tap_message(message: Message, estimate: Estimate, *, origin_s: float | None) -> Message:
    """Return an estimate as researchers receive it.

    With the features behind it and session time 0 on their clock, without what is recommended to the interviewers.
    """
    features = estimate.voice_features
    return {
        **{name: value for name, value in message.items() if name != "advice"},
        "origin_s": origin_s,
        "voice_features": None if features is None else asdict(features),
        "newest_sample_s": estimate.newest_sample_s,
    }


def caption_message(
    session_id: str | None, words: Iterable[Word], *, lost_s: float = 0.0, complete: bool = False
) -> Message:
    """Return what the candidate said; ``complete`` says that it replaces what the page has."""
    return {
        "type": "caption",
        "session_id": session_id,
        "words": [word_message(word) for word in words],
        "lost_s": round(lost_s, 1),
        "complete": complete,
    }


def marker_message(marker: Marker, *, deleted: bool = False) -> Message:
    """Return a marker that was stored or deleted."""
    return {"type": "marker", **_marker_fields(marker), "deleted": deleted}


def note_message(note: Note, *, reader_id: str) -> Message:
    """Return a note for one reader."""
    return {"type": "note", **_note_fields(note, reader_id)}


def history_message(
    session_id: str | None,
    estimates: Sequence[Message],
    *,
    markers: Iterable[Marker],
    notes: Iterable[Note],
    questions: Iterable[Question],
    peaks: Sequence[Message],
    reader_id: str,
    complete: bool,
) -> Message:
    """Return what a page needs to know of the past.

    ``estimates`` and ``peaks`` are in the form of protocol.estimate_message and peak_message. ``complete`` says that
    the estimates replace what the page has, else they are added to it.
    """
    return {
        "type": "history",
        "session_id": session_id,
        "estimates": estimates,
        "markers": [_marker_fields(marker) for marker in markers],
        "notes": [_note_fields(note, reader_id) for note in notes],
        "questions": [{"id": question.id, "text": question.text} for question in questions],
        "peaks": peaks,
        "complete": complete,
    }


def _marker_fields(marker: Marker) -> Message:
    return {
        "id": marker.id,
        "t_s": marker.t_s,
        "kind": marker.kind,
        "label": marker.label,
        "question_id": marker.question_id,
        "author": marker.author,
    }


def _note_fields(note: Note, reader_id: str) -> Message:
    return {
        "id": note.id,
        "t_s": note.t_s,
        "text": note.text,
        "author": note.author,
        "mine": note.author_id == reader_id,
    }
