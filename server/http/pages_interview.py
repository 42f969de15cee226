"""The interviewer's dashboard, and the summary of a session with its downloads."""

import asyncio
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from pipeline.language.answers import answer_between
from pipeline.levels import LEVELS
from pipeline.types import EMOTIONS
from server.export.document import CONTENT_TYPE as JSON_TYPE
from server.export.document import session_json
from server.export.series import CONTENT_TYPE as CSV_TYPE
from server.export.series import series_csv
from server.export.words import VTT_TYPE, words_csv, words_vtt
from server.http.access import MEMBER, Route, current_interview, current_user
from server.http.forms import go_to
from server.http.keys import CONFIG, REVIEWS, ROOMS, SUMMARIES
from server.http.signal_catalogue import signal_catalogue
from server.http.templates import render
from server.http.wording import PURPOSE_WORDS
from server.protocol import peak_message
from server.sessions.answers import list_answers
from server.sessions.records import Marker, MarkerKind, SessionStatus
from server.sessions.signal_table import signal_table_json
from server.sessions.summaries import SessionReport

BAND_WORDS = {"low": "Low", "moderate": "Moderate", "high": "High"}

EMOTION_WORDS = {
    "angry": "Anger",
    "disgust": "Disgust",
    "fear": "Fear",
    "happy": "Happiness",
    "neutral": "Neutral",
    "sad": "Sadness",
    "surprise": "Surprise",
}
assert tuple(EMOTION_WORDS) == EMOTIONS

LEVEL_WORDS = {"low": "Low", "medium": "Medium", "high": "High"}
LEVEL_EMOTIONS = {
    str(level): ", ".join(EMOTION_WORDS[name].lower() for name in names) for level, names in LEVELS.items()
}

_END_WORDS = {
    "stopped": "An interviewer stopped the analysis.",
    "ended": "It ended with the interview.",
    "consent_withdrawn": "It ended when the candidate withdrew the consent to analysis.",
    "candidate_left": "It ended when the candidate left.",
    "cancelled": "It ended when the interview was cancelled.",
    "interviewers_left": "It ended when no interviewer was in the call any more.",
    "shutdown": "The server was stopped while it ran.",
    "killed": "The server stopped unexpectedly while it ran; the last two seconds may be missing.",
}
"""Why a session ended; the keys are those of ``Session.end_reason``."""


# --- dashboard ---


async def room_page(request: web.Request) -> web.Response:
    """GET /interviews/{id}/room: the dashboard; when the interview is over, its page instead."""
    interview = current_interview(request)
    if interview.status.is_over:
        return go_to(f"/interviews/{interview.id}")
    request.app[ROOMS].require_capacity(interview)
    page = {
        "interview_id": interview.id,
        "candidate_name": interview.candidate_name,
        "is_purpose_analysed": interview.purpose in request.app[CONFIG].analysed_purposes,
    }
    purpose_words = PURPOSE_WORDS[interview.purpose]
    return render(
        request,
        "room.html",
        interview=interview,
        purpose_words=purpose_words,
        page=page,
        signal_catalogue=signal_catalogue(),
    )


# --- summary ---


async def summary_page(request: web.Request) -> web.Response:
    """GET /sessions/{session_id}."""
    report = await _report(request)
    session = report.session
    return render(
        request,
        "summary.html",
        report=report,
        interview=report.interview,
        session=session,
        summary=report.summary,
        answers=await asyncio.to_thread(list_answers, report),
        spoken=await asyncio.to_thread(answer_between, report.words, 0.0, float("inf")),
        purpose_words=PURPOSE_WORDS[report.interview.purpose],
        is_live=session.status is SessionStatus.LIVE,
        is_interrupted=session.status is SessionStatus.INTERRUPTED,
        end_words=_END_WORDS.get(session.end_reason, ""),
        band_words=BAND_WORDS,
        emotion_words=EMOTION_WORDS,
        level_words=LEVEL_WORDS,
        level_emotions=LEVEL_EMOTIONS,
        marker_words=lambda marker: _marker_words(report, marker),
        clock=clock,
        duration=duration,
        reviews={made.asked_s: made for made in report.reviews},
        is_reviewing=request.app[CONFIG].is_reviewing,
        is_being_reviewed=request.app[REVIEWS].is_running(session.id),
        page=_for_script(report),
        signal_catalogue=signal_catalogue(),
    )


