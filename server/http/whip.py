"""WHIP (RFC 9725) to publish and WHEP (draft-ietf-wish-whep) to watch: HTTP in front of the media plane.

The access rule has already checked the bearer token, its room and its grant.
"""

from collections.abc import Awaitable
from contextlib import suppress

from aiohttp import web

from server.clock import utc_now
from server.errors import NotFound, UnsupportedMedia
from server.http.access import current_claims
from server.http.body import read_text
from server.http.keys import CONFIG, PLANE, ROOMS
from server.network import IceServer
from server.rtc.offer import MAX_SDP_BYTES
from server.rtc.plane import Resource
from server.rtc.turn import ice_servers_for

SDP = "application/sdp"
SDP_FRAGMENT = "application/trickle-ice-sdpfrag"


async def publish(request: web.Request) -> web.Response:
    """Answer the offer of someone who publishes into the room."""
    offer_sdp = await _offer(request)
    claims = current_claims(request)
    resource = await request.app[PLANE].publish(claims.room_id, claims.participant_id, offer_sdp)
    await _keep(request, resource, request.app[ROOMS].authorise_publish(claims))
    return _created(request, resource)


async def watch(request: web.Request) -> web.Response:
    """Answer the offer of someone who watches a participant of the room."""
    offer_sdp = await _offer(request)
    claims = current_claims(request)
    source_id = request.match_info["participant_id"]
    resource = await request.app[PLANE].watch(claims.room_id, source_id, claims.participant_id, offer_sdp)
    await _keep(request, resource, request.app[ROOMS].authorise_watch(claims, source_id))
    return _created(request, resource)


async def trickle(request: web.Request) -> web.Response:
    """Take more candidates. An ICE restart is refused with 422, as RFC 9725 section 4.3 wants it."""
    resource_id, etag = _owned(request)
    if request.content_type != SDP_FRAGMENT:
        raise UnsupportedMedia(f"The body must be {SDP_FRAGMENT}.")
    expected = request.headers.get("If-Match", "*").strip()
    if expected != "*" and etag not in [tag.strip().removeprefix("W/").strip('"') for tag in expected.split(",")]:
        raise web.HTTPPreconditionFailed(reason="This media session has another ICE session by now.")
    await request.app[PLANE].trickle(resource_id, await read_text(request, max_bytes=MAX_SDP_BYTES))
    return web.Response(status=204)


async def delete(request: web.Request) -> web.Response:
    """End the session; If-Match does not count here (RFC 9725 section 4.3.1)."""
    resource_id, _ = _owned(request)
    await request.app[PLANE].close_resource(resource_id)
    return web.Response(status=200)


async def options(request: web.Request) -> web.Response:
    """Say what may be posted."""
    return web.Response(status=204, headers={"Accept-Post": SDP, "Allow": "OPTIONS, POST"})


async def _keep(request: web.Request, resource: Resource, authorised: Awaitable[None]) -> None:
    """Ask again once the session is open, and close it if the answer is no.

    Its rule was checked before the body came; whoever was put out since was not found among those to disconnect.
    """
    try:
        await authorised
    except BaseException:
        with suppress(NotFound):  # closed meanwhile
            await request.app[PLANE].close_resource(resource.id)
        raise


def _owned(request: web.Request) -> tuple[str, str]:
    """Return id and etag of the resource in the path; NotFound unless it is the caller's own."""
    claims = current_claims(request)
    resource_id = request.match_info["resource"]
    owner = request.app[PLANE].owner(resource_id)
    if (owner.room_id, owner.participant_id) != (claims.room_id, claims.participant_id):
        raise NotFound("no such media session")
    return resource_id, owner.etag


async def _offer(request: web.Request) -> str:
    if request.content_type != SDP:
        raise UnsupportedMedia(f"The body must be {SDP}.")
    accepted = [part.partition(";")[0].strip() for part in request.headers.get("Accept", "*/*").split(",")]
    if not set(accepted) & {"*/*", "application/*", SDP, ""}:
        raise web.HTTPNotAcceptable(reason=f"The answer is {SDP}.")
    return await read_text(request, max_bytes=MAX_SDP_BYTES)


def _created(request: web.Request, resource: Resource) -> web.Response:
    response = web.Response(status=201, body=resource.answer_sdp.encode(), content_type=SDP)
    response.headers["Location"] = f"{request.rel_url.raw_path.rstrip('/')}/{resource.id}"
    response.headers["ETag"] = f'"{resource.etag}"'
    participant_id = current_claims(request).participant_id
    for server in ice_servers_for(request.app[CONFIG], participant_id, utc_now()):
        for link in ice_links(server):
            response.headers.add("Link", link)
    return response


def ice_links(server: IceServer) -> list[str]:
    """Return the Link header values of one STUN or TURN server (RFC 9725 section 4.6)."""
    attributes = '; rel="ice-server"'
    if server.username is not None and server.credential is not None:
        attributes += f"; username={_quoted(server.username)}; credential={_quoted(server.credential)}"
        attributes += '; credential-type="password"'
    return [f"<{url}>{attributes}" for url in server.urls]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
