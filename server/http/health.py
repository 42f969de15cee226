"""Whether the server is well, for whoever watches it."""

from http import HTTPStatus

from aiohttp import web

from server.db.health import answers
from server.http.keys import DATABASE, LAG, POOL, ROOMS, TAPS


async def healthz(request: web.Request) -> web.Response:
    """GET /healthz: the process lives; does its database answer, is its event loop quick? 503 when something fails."""
    app = request.app
    is_well = await answers(app[DATABASE])
    word = "ok" if is_well else "failing"
    return web.json_response(
        {
            "status": word,
            "database": word,
            "rooms": app[ROOMS].stats()["rooms"],
            "workers": app[POOL].started_workers(),
            "taps": app[TAPS].open_count(),
            "loop_lag_p99_ms": app[LAG].p99_ms(),
        },
        status=HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE,
    )