async def review(request: web.Request) -> web.Response:
    """POST /sessions/{session_id}/review: have the wording of the answers reviewed, in the background."""
    session = await request.app[SUMMARIES].session(current_user(request), request.match_info["session_id"])
    request.app[REVIEWS].start(session)
    return go_to(f"/sessions/{session.id}#review")


async def series(request: web.Request) -> web.Response:
    """GET /sessions/{session_id}/series.csv."""
    report = await _report(request)
    return await _download(series_csv(report), CSV_TYPE, f"composure-{report.session.id}.csv")


async def spoken_table(request: web.Request) -> web.Response:
    """GET /sessions/{session_id}/words.csv."""
    report = await _report(request)
    return await _download(words_csv(report), CSV_TYPE, f"composure-{report.session.id}-words.csv")


async def spoken_subtitles(request: web.Request) -> web.Response:
    """GET /sessions/{session_id}/words.vtt."""
    report = await _report(request)
    return await _download(words_vtt(report), VTT_TYPE, f"composure-{report.session.id}.vtt")


async def document(request: web.Request) -> web.Response:
    """GET /sessions/{session_id}/session.json."""
    report = await _report(request)
    return await _download(session_json(report), JSON_TYPE, f"composure-{report.session.id}.json")


def clock(t_s: float | None) -> str:
    """Return a session time as people read it: 65 s is ``1:05``, 3665 s is ``1:01:05``; a dash for none."""
    if t_s is None:
        return "—"
    minutes, seconds = divmod(int(t_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def duration(seconds: float) -> str:
    """Return a length of time in words: 65 s is ``1 min 5 s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if n]
    return " ".join(parts) or "0 s"


async def _report(request: web.Request) -> SessionReport:
    return await request.app[SUMMARIES].report(current_user(request), request.match_info["session_id"])


async def _download(pieces: Iterator[str], content_type: str, filename: str) -> web.Response:
    # Two hours are 7,200 rows: a fraction of a second that the event loop must not spend.
    body = await asyncio.to_thread(lambda: "".join(pieces).encode())
    headers = {"Content-Type": content_type, "Content-Disposition": f'attachment; filename="{filename}"'}
    return web.Response(body=body, headers=headers)


def _marker_words(report: SessionReport, marker: Marker) -> str:
    ids = [question.id for question in report.questions]
    name = marker.kind.capitalize()
    if marker.kind is MarkerKind.QUESTION and marker.question_id in ids:
        name = f"Question {ids.index(marker.question_id) + 1}"
    return f"{name}: {marker.label}" if marker.label else name


def _for_script(report: SessionReport) -> dict[str, Any]:
    """Return what js/summary.js draws: the series as columns, peaks, markers, shares."""
    estimates = report.estimates
    return {
        "duration_s": report.summary.duration_s,
        "t_s": [estimate.t_s for estimate in estimates],
        "stress": [_rounded(estimate.stress.value) for estimate in estimates],
        "face": [_rounded(estimate.face.value) for estimate in estimates],
        "voice": [_rounded(estimate.voice.value) for estimate in estimates],
        "peaks": [peak_message(asked.peak.t_s, asked.peak.stress, asked.why) for asked in report.peaks],
        "signal_table": signal_table_json(report.signal_table),
        "markers": [
            {"id": item.id, "t_s": item.t_s, "kind": item.kind, "label": item.label, "question_id": item.question_id}
            for item in report.markers
        ],
        "questions": [{"id": question.id, "text": question.text} for question in report.questions],
        "bands": [{"key": str(band.band), "share": band.share} for band in report.summary.bands],
        "emotions": [{"key": name, "share": share} for name, share in report.summary.emotions],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/interviews/{id}/room", handler=room_page, rule=MEMBER),
    Route(method="GET", path="/sessions/{session_id}", handler=summary_page, rule=MEMBER),
    Route(method="POST", path="/sessions/{session_id}/review", handler=review, rule=MEMBER),
    Route(method="GET", path="/sessions/{session_id}/series.csv", handler=series, rule=MEMBER),
    Route(method="GET", path="/sessions/{session_id}/words.csv", handler=spoken_table, rule=MEMBER),
    Route(method="GET", path="/sessions/{session_id}/words.vtt", handler=spoken_subtitles, rule=MEMBER),
    Route(method="GET", path="/sessions/{session_id}/session.json", handler=document, rule=MEMBER),
)
