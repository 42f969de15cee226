"""Who may call what: the access rules, and what a handler may rely on once its rule was kept.

Every route names its rule in the table of ``routes.py``. A request is refused here or its handler finds what the rule
established: ``current_user``, ``current_interview``, ``current_claims`` and so on never fail after the right rule.
``enforce.py`` does the enforcing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from server.sessions.principals import (
    AccessPrincipal,
    Grant,
    JoinPrincipal,
    Principal,
    TapPrincipal,
    UserPrincipal,
)
from server.sessions.records import Interview, Participant, User

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Who(StrEnum):
    """Who may call a route; docs/protocol.md says of each route."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    OPERATOR = "operator"
    INTERVIEWER = "interviewer"
    MEMBER = "member"
    JOIN_LINK = "join_link"
    ACCESS_TOKEN = "access_token"  # noqa: S105 - the name of a rule
    TAP_TOKEN = "tap_token"  # noqa: S105 - the name of a rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One access rule."""

    who: Who
    grant: Grant | None = None
    """The grant that an access token must carry."""
    in_message: bool = False
    """The credential comes in the first websocket message; the handler checks it."""
    may_be_closed: bool = False
    """A join link counts that lets nobody in any more."""


PUBLIC = Rule(who=Who.PUBLIC)
SIGNED_IN = Rule(who=Who.SIGNED_IN)
OPERATOR = Rule(who=Who.OPERATOR)
INTERVIEWER = Rule(who=Who.INTERVIEWER)
MEMBER = Rule(who=Who.MEMBER)
"""An interviewer of the interview ``{id}``, or of the interview of the session ``{session_id}``; others get 404."""
JOIN_LINK = Rule(who=Who.JOIN_LINK)
"""The join link is ``{token}`` in the path."""
CLOSED_JOIN_LINK = Rule(who=Who.JOIN_LINK, may_be_closed=True)
"""Also one of a cancelled interview or past its time: by such a one the handler takes consents back, nothing else."""
MAY_PUBLISH = Rule(who=Who.ACCESS_TOKEN, grant=Grant.PUBLISH)
MAY_WATCH = Rule(who=Who.ACCESS_TOKEN, grant=Grant.WATCH)
"""Access tokens come as ``Authorization: Bearer`` and must be for the room ``{room_id}``."""
HELLO = Rule(who=Who.ACCESS_TOKEN, in_message=True)
TAP_TOKEN = Rule(who=Who.TAP_TOKEN)
"""``Authorization: Bearer`` or ``?access_token=``, for the interview ``{interview_id}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of the table of routes."""

    method: str
    path: str
    handler: Handler
    rule: Rule


PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal")
"""Who the request is, as its rule demanded; absent under PUBLIC."""
LOGIN: web.RequestKey[UserPrincipal] = web.RequestKey("login")
"""Whoever is logged in, under any rule; absent when nobody is."""
INTERVIEW: web.RequestKey[Interview] = web.RequestKey("interview")
"""The interview under MEMBER, JOIN_LINK and TAP_TOKEN."""


def signed_in_user(request: web.Request) -> User | None:
    """Return the signed-in user of any request, or None."""
    login = request.get(LOGIN)
    return None if login is None else login.user


def current_user(request: web.Request) -> User:
    """Return the user under SIGNED_IN, OPERATOR, INTERVIEWER or MEMBER."""
    return request[LOGIN].user


def current_interview(request: web.Request) -> Interview:
    """Return the interview under MEMBER, JOIN_LINK or TAP_TOKEN."""
    return request[INTERVIEW]


def current_holder(request: web.Request) -> JoinPrincipal:
    """Return the holder of the link under JOIN_LINK or CLOSED_JOIN_LINK."""
    principal = request[PRINCIPAL]
    assert isinstance(principal, JoinPrincipal)
    return principal


def current_participant(request: web.Request) -> Participant:
    """Return the candidate under JOIN_LINK."""
    return current_holder(request).participant


def current_claims(request: web.Request) -> AccessPrincipal:
    """Return what the access token says under MAY_PUBLISH or MAY_WATCH."""
    principal = request[PRINCIPAL]
    assert isinstance(principal, AccessPrincipal)
    return principal


def current_tap(request: web.Request) -> TapPrincipal:
    """Return the tap token under TAP_TOKEN."""
    principal = request[PRINCIPAL]
    assert isinstance(principal, TapPrincipal)
    return principal
