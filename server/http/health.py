"""Whether the server is well, for whoever watches it."""

from http import HTTPStatus

from aiohttp import web

from server.db.health import answers
from server.http.keys import DATABASE, LAG, POOL, ROOMS, SELF_TEST, TAPS
from server.ops.readiness import reasons_against


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


async def readyz(request: web.Request) -> web.Response:
    """GET /readyz: may people be sent here? 503 with the reasons when not. Starts nothing: it tells what is known."""
    app = request.app
    self_test, lag_ms = app[SELF_TEST], app[LAG].p99_ms()
    reasons = reasons_against(
        is_draining=app[ROOMS].is_draining,
        has_database=await answers(app[DATABASE]),
        self_test=self_test,
        worker_states=app[POOL].worker_states(),
        lag_p99_ms=lag_ms,
    )
    age_s, result = self_test.age_s, self_test.result
    return web.json_response(
        {
            "status": "not_ready" if reasons else "ready",
            "reasons": list(reasons),
            "media_call": {
                "worked_s_ago": None if age_s is None else round(age_s, 1),
                "connected_s": None if result is None else result.connected_s,
                "first_packet_s": None if result is None else result.first_packet_s,
            },
            "loop_lag_p99_ms": lag_ms,
        },
        status=HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK,
    )
