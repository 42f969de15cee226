"""The one table of routes: method, path, handler, access rule."""

from server.http import (
    api,
    health,
    media_report,
    metrics,
    pages_interview,
    pages_join,
    pages_people,
    pages_schedule,
    static,
    taps,
    whip,
)
from server.http.access import (
    CLOSED_JOIN_LINK,
    HELLO,
    JOIN_LINK,
    MAY_PUBLISH,
    MAY_WATCH,
    MEMBER,
    PUBLIC,
    TAP_TOKEN,
    Route,
)
from server.http.websocket import room_socket

_RESOURCE = "/{resource}"
_WHIP = "/whip/{room_id}"
_WHEP = "/whep/{room_id}/{participant_id}"

_OWN: tuple[Route, ...] = (
    Route(method="GET", path="/healthz", handler=health.healthz, rule=PUBLIC),
    Route(method="GET", path="/readyz", handler=health.readyz, rule=PUBLIC),
    Route(method="GET", path="/metrics", handler=metrics.metrics, rule=PUBLIC),
    Route(method="GET", path="/static/{path:.+}", handler=static.static_file, rule=PUBLIC),
    Route(method="POST", path="/api/interviews/{id}/access", handler=api.interviewer_access, rule=MEMBER),
    Route(method="GET", path="/api/interviews/{id}/media", handler=media_report.interview_media, rule=MEMBER),
    Route(method="POST", path="/api/join/{token}/consent", handler=api.store_consents, rule=CLOSED_JOIN_LINK),
    Route(method="POST", path="/api/join/{token}/access", handler=api.candidate_access, rule=JOIN_LINK),
    Route(method="GET", path="/ws/{room_id}", handler=room_socket, rule=HELLO),
    Route(method="POST", path=_WHIP, handler=whip.publish, rule=MAY_PUBLISH),
    Route(method="OPTIONS", path=_WHIP, handler=whip.options, rule=MAY_PUBLISH),
    Route(method="PATCH", path=_WHIP + _RESOURCE, handler=whip.trickle, rule=MAY_PUBLISH),
    Route(method="DELETE", path=_WHIP + _RESOURCE, handler=whip.delete, rule=MAY_PUBLISH),
    Route(method="POST", path=_WHEP, handler=whip.watch, rule=MAY_WATCH),
    Route(method="OPTIONS", path=_WHEP, handler=whip.options, rule=MAY_WATCH),
    Route(method="PATCH", path=_WHEP + _RESOURCE, handler=whip.trickle, rule=MAY_WATCH),
    Route(method="DELETE", path=_WHEP + _RESOURCE, handler=whip.delete, rule=MAY_WATCH),
    Route(method="GET", path="/taps/{interview_id}/media.mkv", handler=taps.media, rule=TAP_TOKEN),
    Route(method="GET", path="/taps/{interview_id}/audio", handler=taps.audio, rule=TAP_TOKEN),
    Route(method="GET", path="/taps/{interview_id}/estimates.ndjson", handler=taps.estimates, rule=TAP_TOKEN),
)

ROUTES: tuple[Route, ...] = (
    *_OWN,
    *pages_people.ROUTES,
    *pages_schedule.ROUTES,
    *pages_join.ROUTES,
    *pages_interview.ROUTES,
)
