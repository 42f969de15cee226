"""Rooms and a door that let everybody in, for tests of what lies behind them."""

from aiohttp import web

from server.clock import utc_now
from server.http.access import PRINCIPAL
from server.sessions.principals import AccessPrincipal, Grant
from server.sessions.records import Role


@web.middleware
async def let_in(request, handler):
    """Stands in for the access rule: whoever names themselves, by header or in the query, is let in."""
    request[PRINCIPAL] = AccessPrincipal(
        participant_id=request.headers.get("X-Who") or request.query.get("who", "candidate"),
        room_id="room",
        role=Role.CANDIDATE,
        grants=frozenset(Grant),
        expires_at=utc_now(),
        jti="1",
        link_version=1,
        login_id=None,
    )
    return await handler(request)


class OpenRooms:
    """Answers yes to every question that WHIP and WHEP ask of the live rooms."""

    async def authorise_publish(self, principal): ...

    async def authorise_watch(self, principal, source_id): ...
