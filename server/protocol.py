"""The websocket's events: who may send what, who may receive what. docs/protocol.md describes them for people.

Every message is a JSON object with ``type``. Times called ``t_s`` are seconds since the start of the running session.
A candidate never receives an event outside ``SERVER_EVENTS[...].roles`` that names the candidate, and none of those
carries an analysis value.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline.advice import Advice
from pipeline.language.words import Word
from pipeline.levels import LEVELS, name_level
from pipeline.moved import PeakReason
from pipeline.types import EMOTIONS, EYE_EMOTIONS, Estimate, Explanation, Reading, Reason, Shares, Signal

MAX_MESSAGE_BYTES = 16_384
"""Largest websocket message a client may send."""

HEARTBEAT_S = 5.0
"""A page pings this often."""

HEARTBEAT_TIMEOUT_S = 15.0
"""A page that was silent this long is gone."""

HELLO_TIMEOUT_S = 5.0
"""The first message must come this soon."""


class Role(StrEnum):
    """What a participant is in an interview."""

    INTERVIEWER = "interviewer"
    CANDIDATE = "candidate"


BOTH = frozenset(Role)
INTERVIEWER = frozenset({Role.INTERVIEWER})
CANDIDATE = frozenset({Role.CANDIDATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a client's message."""

    type: type
    required: bool = True
    max_length: int = 200
    choices: tuple[str, ...] = ()
    pattern: str = ""
    """Regular expression that all of a text must match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEvent:
    """A message pages send."""

    roles: frozenset[Role]
    fields: dict[str, Field]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """A message pages receive."""

    roles: frozenset[Role]
    purpose: str


CLIENT_ID = Field(type=str, required=False, max_length=32, pattern="[0-9a-f]{16,32}")
"""Chosen at random by the page, it becomes the id of what is stored, so that what is sent again is stored once."""

CLIENT_EVENTS: dict[str, ClientEvent] = {
    # ``token`` is an access token. Since is the newest estimate the page has, of that session (reconnection).
    "hello": ClientEvent(
        roles=BOTH,
        fields={
            "token": Field(type=str, max_length=2048),
            "since_s": Field(type=float, required=False),
            "session_id": Field(type=str, required=False, max_length=64),
        },
    ),
    "ping": ClientEvent(roles=BOTH, fields={}),
    # Microphone and camera as the page has them now, and the audio processing that the browser reports.
    "devices": ClientEvent(
        roles=BOTH,
        fields={
            "microphone": Field(type=bool),
            "camera": Field(type=bool),
            "settings": Field(type=dict, required=False),
        },
    ),
    "leave": ClientEvent(roles=BOTH, fields={}),
    # The candidate enters the waiting room.
    "knock": ClientEvent(roles=CANDIDATE, fields={}),
    # Give or withdraw a consent in the call. ``call`` cannot be withdrawn this way: leaving does that.
    "consent": ClientEvent(
        roles=CANDIDATE,
        fields={
            "kind": Field(type=str, choices=("analysis", "research", "transcription")),
            "granted": Field(type=bool),
            "text_version": Field(type=str, max_length=40),
        },
    ),
    "admit": ClientEvent(roles=INTERVIEWER, fields={}),
    "decline": ClientEvent(roles=INTERVIEWER, fields={}),
    "start_analysis": ClientEvent(roles=INTERVIEWER, fields={}),
    "stop_analysis": ClientEvent(roles=INTERVIEWER, fields={}),
    "recalibrate": ClientEvent(roles=INTERVIEWER, fields={}),
    # What the network's answer on the newest picture rests on; without an emotion that of the largest share.
    "explain": ClientEvent(roles=INTERVIEWER, fields={"emotion": Field(type=str, required=False, choices=EMOTIONS)}),
    "end": ClientEvent(roles=INTERVIEWER, fields={}),
    "marker": ClientEvent(
        roles=INTERVIEWER,
        fields={
            "t_s": Field(type=float, required=False),
            "kind": Field(type=str, choices=("moment", "question", "peak")),
            "label": Field(type=str, required=False),
            "question_id": Field(type=str, required=False, max_length=64),
            "client_id": CLIENT_ID,
        },
    ),
    "delete_marker": ClientEvent(roles=INTERVIEWER, fields={"id": Field(type=str, max_length=64)}),
    # Without id a new note, with id an edit of one's own; a client_id that is stored already is an edit too.
    "note": ClientEvent(
        roles=INTERVIEWER,
        fields={
            "id": Field(type=str, required=False, max_length=64),
            "text": Field(type=str, max_length=4000),
            "t_s": Field(type=float, required=False),
            "client_id": CLIENT_ID,
        },
    ),
}

SERVER_EVENTS: dict[str, ServerEvent] = {
    # {participant_id, role, name, heartbeat_s, interview: {title, duration_min, purpose}}
    "welcome": ServerEvent(roles=BOTH, purpose="answer to hello"),
    # {status, you: absent|waiting|admitted|declined|ended,
    #  participants: [{id, role, name, presence: absent|waiting|present|interrupted, publishing, microphone, camera}],
    #  analysis: {on}  and for interviewers also {allowed, reason, session_id, started_at, t_s, worker,
    #  captions: on|no_consent|off}}
    "state": ServerEvent(roles=BOTH, purpose="the whole state of the room, sent on every change"),
    "pong": ServerEvent(roles=BOTH, purpose="answer to ping"),
    # client_id is that of the marker or note which was refused, if it had one.
    "error": ServerEvent(roles=BOTH, purpose="{code, message, client_id?}: what could not be done and why"),
    # {reason: ended|declined|cancelled|replaced|expired|shutdown}; the page must not reconnect by itself.
    "bye": ServerEvent(roles=BOTH, purpose="this connection is over"),
    # {session_id, estimates: [...], markers, notes, questions, peaks: [{t_s, stress, why}], complete: bool}; a long
    # session comes in several. complete: the estimates replace what the page has; else they are added to it.
    "history": ServerEvent(roles=INTERVIEWER, purpose="what a page needs after hello and when a session starts"),
    # One estimate: see server/protocol.estimate_message.
    "estimate": ServerEvent(roles=INTERVIEWER, purpose="one tick of the analyser"),
    # See server/protocol.explanation_message. Goes to the page that asked alone.
    "explanation": ServerEvent(roles=INTERVIEWER, purpose="answer to explain"),
    # {session_id, words: [{text, from_s, to_s, confidence}], lost_s, complete: the words are all that the page needs to
    # know, not only the newest}. Only where the candidate agreed to it.
    "caption": ServerEvent(roles=INTERVIEWER, purpose="what the candidate said some seconds ago"),
    "marker": ServerEvent(
        roles=INTERVIEWER, purpose="{id, t_s, kind, label, question_id, author, deleted}: stored or deleted"
    ),
    "note": ServerEvent(roles=INTERVIEWER, purpose="{id, t_s, text, author, mine}: stored"),
    # {state: starting|ready|restarting|failed, from_s?: the gap's start}
    "worker": ServerEvent(roles=INTERVIEWER, purpose="health of the analysis"),
    "knock": ServerEvent(roles=INTERVIEWER, purpose="{name}: the candidate is in the waiting room"),
}


def word_message(word: Word) -> dict[str, Any]:
    """Return a word as its wire form."""
    return {
        "text": word.text,
        "from_s": round(word.from_s, 2),
        "to_s": round(word.to_s, 2),
        "confidence": None if word.confidence is None else round(word.confidence, 3),
    }


def reading_message(reading: Reading) -> dict[str, Any]:
    """Return a reading as its wire form {value, quality, reason, age_s}."""
    return {
        "value": _rounded(reading.value),
        "quality": round(reading.quality, 3),
        "reason": str(reading.reason),
        "age_s": round(reading.age_s, 3),
    }


def estimate_message(
    session_id: str,
    estimate: Estimate,
    *,
    newest_arrival_s: float | None = None,
    peak_why: PeakReason | None = None,
    advice: Sequence[Advice] = (),
) -> dict[str, Any]:
    """Return an estimate as the message interviewers receive and researchers read.

    Args:
        session_id: whose it is.
        estimate: what was measured.
        newest_arrival_s: the server's monotonic clock when the newest media behind the estimate arrived; the
            difference to the clock on receipt is the latency of the analysis.
        peak_why: of the peak that it confirms.
        advice: what stands recommended now; for interviewers alone.
    """
    return {
        "type": "estimate",
        "session_id": session_id,
        "t_s": estimate.t_s,
        "stress": reading_message(estimate.stress),
        "stress_raw": _rounded(estimate.stress_raw),
        "face": reading_message(estimate.face),
        "voice": reading_message(estimate.voice),
        "emotions": None
        if estimate.emotions is None
        else {name: round(share, 4) for name, share in zip(EMOTIONS, estimate.emotions, strict=True)},
        "level": _level_message(estimate.levels),
        "eyes": _shares_message(estimate.eyes, EYE_EMOTIONS),
        "band": estimate.band,
        "trajectory": estimate.trajectory,
        "window_mean": _rounded(estimate.window_mean),
        "window_sd": _rounded(estimate.window_sd),
        "peak_t_s": estimate.peak_t_s,
        "peak_why": None if peak_why is None else why_message(peak_why),
        "contributions": [{"signal": part.signal, "amount": round(part.amount, 4)} for part in estimate.contributions],
        "newest_arrival_s": newest_arrival_s,
        "signals": {signal.name: signal_message(signal) for signal in estimate.signals},
        "advice": [_advice_message(item) for item in advice],
    }


def peak_message(t_s: float, stress: float, why: PeakReason | None) -> dict[str, Any]:
    """Return a peak as its wire form {t_s, stress, why}; ``why`` is null where nothing is stored to explain it."""
    return {"t_s": t_s, "stress": round(stress, 4), "why": None if why is None else why_message(why)}


def why_message(why: PeakReason) -> dict[str, Any]:
    """Return why there is a peak as its wire form {rise, parts, moved}."""
    return {
        "rise": round(why.rise, 4),
        "parts": [{"signal": part.signal, "amount": round(part.amount, 4)} for part in why.parts],
        "moved": [
            {
                "name": item.name,
                "value": significant(item.value),
                "z": round(item.z, 2),
                "quality": round(item.quality, 3),
            }
            for item in why.moved
        ],
    }


def _advice_message(advice: Advice) -> dict[str, Any]:
    return {
        "id": advice.id,
        "text": advice.text,
        "evidence": [
            {"name": item.name, "value": significant(item.value), "z": None if item.z is None else round(item.z, 2)}
            for item in advice.evidence
        ],
    }


def signal_message(signal: Signal) -> dict[str, Any]:
    """Return a signal as its wire form {value, quality, reason, age_s, z}; its unit is in the catalogue."""
    return {
        "value": None if signal.value is None else significant(signal.value),
        "quality": round(signal.quality, 3),
        "reason": str(signal.reason),
        "age_s": round(signal.age_s, 3),
        "z": None if signal.z is None else round(signal.z, 2),
    }


def significant(value: float) -> float:
    """Round to five significant digits."""
    return float(f"{value:.5g}")


def _level_message(levels: Shares) -> dict[str, Any]:
    name, confidence = name_level(levels)
    return {"name": name, "confidence": _rounded(confidence), **_shares_message(levels, LEVELS)}


def _shares_message(shares: Shares, names: Iterable[str]) -> dict[str, Any]:
    values = shares.shares
    return {
        "shares": None
        if values is None
        else {str(name): round(value, 4) for name, value in zip(names, values, strict=True)},
        "quality": round(shares.quality, 3),
        "reason": str(shares.reason),
        "age_s": round(shares.age_s, 3),
    }


def explanation_message(session_id: str, explanation: Explanation | None) -> dict[str, Any]:
    """Return the answer to ``explain`` as the message its asker receives.

    ``explanation`` is None when no worker answered; then, as without a usable face, there is a reason and no map.
    """
    if explanation is None:
        explanation, reason = Explanation(reason=Reason.NO_VIDEO), "no_answer"
    else:
        reason = str(explanation.reason)
    crop = explanation.crop
    return {
        "type": "explanation",
        "session_id": session_id,
        "reason": reason,
        "t_s": None if explanation.t_s is None else round(explanation.t_s, 3),
        "quality": round(explanation.quality, 3),
        "emotion": explanation.emotion,
        "share": _rounded(explanation.share),
        "crop": None if crop is None else base64.b64encode(crop).decode(),
        "falls": [round(fall, 4) for fall in explanation.falls],
        "parts": [{"part": effect.part, "fall": round(effect.fall, 4)} for effect in explanation.parts],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
