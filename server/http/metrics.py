"""Who may read the metrics, and how they are sent."""

import hmac
import ipaddress

from aiohttp import hdrs, web

from server.config import Config
from server.errors import Forbidden, NotFound
from server.http.keys import CONFIG, METRICS

_FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics: for the token, or without one for this machine itself."""
    _check(request, request.app[CONFIG])
    headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    return web.Response(body=request.app[METRICS].text(), headers=headers)


def _check(request: web.Request, config: Config) -> None:
    if config.metrics_token:
        given = request.headers.get(hdrs.AUTHORIZATION, "")
        if not hmac.compare_digest(given.encode(errors="replace"), f"Bearer {config.metrics_token}".encode()):
            raise Forbidden("This needs the metrics token: send it as 'Authorization: Bearer'.")
    elif not _is_this_machine(request, config):
        raise NotFound("There is nothing at this address.")


def _is_this_machine(request: web.Request, config: Config) -> bool:
    """Tell whether the one who asks sits on this machine; behind a proxy everybody seems to."""
    # Whoever is told a public address of a server that listens locally comes by a proxy, declared or not.
    is_proxied = config.behind_proxy or (config.is_local and bool(config.public_url))
    if is_proxied or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
