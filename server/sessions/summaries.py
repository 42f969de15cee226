"""What remains of a session: figures from its stored estimates, with markers, notes and questions."""

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.language.words import Word
from pipeline.levels import name_level
from pipeline.moved import PeakReason, explain_peak, to_peak_point
from pipeline.summary import Peak, SeriesPoint, SessionSummary, summarise
from pipeline.trend import WINDOW_S
from pipeline.types import Estimate
from server.db import annotations as annotation_rows
from server.db import interviews as interview_rows
from server.db import participants as participant_rows
from server.db import reviews as review_rows
from server.db import series as series_rows
from server.db import words as word_rows
from server.db.engine import AsyncConnection, Database
from server.errors import NotFound
from server.sessions.asked import list_asked
from server.sessions.records import Interview, Marker, Note, Question, Session, StoredReview, User
from server.sessions.signal_table import SignalRow, make_signal_table


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPeak:
    """A peak and the question that was running then."""

    peak: Peak
    question: Question | None
    """None before the first question, and when questions were not marked."""
    why: PeakReason | None = None
    """None where nothing is stored to explain it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport:
    """All that the summary page and the downloads show."""

    interview: Interview
    session: Session
    summary: SessionSummary
    estimates: tuple[Estimate, ...]
    peaks: tuple[AskedPeak, ...]
    markers: tuple[Marker, ...]
    """Of this session, in order of time."""
    notes: tuple[Note, ...]
    """Of this session, in order of time."""
    questions: tuple[Question, ...]
    words: tuple[Word, ...]
    """What the candidate said, in order of time; empty where nothing was written down."""
    transcriber: str
    """What wrote it down; empty without words."""
    signal_table: tuple[SignalRow, ...]
    """Figures of the signals for the whole session and for each answer; empty without estimates."""
    device_settings: Mapping[str, Any] | None
    """Sound processing as the candidate's browser reported it last; None when it did not."""
    reviews: tuple[StoredReview, ...] = ()
    """What a language model said about the answers; empty where nobody asked it."""


class Summaries:
    """Reads sessions back for the interviewers of their interview."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sessions(self, interview_id: str) -> tuple[Session, ...]:
        """Return an interview's sessions, oldest first."""
        async with self._database.read() as connection:
            return await series_rows.sessions_of_interview(connection, interview_id)

    async def session(self, user: User, session_id: str) -> Session:
        """Return a session. Raises NotFound for anyone who is not an interviewer of its interview."""
        async with self._database.read() as connection:
            return await _of_member(connection, user, session_id)

    async def report(self, user: User, session_id: str) -> SessionReport:
        """Return everything about a session. Raises NotFound for anyone who is not an interviewer of it."""
        async with self._database.read() as connection:
            session = await _of_member(connection, user, session_id)
            interview = await interview_rows.get(connection, session.interview_id)
            if interview is None:
                raise NotFound("This session does not exist.")
            estimates = await series_rows.find_estimates(connection, session_id)
            markers = await annotation_rows.find_markers(connection, session.interview_id)
            notes = await annotation_rows.find_notes(connection, session.interview_id)
            questions = await interview_rows.find_questions(connection, session.interview_id)
            words, transcriber = await word_rows.find_words(connection, session_id)
            reviews = await review_rows.find_reviews(connection, session_id)
            device_settings = await participant_rows.device_settings(connection, session.participant_id)
        of_session = tuple(marker for marker in markers if marker.session_id == session_id)
        summary = await asyncio.to_thread(summarise_estimates, estimates)
        peaks = assign_questions(summary.peaks, of_session, questions)
        return SessionReport(
            interview=interview,
            session=session,
            summary=summary,
            estimates=estimates,
            peaks=await asyncio.to_thread(explain_peaks, peaks, estimates),
            markers=of_session,
            notes=tuple(note for note in notes if note.session_id == session_id),
            questions=questions,
            words=words,
            transcriber=transcriber,
            signal_table=await asyncio.to_thread(make_signal_table, estimates, of_session, questions),
            device_settings=device_settings,
            reviews=reviews,
        )


async def _of_member(connection: AsyncConnection, user: User, session_id: str) -> Session:
    session = await series_rows.get_session(connection, session_id)
    if session is None or not await interview_rows.is_interviewer(connection, session.interview_id, user.id):
        raise NotFound("This session does not exist.")
    return session


def summarise_estimates(estimates: Iterable[Estimate]) -> SessionSummary:
    """Return the figures of a series, in order of time."""
    return summarise(
        [
            SeriesPoint(
                t_s=estimate.t_s,
                stress=estimate.stress.value,
                face=estimate.face.value,
                voice=estimate.voice.value,
                emotions=estimate.emotions,
                level=name_level(estimate.levels)[0],
                peak_t_s=estimate.peak_t_s,
            )
            for estimate in estimates
        ]
    )


def assign_questions(
    peaks: Sequence[Peak], markers: Iterable[Marker], questions: Iterable[Question]
) -> tuple[AskedPeak, ...]:
    """Give each peak the question whose marker is the last one at or before it."""
    asked = list_asked(markers, questions)
    return tuple(
        AskedPeak(
            peak=peak,
            question=next((item.question for item in reversed(asked) if item.from_s <= peak.t_s), None),
        )
        for peak in peaks
    )


def explain_peaks(peaks: Iterable[AskedPeak], estimates: Sequence[Estimate]) -> tuple[AskedPeak, ...]:
    """Give each peak the reason that the estimates before it show.

    Args:
        peaks: of one session.
        estimates: of that session, in order of time.
    """
    times_s = [estimate.t_s for estimate in estimates]

    def reason(peak: Peak) -> PeakReason | None:
        first, last = (bisect_right(times_s, t_s) for t_s in (peak.t_s - WINDOW_S, peak.t_s))
        return explain_peak([to_peak_point(estimate) for estimate in estimates[first:last]], peak.t_s)

    return tuple(replace(asked, why=reason(asked.peak)) for asked in peaks)
