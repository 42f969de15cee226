"""Who a request is: the outcome of reading a cookie or a token."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from server.protocol import Role
from server.sessions.records import Interview, Participant, User


class Grant(StrEnum):
    """What an access token allows in its room."""

    PUBLISH = "publish"
    WATCH = "watch"
    CONTROL = "control"
    """Open the room's websocket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPrincipal:
    """Somebody logged in with a cookie."""

    user: User
    login_session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPrincipal:
    """The holder of a join link: the candidate of one interview."""

    interview: Interview
    participant: Participant
    why_closed: str = ""
    """Why the link lets nobody in any more, a sentence; empty while it does. Consents can still be taken back by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPrincipal:
    """The holder of an access token: a participant in one room."""

    participant_id: str
    room_id: str
    role: Role
    grants: frozenset[Grant]
    expires_at: datetime
    jti: str
    link_version: int
    """Of the interview's join link when the token was made; a candidate's token ends with its link."""
    login_id: str | None
    """The login session of an interviewer, with which the token ends; None for a candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapPrincipal:
    """The holder of a tap token: a researcher of one interview. Consent is checked when a tap attaches."""

    tap_id: str
    interview_id: str
    label: str


Principal = UserPrincipal | JoinPrincipal | AccessPrincipal | TapPrincipal
