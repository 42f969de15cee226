"""The JSON calls of our own pages: consents, and access tokens for WHIP, WHEP and the websocket."""

import json
from typing import Any

from aiohttp import web

from server.clock import utc_now
from server.errors import BadRequest, Forbidden, Gone, UnsupportedMedia
from server.http.access import LOGIN, current_holder, current_interview, current_user
from server.http.body import read_text
from server.http.keys import CONFIG, ROOMS, SCHEDULE, TOKENS
from server.network import IceServer
from server.rtc.turn import ice_servers_for
from server.sessions.consent import Answer
from server.sessions.fields import is_storable
from server.sessions.principals import Grant
from server.sessions.records import ConsentKind, Interview, Participant
from server.sessions.tokens import ACCESS_LIFETIME

MAX_VERSION_LENGTH = 40

ALL_GRANTS = (Grant.PUBLISH, Grant.WATCH, Grant.CONTROL)


async def interviewer_access(request: web.Request) -> web.Response:
    """POST /api/interviews/{id}/access: a token for the dashboard."""
    interview = current_interview(request)
    participant = await request.app[SCHEDULE].interviewer_participant(current_user(request), interview.id)
    return _access(request, interview, participant, login_id=request[LOGIN].login_session_id)


async def candidate_access(request: web.Request) -> web.Response:
    """POST /api/join/{token}/access: a token for the candidate's page, once the call was consented to."""
    holder = current_holder(request)
    consents = await request.app[ROOMS].consent_state(holder)
    if not consents.has(ConsentKind.CALL):
        raise Forbidden("Please agree to the call first.")
    return _access(request, holder.interview, holder.participant)


async def store_consents(request: web.Request) -> web.Response:
    """POST /api/join/{token}/consent: store the candidate's answers; a no also by a link that lets nobody in any more.

    Takes ``{"answers": [{"kind", "granted", "text_version"}]}``; returns ``{"granted": [kinds that stand]}``.
    """
    answers = (await _json_object(request)).get("answers")
    if not isinstance(answers, list) or not 1 <= len(answers) <= len(ConsentKind):
        raise BadRequest("Send the answers as a list, one for each kind of consent.")
    state = await request.app[ROOMS].store_consents(current_holder(request), [_answer(item) for item in answers])
    return web.json_response({"granted": sorted(state.granted)})


def _answer(item: Any) -> Answer:
    if not isinstance(item, dict):
        raise BadRequest("An answer is {kind, granted, text_version}.")
    kind, granted, text_version = (item.get(name) for name in ("kind", "granted", "text_version"))
    if kind not in tuple(ConsentKind):
        raise BadRequest(f"The field kind must be one of: {', '.join(ConsentKind)}.")
    if not isinstance(granted, bool):
        raise BadRequest("The field granted must be true or false.")
    if not isinstance(text_version, str) or len(text_version) > MAX_VERSION_LENGTH or not is_storable(text_version):
        raise BadRequest("The field text_version must name the text that was shown.")
    return Answer(kind=ConsentKind(kind), granted=granted, text_version=text_version)


def _access(
    request: web.Request, interview: Interview, participant: Participant, *, login_id: str | None = None
) -> web.Response:
    if interview.status.is_over:
        raise Gone("This interview is over.")
    request.app[ROOMS].require_capacity(interview)
    config = request.app[CONFIG]
    return web.json_response(
        {
            "token": request.app[TOKENS].access_token(participant, interview, ALL_GRANTS, login_id=login_id),
            "expires_in": int(ACCESS_LIFETIME.total_seconds()),
            "room_id": interview.room_id,
            "participant_id": participant.id,
            "role": participant.role,
            "ice_servers": [_ice_server(entry) for entry in ice_servers_for(config, participant.id, utc_now())],
            "video_kbps": config.video_kbps,
        }
    )


def _ice_server(server: IceServer) -> dict[str, Any]:
    """Return an ICE server in the form of RTCIceServer (W3C WebRTC, 4.2.4)."""
    entry: dict[str, Any] = {"urls": list(server.urls)}
    if server.username is not None:
        entry |= {"username": server.username, "credential": server.credential}
    return entry


async def _json_object(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise UnsupportedMedia("Send application/json.")
    try:
        body = json.loads(await read_text(request))
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    return body
