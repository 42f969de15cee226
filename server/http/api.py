"""The JSON calls of our own pages: consents, and access tokens for WHIP, WHEP and the websocket."""

from typing import Any

from aiohttp import web

from server.config import IceServer
from server.errors import BadRequest, Forbidden, Gone, UnsupportedMedia
from server.http.access import PRINCIPAL, current_interview, current_user
from server.http.keys import CONFIG, DATABASE, LAG, POOL, ROOMS, SCHEDULE, TAPS, TOKENS
from server.sessions.consent import Answer
from server.sessions.consenttexts import TEXT_DATE, consent_text
from server.sessions.principals import Grant, JoinPrincipal
from server.sessions.records import ConsentKind, Interview, Participant, Purpose
from server.sessions.tokens import ACCESS_LIFETIME

MAX_VERSION_LENGTH = 40

ALL_GRANTS = (Grant.PUBLISH, Grant.WATCH, Grant.CONTROL)


async def interviewer_access(request: web.Request) -> web.Response:
    """POST /api/interviews/{id}/access: a token for the dashboard."""
    interview = current_interview(request)
    participant = await request.app[SCHEDULE].interviewer_participant(current_user(request), interview.id)
    return _access(request, interview, participant)


async def candidate_access(request: web.Request) -> web.Response:
    """POST /api/join/{token}/access: a token for the candidate's page, once the call was consented to."""
    holder = _holder(request)
    consents = await request.app[ROOMS].consent_state(holder)
    if not consents.has(ConsentKind.CALL):
        raise Forbidden("Please agree to the call first.")
    return _access(request, holder.interview, holder.participant)


async def store_consents(request: web.Request) -> web.Response:
    """POST /api/join/{token}/consent: store the candidate's answers.

    Takes ``{"grants": {kind: yes or no}, "text_version": as shown on the page}``; returns ``{"granted": [kinds that
    stand]}``.
    """
    holder = _holder(request)
    body = await _json_object(request)
    grants, text_version = body.get("grants"), body.get("text_version")
    if not isinstance(grants, dict) or not grants or not all(isinstance(granted, bool) for granted in grants.values()):
        raise BadRequest("Send the answers as grants: true or false for each kind of consent.")
    if unknown := set(grants) - set(ConsentKind):
        raise BadRequest(f"There are {len(unknown)} unknown kinds of consent; known are {', '.join(ConsentKind)}.")
    if not isinstance(text_version, str) or len(text_version) > MAX_VERSION_LENGTH:
        raise BadRequest("Say which text_version the page showed.")
    purpose = holder.interview.purpose
    answers = [
        Answer(kind=ConsentKind(kind), granted=granted, text_version=_version(ConsentKind(kind), purpose, text_version))
        for kind, granted in grants.items()
    ]
    state = await request.app[ROOMS].store_consents(holder, answers)
    return web.json_response({"granted": sorted(state.granted)})


async def healthz(request: web.Request) -> web.Response:
    """GET /healthz: whether the process lives, its database answers and its loop is quick."""
    app = request.app
    await app[DATABASE].ping()
    return web.json_response(
        {
            "status": "ok",
            "database": "ok",
            "rooms": app[ROOMS].stats()["rooms"],
            "workers": app[POOL].started_workers(),
            "taps": app[TAPS].open_count(),
            "loop_lag_p99_ms": app[LAG].p99_ms(),
        }
    )


def _version(kind: ConsentKind, purpose: Purpose, page_version: str) -> str:
    """Return the version of one text on a page of that version; a stale page's version stays as it is."""
    return consent_text(kind, purpose).version if page_version == TEXT_DATE else page_version


def _access(request: web.Request, interview: Interview, participant: Participant) -> web.Response:
    if interview.status.is_over:
        raise Gone("This interview is over.")
    config = request.app[CONFIG]
    return web.json_response(
        {
            "token": request.app[TOKENS].access_token(participant, interview, ALL_GRANTS),
            "expires_in": int(ACCESS_LIFETIME.total_seconds()),
            "room_id": interview.room_id,
            "participant_id": participant.id,
            "role": participant.role,
            "ice_servers": [_ice_server(server) for server in config.ice_servers],
            "video_kbps": config.video_kbps,
        }
    )


def _ice_server(server: IceServer) -> dict[str, Any]:
    """Return an ICE server in the form of RTCIceServer (W3C WebRTC, 4.2.4)."""
    entry: dict[str, Any] = {"urls": list(server.urls)}
    if server.username is not None:
        entry |= {"username": server.username, "credential": server.credential}
    return entry


def _holder(request: web.Request) -> JoinPrincipal:
    holder = request[PRINCIPAL]
    assert isinstance(holder, JoinPrincipal)
    return holder


async def _json_object(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise UnsupportedMedia("Send application/json.")
    try:
        body = await request.json()
    except (ValueError, RecursionError, LookupError):  # LookupError: an unknown charset
        raise BadRequest("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    return body
