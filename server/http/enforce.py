"""The one place that lets a request through or refuses it, by the access rule of its route."""

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from server.errors import Forbidden, NotAuthenticated, NotFound
from server.http.access import INTERVIEW, LOGIN, PRINCIPAL, Handler, Route, Rule, Who
from server.http.csrf import SESSION_COOKIE, check_csrf
from server.http.keys import ACCOUNTS, ROOMS, SCHEDULE, SUMMARIES, TAP_TOKENS, TOKENS
from server.protocol import Role
from server.sessions.principals import AccessPrincipal

RULES: web.AppKey[dict[web.AbstractRoute, Rule]] = web.AppKey("rules")

_BEARER_RULES = frozenset({Who.ACCESS_TOKEN, Who.TAP_TOKEN})


def add_routes(app: web.Application, routes: tuple[Route, ...]) -> None:
    """Register the table of routes with their rules.

    Raises:
        ValueError: two lines of the table have the same method and path.
    """
    app[RULES] = rules = {}
    seen: set[tuple[str, str]] = set()
    for route in routes:
        if (route.method, route.path) in seen:
            raise ValueError(f"{route.method} {route.path} is in the table of routes twice")
        seen.add((route.method, route.path))
        rules[app.router.add_route(route.method, route.path, route.handler)] = route.rule


def require_rules(app: web.Application) -> None:
    """Refuse to start with a route that has no access rule.

    Raises:
        ValueError: naming the route.
    """
    for route in app.router.routes():
        if route not in app[RULES]:
            path = route.resource.canonical if route.resource else "?"
            raise ValueError(f"{route.method} {path} has no access rule: add it to the table in server/http/routes.py")


@web.middleware
async def enforce(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check the route's rule, and that unsafe requests made with a cookie come from our own pages."""
    if request.match_info.http_exception is not None:
        return await handler(request)  # no such route: nothing to protect
    if "\0" in request.path:
        raise NotFound("There is nothing at this address.")  # no id holds one, and PostgreSQL takes none
    # A route that is not in the table raises here and answers 500: closed, not open.
    rule = request.app[RULES][request.match_info.route]
    if rule.who in _BEARER_RULES:
        await _CHECKS[rule.who](request, rule)
        return await handler(request)
    await _identify(request)
    await _CHECKS[rule.who](request, rule)
    await check_csrf(request)
    return await handler(request)


async def _identify(request: web.Request) -> None:
    """Note who is logged in, under any rule; an old cookie is no error."""
    secret = request.cookies.get(SESSION_COOKIE)
    if secret and secret.isascii():
        try:
            request[LOGIN] = await request.app[ACCOUNTS].principal_for(secret)
        except NotAuthenticated:
            return


async def _anyone(request: web.Request, rule: Rule) -> None:
    pass


async def _signed_in(request: web.Request, rule: Rule) -> None:
    login = request.get(LOGIN)
    if login is None:
        raise NotAuthenticated("Please log in.")
    request[PRINCIPAL] = login


async def _operator(request: web.Request, rule: Rule) -> None:
    await _signed_in(request, rule)
    if not request[LOGIN].user.is_operator:
        raise Forbidden("Only the operator may do this.")


async def _interviewer(request: web.Request, rule: Rule) -> None:
    await _signed_in(request, rule)
    if request[LOGIN].user.role is not Role.INTERVIEWER:
        raise Forbidden("Only interviewers may do this.")


async def _member(request: web.Request, rule: Rule) -> None:
    await _signed_in(request, rule)
    app, user = request.app, request[LOGIN].user
    if "session_id" in request.match_info:
        interview_id = (await app[SUMMARIES].session(user, request.match_info["session_id"])).interview_id
    else:
        interview_id = request.match_info["id"]
    request[INTERVIEW] = (await app[SCHEDULE].get(user, interview_id)).interview


async def _join_link(request: web.Request, rule: Rule) -> None:
    holder = await request.app[TOKENS].read_join(request.match_info["token"], may_be_closed=rule.may_be_closed)
    request[PRINCIPAL], request[INTERVIEW] = holder, holder.interview


async def _access_token(request: web.Request, rule: Rule) -> None:
    if rule.in_message or request.method == hdrs.METH_OPTIONS:
        return  # the websocket's hello brings the token; OPTIONS says the same to everybody
    claims = request.app[TOKENS].read_access(_bearer(request))
    if claims.room_id != request.match_info["room_id"]:
        raise Forbidden("This access token is for another room.")
    if rule.grant not in claims.grants:
        raise Forbidden(f"This access token does not allow to {rule.grant}.")
    if request.method == hdrs.METH_POST:
        await _may_connect(request, claims)
    request[PRINCIPAL] = claims


async def _may_connect(request: web.Request, claims: AccessPrincipal) -> None:
    """Ask the room too: a token outlives being declined, and candidates must be admitted first."""
    rooms = request.app[ROOMS]
    if "participant_id" in request.match_info:
        await rooms.authorise_watch(claims, request.match_info["participant_id"])
    else:
        await rooms.authorise_publish(claims)


async def _tap_token(request: web.Request, rule: Rule) -> None:
    # Players such as VLC and cv2.VideoCapture cannot set headers.
    secret = request.query.get("access_token") or _bearer(request)
    if not secret.isascii():
        raise NotAuthenticated("This tap token is not valid here.")
    # That the consent for research stands is checked where the stream is attached, in the room itself.
    request[PRINCIPAL] = await request.app[TAP_TOKENS].read(secret, request.match_info["interview_id"])


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip() or not token.isascii():
        raise NotAuthenticated("This needs a token: send it as 'Authorization: Bearer'.")
    return token.strip()


_CHECKS: dict[Who, Callable[[web.Request, Rule], Awaitable[None]]] = {
    Who.PUBLIC: _anyone,
    Who.SIGNED_IN: _signed_in,
    Who.OPERATOR: _operator,
    Who.INTERVIEWER: _interviewer,
    Who.MEMBER: _member,
    Who.JOIN_LINK: _join_link,
    Who.ACCESS_TOKEN: _access_token,
    Who.TAP_TOKEN: _tap_token,
}
