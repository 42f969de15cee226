"""Who belongs into a room and by what right, as the database has it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from server.db import interviews as interview_rows
from server.db import logins as login_rows
from server.db import participants as participant_rows
from server.db.engine import AsyncConnection
from server.errors import NotAuthenticated, NotFound
from server.protocol import Role
from server.sessions.principals import AccessPrincipal
from server.sessions.records import Interview, Participant
from server.sessions.seat import Seat


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """An interview and who may be in its room."""

    interview: Interview
    candidate: Participant
    interviewer_ids: frozenset[str]
    """Of their accounts."""


async def read_membership(connection: AsyncConnection, interview_id: str) -> Membership | None:
    """Return who may be in the room of an interview, None when it was deleted."""
    interview = await interview_rows.get(connection, interview_id)
    if interview is None:
        return None
    members = await interview_rows.interviewers(connection, interview_id)
    return Membership(
        interview=interview,
        candidate=await participant_rows.candidate_of(connection, interview_id),
        interviewer_ids=frozenset(user.id for user in members),
    )


async def find_member(
    connection: AsyncConnection, interview: Interview, principal: AccessPrincipal, now: datetime
) -> Participant:
    """Return the participant an access token was made for.

    Raises:
        NotFound: they do not belong into this interview.
        NotAuthenticated: the join link or the login by which they came is void.
    """
    participant = await participant_rows.get(connection, principal.participant_id)
    if participant is None or participant.interview_id != interview.id:
        raise NotFound("This room does not exist.")
    if principal.role is Role.INTERVIEWER:
        if not await interview_rows.is_interviewer(connection, interview.id, participant.user_id or ""):
            raise NotFound("This room does not exist.")
        is_good = principal.login_id is None or await login_rows.is_open(connection, principal.login_id, now)
    else:
        is_good = principal.link_version == interview.link_version
    if not is_good:
        raise NotAuthenticated("This access token is not valid any more; get a new one.")
    return participant


async def find_logged_out(connection: AsyncConnection, seats: Iterable[Seat], now: datetime) -> list[Seat]:
    """Return the seats of those who came by a login that has ended."""
    by_login = [(seat, seat.login_id) for seat in seats if seat.login_id is not None]
    return [seat for seat, login_id in by_login if not await login_rows.is_open(connection, login_id, now)]
