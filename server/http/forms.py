"""What handlers of forms share: going on to the next page, absolute links."""

from http import HTTPStatus

from aiohttp import web

from server.errors import BadRequest
from server.http.csrf import is_secure, plain_host
from server.http.keys import CONFIG


def go_to(path: str) -> web.Response:
    """Return the answer to a successful POST: go on to a page, so that a reload does not post again."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": path})


def local_path(path: str, *, otherwise: str) -> str:
    """Return a path to go on to if it is on this server, for it came from outside."""
    is_local = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_local else otherwise


def absolute_url(request: web.Request, path: str) -> str:
    """Return a link to send to people: under the configured public address, else the one this request came to.

    Raises:
        BadRequest: there is no public address, and the one of the request is none either.
    """
    if public := request.app[CONFIG].public_url:
        return public + path
    if not (host := plain_host(request)):
        raise BadRequest("The address that was asked for is not usable.")
    return f"{'https' if is_secure(request) else 'http'}://{host}{path}"


def client_address(request: web.Request) -> str:
    """Return the asker's network address, for rate limits only."""
    if request.app[CONFIG].behind_proxy:
        # The proxy appends the address it saw; what stands before it is the asker's own claim.
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded
    return request.remote or ""
