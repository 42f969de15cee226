"""What pages ask of their room, one function per client event of protocol.py."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pipeline.advice import Asked
from pipeline.types import BrowserAudio
from server.db import participants as participant_rows
from server.errors import ComposureError
from server.protocol import explanation_message
from server.sessions.analysis_run import AnalysisRun
from server.sessions.consent import Answer
from server.sessions.events import ClientMessage, Refused, error_message, read_message
from server.sessions.live_room import LiveRoom
from server.sessions.records import ConsentKind, MarkerKind
from server.sessions.room_messages import marker_message, note_message
from server.sessions.room_services import RoomServices
from server.sessions.seat import Connection, Seat

Request = Callable[[RoomServices, LiveRoom, Seat, ClientMessage], Awaitable[None]]


async def handle(services: RoomServices, room: LiveRoom, connection: Connection, raw: object) -> None:
    """Do what a page asks for; a ComposureError becomes an ``error`` event to that page."""
    try:
        message = read_message(raw, connection.role)
        if message.type == "ping":
            room.tell(connection, {"type": "pong"})
            return
        connection.limiter.take("")
        seat = room.seat_of(connection.participant_id, connection.role)
        if seat.connection is not connection or room.is_closed:
            return  # a page that was replaced or sent away has no say
        if message.type == "consent":  # a withdrawal must not wait for anything
            await _consent(services, room, seat, message)
            return
        async with room.lock:
            if seat.connection is connection and not room.is_closed:
                await REQUESTS[message.type](services, room, seat, message)
    except ComposureError as exc:
        room.tell(connection, error_message(exc, about=raw))


async def _consent(services: RoomServices, room: LiveRoom, seat: Seat, message: ClientMessage) -> None:
    fields = message.fields
    await room.store_consents(
        [Answer(kind=ConsentKind(fields["kind"]), granted=fields["granted"], text_version=fields["text_version"])]
    )


async def _devices(services: RoomServices, room: LiveRoom, seat: Seat, message: ClientMessage) -> None:
    seat.devices = message.fields["microphone"], message.fields["camera"]
    settings = message.fields["settings"]
    # They say how good the measurements are, and of who is not measured nothing is kept.
    if settings is not None and seat is room.candidate and room.consents.has(ConsentKind.ANALYSIS):
        async with services.database.write() as connection:
            await participant_rows.set_device_settings(connection, seat.participant.id, settings)
        room.analysis.hear_through(_browser_audio(settings))
    room.broadcast_state()


def _browser_audio(settings: Mapping[str, Any]) -> BrowserAudio:
    """Read what a page says of its microphone; only a plain true counts, for the page may write anything."""
    return BrowserAudio(
        has_automatic_gain=settings.get("autoGainControl") is True,
        has_noise_suppression=settings.get("noiseSuppression") is True,
    )


async def _leave(services: RoomServices, room: LiveRoom, seat: Seat, message: ClientMessage) -> None:
    await room.leave(seat)


async def _knock(services: RoomServices, room: LiveRoom, seat: Seat, message: ClientMessage) -> None:
    await room.knock()


async def _admit(services: RoomServices, room: LiveRoom, seat: Seat, message: ClientMessage) -> None:
    await room.admit()


async def _decline(services: RoomServices, room: LiveRoom, seat: Seat, message: ClientMessage) -> None:
    await room.decline()


async def _start_analysis(services: RoomServices, room: LiveRoom, seat: Seat, message: ClientMessage) -> None:
    room.start_analysis()


async def _stop_analysis(services: RoomServices, room: LiveRoom, seat: Seat, message: ClientMessage) -> None:
    room.analysis.stop("stopped")


async def _recalibrate(services: RoomServices, room: LiveRoom, seat: Seat, message: ClientMessage) -> None:
    if room.analysis.run is None:
        raise Refused("not_running", "The analysis is off.")
    room.analysis.run.recalibrate()


async def _explain(services: RoomServices, room: LiveRoom, seat: Seat, message: ClientMessage) -> None:
    run, connection = room.analysis.begin_explanation(), seat.connection
    if connection is not None:
        # The worker takes its time, and the room must not wait for it.
        work = _answer_explain(room, run, connection, message.fields["emotion"])
        services.tasks.spawn(work, name=f"explain {run.session.id}")


async def _answer_explain(room: LiveRoom, run: AnalysisRun, connection: Connection, emotion: str | None) -> None:
    explanation = await run.explain(emotion)
    is_wanted = room.analysis.run is run
    room.tell(connection, explanation_message(run.session.id, explanation if is_wanted else None))


async def _end(services: RoomServices, room: LiveRoom, seat: Seat, message: ClientMessage) -> None:
    await room.end()


async def _marker(services: RoomServices, room: LiveRoom, seat: Seat, message: ClientMessage) -> None:
    client_id = message.fields["client_id"]
    known = None if client_id is None else await room.history.find_marker(seat.participant, client_id)
    if known is not None and seat.connection is not None:  # the page did not get the answer
        room.tell(seat.connection, marker_message(known))
        return
    marker = await room.history.add_marker(seat.participant, message)
    run = room.analysis.run
    is_of_run = run is not None and marker.session_id == run.session.id
    if run is not None and is_of_run and marker.kind is MarkerKind.QUESTION and marker.t_s is not None:
        number = await room.history.question_number(marker.question_id)
        run.take_question(marker.id, Asked(number=number, t_s=marker.t_s))
    room.broadcast(marker_message(marker))


async def _delete_marker(services: RoomServices, room: LiveRoom, seat: Seat, message: ClientMessage) -> None:
    marker = await room.history.delete_marker(message.fields["id"])
    if room.analysis.run is not None:
        room.analysis.run.forget_question(marker.id)
    room.broadcast(marker_message(marker, deleted=True))


async def _note(services: RoomServices, room: LiveRoom, seat: Seat, message: ClientMessage) -> None:
    note = await room.history.write_note(seat.participant, message)
    for reader in room.seats:
        if reader.connection is not None:
            room.tell(reader.connection, note_message(note, reader_id=reader.participant.id))


REQUESTS: dict[str, Request] = {
    "devices": _devices,
    "leave": _leave,
    "knock": _knock,
    "admit": _admit,
    "decline": _decline,
    "start_analysis": _start_analysis,
    "stop_analysis": _stop_analysis,
    "recalibrate": _recalibrate,
    "explain": _explain,
    "end": _end,
    "marker": _marker,
    "delete_marker": _delete_marker,
    "note": _note,
}
