"""How the media of an interview's people does, for its interviewers: GET /api/interviews/{id}/media."""

from enum import StrEnum
from typing import Any

from aiohttp import web

from server.http.access import current_interview
from server.http.keys import PLANE, ROOMS
from server.media import Kind
from server.rtc.contract import ConnectionReport, Direction
from server.rtc.statistics import IncomingStatistics, OutgoingStatistics
from server.sessions.records import Participant

UNSTABLE_LOSS_SHARE, POOR_LOSS_SHARE = 0.02, 0.10
UNSTABLE_RTT_S, POOR_RTT_S = 0.3, 0.6
"""ITU-T G.114: 0.15 s one way goes unnoticed, 0.4 s is the limit, of which devices and buffers take about 0.1 s."""
UNSTABLE_JITTER_S, POOR_JITTER_S = 0.03, 0.1
POOR_SILENCE_S = 3.0
"""The other end is asked every two seconds whether it is still there."""


class Quality(StrEnum):
    """A connection in one word."""

    GOOD = "good"
    UNSTABLE = "unstable"
    POOR = "poor"
    CONNECTING = "connecting"


async def interview_media(request: web.Request) -> web.Response:
    """GET /api/interviews/{id}/media: each participant's connection and who watches them."""
    room_id = current_interview(request).room_id
    reports = request.app[PLANE].reports(room_id)
    people = request.app[ROOMS].people(room_id)
    return web.json_response({"participants": [_participant(person, people, reports) for person in people]})


def quality(report: ConnectionReport) -> Quality:
    """Judge a connection by the worst of what is known about it."""
    if report.connected_s is None:
        return Quality.CONNECTING
    tracks: tuple[IncomingStatistics | OutgoingStatistics, ...] = (*report.incoming, *report.outgoing)
    loss = max((track.loss_share or 0.0 for track in tracks), default=0.0)
    # A picture comes in many packets of one time, sent one after the other: its jitter says little of the network.
    jitter_s = max((track.jitter_s or 0.0 for track in tracks if track.kind is Kind.AUDIO), default=0.0)
    rtt_s, silent_s = report.rtt_s or 0.0, report.silent_s or 0.0
    if (
        loss >= POOR_LOSS_SHARE
        or rtt_s >= POOR_RTT_S
        or jitter_s >= POOR_JITTER_S
        or silent_s >= POOR_SILENCE_S
        or any(track.is_paused for track in report.outgoing)
    ):
        return Quality.POOR
    is_unstable = loss >= UNSTABLE_LOSS_SHARE or rtt_s >= UNSTABLE_RTT_S or jitter_s >= UNSTABLE_JITTER_S
    return Quality.UNSTABLE if is_unstable or _is_limited(report) else Quality.GOOD


def _is_limited(report: ConnectionReport) -> bool:
    return any(track.budget_bits_per_s is not None for track in report.outgoing)


def _participant(
    person: Participant, people: tuple[Participant, ...], reports: tuple[ConnectionReport, ...]
) -> dict[str, Any]:
    own = [r for r in reports if r.direction is Direction.PUBLISH and r.participant_id == person.id]
    views = [r for r in reports if r.direction is Direction.WATCH and r.source_id == person.id]
    names = {other.id: other.name for other in people}
    return {
        "id": person.id,
        "role": person.role,
        "name": person.name,
        "connection": _connection(own[-1]) if own else None,
        "viewers": [
            {"id": view.participant_id, "name": names.get(view.participant_id, ""), **_connection(view)}
            for view in views
        ],
    }


def _connection(report: ConnectionReport) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "quality": quality(report),
        "connected_s": _rounded(report.connected_s, 1),
        "silent_s": _rounded(report.silent_s, 1),
        "rtt_s": _rounded(report.rtt_s, 4),
        "route": report.route,
    }
    if report.direction is Direction.PUBLISH:
        fields["asked_bits_per_s"] = _rounded(report.asked_bits_per_s, 0)
        return fields | {str(track.kind): _incoming(track) for track in report.incoming}
    fields["is_limited"] = _is_limited(report)
    fields["is_paused"] = any(track.is_paused for track in report.outgoing)
    return fields | {str(track.kind): _outgoing(track) for track in report.outgoing}


def _incoming(track: IncomingStatistics) -> dict[str, Any]:
    return {
        "codec": track.codec,
        "bits_per_s": round(track.bits_per_s),
        "loss_share": _rounded(track.loss_share, 4),
        "jitter_s": _rounded(track.jitter_s, 4),
        "packets": track.packets,
        "packets_lost": track.packets_lost,
        "packets_repaired": track.packets_repaired,
        "nacks": track.nacks,
        "keyframe_requests": track.keyframe_requests,
        "frozen_s": _rounded(track.frozen_s, 2),
    }


def _outgoing(track: OutgoingStatistics) -> dict[str, Any]:
    return {
        "codec": track.codec,
        "bits_per_s": round(track.bits_per_s),
        "loss_share": _rounded(track.loss_share, 4),
        "jitter_s": _rounded(track.jitter_s, 4),
        "packets": track.packets,
        "packets_sent_again": track.packets_sent_again,
        "packets_dropped": track.packets_dropped,
        "budget_bits_per_s": _rounded(track.budget_bits_per_s, 0),
        "layer": track.layer,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
