"""How a room stands, in the words of the event ``state``; and whether analysis may start. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from server.protocol import Role
from server.sessions.consent import ConsentState
from server.sessions.events import Refused
from server.sessions.records import ConsentKind, Interview, InterviewStatus
from server.sessions.room_analysis import RoomAnalysis
from server.sessions.seat import Entry, Seat


def start_problem(
    interview: Interview, candidate: Seat, consents: ConsentState, *, is_purpose_allowed: bool
) -> Refused | None:
    """Return why the analysis may not start now, or None."""
    if not is_purpose_allowed:
        return Refused("purpose_not_allowed", f"This server does not analyse interviews for {interview.purpose}.")
    if interview.status is not InterviewStatus.LIVE or candidate.entry is not Entry.ADMITTED:
        return Refused("candidate_absent", "The candidate is not in the call.")
    if not consents.has(ConsentKind.ANALYSIS):
        return Refused("no_consent", "The candidate has not agreed to the measuring.")
    if not candidate.is_publishing:
        return Refused("not_publishing", "The candidate sends neither sound nor picture at the moment.")
    return None


def state_message(
    interview: Interview,
    reader: Seat,
    seats: Iterable[Seat],
    *,
    analysis: RoomAnalysis,
    problem: Refused | None,
    draining_until: datetime | None,
    captions: str,
) -> dict[str, Any]:
    """Return the event ``state`` for one reader; a candidate is told of the analysis only whether it is on."""
    is_candidate = reader.participant.role is Role.CANDIDATE
    return {
        "type": "state",
        "status": interview.status,
        "you": "ended" if interview.status.is_over else reader.entry,
        "participants": [seat.describe() for seat in seats],
        "analysis": {"on": analysis.is_on}
        if is_candidate
        else {**_describe_analysis(analysis, problem), "captions": captions},
        "server": {
            "draining": draining_until is not None,
            "until": None if draining_until is None else draining_until.isoformat(),
        },
    }


def _describe_analysis(analysis: RoomAnalysis, problem: Refused | None) -> dict[str, Any]:
    run = analysis.run
    session_id, t_s = analysis.now()
    return {
        "on": analysis.is_on,
        "allowed": problem is None,
        "reason": None if problem is None else problem.message,
        "session_id": session_id,
        "started_at": None if run is None else run.session.started_at.isoformat(),
        "t_s": None if t_s is None else round(t_s, 3),
        "worker": run.worker if run is not None else "starting" if analysis.is_starting else None,
    }
