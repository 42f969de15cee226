"""Protection of forms and cookie-authorised JSON calls against requests that another site makes a browser send.

The token is derived from a secret cookie: the login session's, or a short-lived one made for the forms people meet
before they log in (login, setup, invitation, join). A page gets it by ``csrf_token(request)``; forms send it back in
the field ``csrf``, scripts in the header ``X-CSRF-Token``. The derivation is one-way, so a page's token gives away no
cookie, and another site can read neither.
"""

import hashlib
import hmac
import re
import secrets
from urllib.parse import urlsplit

from aiohttp import web

from server.errors import Forbidden
from server.http.body import read_form
from server.http.keys import CONFIG

SESSION_COOKIE = "composure_session"
FORM_COOKIE = "composure_form"
FORM_COOKIE_MAX_AGE_S = 24 * 3600
FIELD = "csrf"
HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_FORM_SECRET = re.compile(r"[A-Za-z0-9_-]{43}\Z")
"""What we make; another value is not given back to the browser."""
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,260}\Z")

_PAGE_SECRET: web.RequestKey[str] = web.RequestKey("page_secret")
"""Of the form cookie to which the page being made is bound."""


def csrf_token(request: web.Request) -> str:
    """Return the token for the page being made; makes the form cookie when the browser has none to bind it to."""
    if session := request.cookies.get(SESSION_COOKIE):
        return _derive(session)
    if _PAGE_SECRET not in request:
        known = request.cookies.get(FORM_COOKIE, "")
        request[_PAGE_SECRET] = known if _FORM_SECRET.match(known) else secrets.token_urlsafe(32)
    return _derive(request[_PAGE_SECRET])


def set_form_cookie(request: web.Request, response: web.StreamResponse) -> None:
    """Give the browser the form cookie that the page needs, if it needs one: its time begins anew with each page.

    Before the response is sent: aiohttp writes its cookies ahead of the signal ``on_response_prepare``.
    """
    secret = request.get(_PAGE_SECRET)
    if secret is not None:
        response.set_cookie(
            FORM_COOKIE,
            secret,
            max_age=FORM_COOKIE_MAX_AGE_S,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=is_secure(request),
        )


async def check_csrf(request: web.Request) -> None:
    """Refuse an unsafe request that does not prove to come from one of our pages.

    Raises:
        Forbidden: the request comes from another site, or its token is missing or stale.
        BadRequest, UnsupportedMedia, TooLarge, TooSlow: the body claims to be a form and cannot be read.
    """
    if request.method in SAFE_METHODS:
        return
    if not is_same_origin(request):
        raise Forbidden("This request came from another site.")
    # A form is read here in any case, so that its handler never meets one that cannot be read.
    form = await read_form(request)
    given = request.headers.get(HEADER) or form.text(FIELD)
    # Someone who logs in in a second tab keeps a valid first page: either cookie may have made the token.
    cookies = (request.cookies.get(SESSION_COOKIE), request.cookies.get(FORM_COOKIE))
    if not any(
        secret and hmac.compare_digest(_derive(secret).encode(), given.encode(errors="replace")) for secret in cookies
    ):
        raise Forbidden("This page is out of date. Please reload it and try again.")


def is_same_origin(request: web.Request) -> bool:
    """Return whether the Origin header, if there is one, names this server.

    Programs that are no browsers send none; they hold no cookies that another site could ride on.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        host = urlsplit(origin).netloc
    except ValueError:  # an unfinished IPv6 address
        return False
    return bool(host) and host in {request.host, urlsplit(request.app[CONFIG].public_url).netloc}


def plain_host(request: web.Request) -> str:
    """Return the host that was asked for, empty unless it can be quoted anywhere without harm."""
    return request.host if _HOST.match(request.host) else ""


def is_secure(request: web.Request) -> bool:
    """Return whether the browser reached us by TLS, directly or through the proxy in front."""
    if request.app[CONFIG].behind_proxy:
        return request.headers.get("X-Forwarded-Proto", request.scheme) == "https"
    return request.scheme == "https"


def _derive(secret: str) -> str:
    return hashlib.sha256(b"composure form token\0" + secret.encode(errors="replace")).hexdigest()
