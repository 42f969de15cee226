"""What every request passes: access log, errors to responses, the route's access rule, security headers."""

import logging
import traceback
from http import HTTPStatus

import jinja2
from aiohttp import web

from server.clock import monotonic_s
from server.errors import ComposureError, NotAuthenticated
from server.http.access import Handler
from server.http.csrf import plain_host
from server.http.templates import render

logger = logging.getLogger(__name__)

JSON_PREFIXES = ("/api/", "/whip/", "/whep/", "/taps/", "/ws/")
"""Errors under these are JSON ``{error, message}``; elsewhere they are pages."""

_TITLES = {
    400: "That did not work",
    401: "Please log in",
    403: "Not allowed",
    404: "Nothing here",
    405: "That cannot be done here",
    408: "That took too long",
    409: "Not possible right now",
    410: "No longer valid",
    413: "Too large",
    415: "Wrong kind of content",
    422: "That cannot be used",
    429: "Too many attempts",
    500: "Something went wrong on our side",
    503: "Not available right now",
}

_UNEXPECTED = "Something went wrong on our side. Please try again; what you had saved is still there."

_CLIENT_LEFT = 499
"""For the log alone: the client went away before there was an answer."""
_PLAIN_MESSAGES = {
    404: "There is nothing at this address, or it is not for you.",
    405: "This address does not take that kind of request.",
}


@web.middleware
async def access_log(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write one line a request: method, route, status, time. Never an address, a token or a name."""
    started_s = monotonic_s()
    status = _CLIENT_LEFT
    try:
        response = await handler(request)
        status = response.status
        return response
    except web.HTTPException as exc:
        status = exc.status
        raise
    finally:
        logger.info(
            "%s %s %d %.0f ms", request.method, _route_name(request), status, 1000 * (monotonic_s() - started_s)
        )


@web.middleware
async def map_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors into responses: the only place that does."""
    try:
        return await handler(request)
    except ComposureError as exc:
        return error_response(request, exc)
    except web.HTTPException as exc:
        if exc.status < 400:
            raise
        response = _error(request, exc.status, _PLAIN_MESSAGES.get(exc.status, exc.reason))
        if "Allow" in exc.headers:
            response.headers["Allow"] = exc.headers["Allow"]
        return response
    except ConnectionResetError:
        return web.Response(status=_CLIENT_LEFT)  # nobody is there to read it
    except Exception as exc:
        # The boundary: logged once, by type and place only, for messages may quote what people sent.
        logger.error("unexpected %s in %s %s at %s", type(exc).__name__, request.method, _route_name(request), _at(exc))
        return _error(request, 500, _UNEXPECTED)


def error_response(request: web.Request, error: ComposureError) -> web.StreamResponse:
    """Return the response of a deliberate error; pages that need a login lead to it."""
    if isinstance(error, NotAuthenticated) and not _wants_json(request) and request.method == "GET":
        response: web.StreamResponse = web.Response(status=HTTPStatus.SEE_OTHER)
        response.headers["Location"] = str(request.rel_url.with_path("/login").with_query(next=request.path))
        return response
    response = _error(request, error.status, error.message, retry_after_s=error.retry_after_s)
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    if error.status == HTTPStatus.UNAUTHORIZED and _wants_json(request):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Set the security headers on every response (signal ``on_response_prepare``)."""
    # Older Safari does not take 'self' for websockets; the Host header is quoted only if it can do no harm.
    host = plain_host(request)
    sockets = f" ws://{host} wss://{host}" if host else ""
    headers = response.headers
    headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"media-src 'self' blob:; connect-src 'self'{sockets}; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'",
    )
    headers.setdefault("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(), geolocation=()")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    # There are tokens in addresses, so none leaves this server; "no-referrer" would make browsers post "Origin: null".
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("Cache-Control", "no-store")


def _error(request: web.Request, status: int, message: str, *, retry_after_s: int | None = None) -> web.Response:
    title = _TITLES.get(status, HTTPStatus(status).phrase)
    if _wants_json(request):
        return web.json_response({"error": HTTPStatus(status).name.lower(), "message": message}, status=status)
    try:
        return render(
            request,
            "error.html",
            status=status,
            code=status,
            title=title,
            message=message,
            # Only a page that was asked for can be asked for again; a form would be sent twice.
            again_s=retry_after_s if status == HTTPStatus.SERVICE_UNAVAILABLE and request.method == "GET" else None,
        )
    except jinja2.TemplateError as exc:
        logger.error("the error page cannot be made: %s", type(exc).__name__)
        return web.Response(text=f"{title}\n\n{message}\n", status=status)


def _wants_json(request: web.Request) -> bool:
    return request.path.startswith(JSON_PREFIXES)


def _route_name(request: web.Request) -> str:
    """Return the route's pattern: real paths hold join links and other secrets."""
    resource = request.match_info.route.resource
    return "(no such route)" if resource is None else resource.canonical


def _at(exc: BaseException) -> str:
    frames = traceback.extract_tb(exc.__traceback__)
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames[-6:]))
