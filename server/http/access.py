"""Who may call what: the access rules, and the one place that enforces them before a handler runs.

Every route names its rule in the table of ``routes.py``. A request is refused here or its handler finds what the rule
established: ``current_user``, ``current_interview``, ``current_claims`` and so on never fail after the right rule.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from server.sessions.records import Interview, LoginSession, TapToken, User
    from server.sessions.tokens import AccessClaims

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Who(StrEnum):
    """Who may call a route; docs/design.md, HTTP."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    OPERATOR = "operator"
    INTERVIEWER = "interviewer"
    MEMBER = "member"
    JOIN_LINK = "join_link"
    ACCESS_TOKEN = "access_token"  # noqa: S105 - the name of a rule
    TAP_TOKEN = "tap_token"  # noqa: S105 - the name of a rule


class Grant(StrEnum):
    """What an access token allows."""

    PUBLISH = "publish"
    WATCH = "watch"
    CONTROL = "control"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One access rule."""

    who: Who
    grant: Grant | None = None
    """The grant that an access token must carry."""
    in_message: bool = False
    """The credential comes in the first websocket message; the handler checks it."""


PUBLIC = Rule(who=Who.PUBLIC)
SIGNED_IN = Rule(who=Who.SIGNED_IN)
OPERATOR = Rule(who=Who.OPERATOR)
INTERVIEWER = Rule(who=Who.INTERVIEWER)
MEMBER = Rule(who=Who.MEMBER)
"""An interviewer of the interview ``{id}``, or of the interview of the session ``{session_id}``; others get 404."""
JOIN_LINK = Rule(who=Who.JOIN_LINK)
"""The join link is ``{token}`` in the path."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who a request is and what its rule established."""

    user: "User | None" = None
    """Signed-in user: always under SIGNED_IN, OPERATOR, INTERVIEWER, MEMBER; if logged in under PUBLIC, JOIN_LINK."""
    login: "LoginSession | None" = None
    interview: "Interview | None" = None
    """Under MEMBER, JOIN_LINK and TAP_TOKEN."""
    claims: "AccessClaims | None" = None
    """Under ACCESS_TOKEN."""
    tap: "TapToken | None" = None
    """Under TAP_TOKEN."""


PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal")


def signed_in_user(request: web.Request) -> "User | None":
    """Return the signed-in user of any request, or None."""
    principal = request.get(PRINCIPAL)
    return None if principal is None else principal.user


def current_user(request: web.Request) -> "User":
    """Return the user under SIGNED_IN, OPERATOR, INTERVIEWER or MEMBER."""
    user = request[PRINCIPAL].user
    assert user is not None, "the route's rule does not establish a user"
    return user


def current_login(request: web.Request) -> "LoginSession":
    """Return the login session under SIGNED_IN, OPERATOR, INTERVIEWER or MEMBER."""
    login = request[PRINCIPAL].login
    assert login is not None, "the route's rule does not establish a login"
    return login


def current_interview(request: web.Request) -> "Interview":
    """Return the interview under MEMBER, JOIN_LINK or TAP_TOKEN."""
    interview = request[PRINCIPAL].interview
    assert interview is not None, "the route's rule does not establish an interview"
    return interview


def current_claims(request: web.Request) -> "AccessClaims":
    """Return the access token's claims under MAY_PUBLISH or MAY_WATCH."""
    claims = request[PRINCIPAL].claims
    assert claims is not None, "the route's rule does not establish access claims"
    return claims


def current_tap(request: web.Request) -> "TapToken":
    """Return the tap token under TAP_TOKEN."""
    tap = request[PRINCIPAL].tap
    assert tap is not None, "the route's rule does not establish a tap"
    return tap
