"""What a page is told of the past, and what interviewers write down: markers and notes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from pipeline.moved import explain_peak
from server.db import annotations as annotation_rows
from server.db import interviews as interview_rows
from server.db import series as series_rows
from server.db.engine import AsyncConnection, IntegrityError
from server.errors import Conflict, Forbidden, NotFound
from server.protocol import estimate_message, peak_message
from server.sessions.events import ClientMessage, Refused
from server.sessions.records import Marker, MarkerKind, Note, Participant
from server.sessions.room_messages import Message, history_message
from server.sessions.room_services import RoomServices
from server.sessions.secrets import new_id

MAX_LABEL_LENGTH = 200
ESTIMATES_PER_MESSAGE = 300
"""Keeps each message small and a page's outbox far from full: an interview of eight hours takes 96 messages."""
SIGNALS_S = 120.0
"""A page that comes back is sent the signals of the last estimates alone: all that its contours show."""


class RoomHistory:
    """The stored past of one room.

    Args:
        services: of the server.
        interview_id: of the room.
        session: gives the running session's id and its time now, seconds; (None, None) when none runs.
    """

    def __init__(
        self, services: RoomServices, interview_id: str, *, session: Callable[[], tuple[str | None, float | None]]
    ) -> None:
        self._services = services
        self._interview_id = interview_id
        self._session = session
        self._deleted: set[str] = set()
        """Ids of markers: one that is sent again does not come back."""

    async def send(
        self,
        put: Callable[[Message], None],
        *,
        reader_id: str,
        since_s: float | None = None,
        since_session_id: str | None = None,
    ) -> float | None:
        """Send the running session, or else the latest one, as one or more ``history`` messages.

        Args:
            put: takes the messages.
            reader_id: participant who reads.
            since_s: newest estimate the page has; only later ones are sent.
            since_session_id: session of that estimate; with another one, all are sent.

        Returns:
            The time of the newest estimate sent, None without any.
        """
        await self._services.recorder.flush()
        async with self._services.database.read() as connection:
            session_id = self._session()[0] or await self._latest_session_id(connection)
            is_continued = since_s is not None and since_session_id == session_id
            common: dict[str, Any] = {
                "markers": [
                    _timed(marker, session_id)
                    for marker in await annotation_rows.find_markers(connection, self._interview_id)
                ],
                "notes": [
                    _timed(note, session_id)
                    for note in await annotation_rows.find_notes(connection, self._interview_id)
                ],
                "questions": await interview_rows.find_questions(connection, self._interview_id),
                "reader_id": reader_id,
            }
            peaks = await _explained_peaks(connection, session_id) if session_id else []
            # Why there are peaks is long, and the page keeps what it is told last.
            brief = [{**peak, "why": None} for peak in peaks]
            newest_s: float | None = None
            waiting: list[Message] = []
            is_first = True
            if session_id is not None:
                after_s = since_s if is_continued else None
                last_s = (await series_rows.find_figures(connection, session_id)).last_s or 0.0
                async for page in series_rows.estimate_pages(
                    connection, session_id, after_s=after_s, signals_after_s=last_s - SIGNALS_S
                ):
                    newest_s = page[-1].t_s
                    waiting += [estimate_message(session_id, item) for item in page]
                    if len(waiting) >= ESTIMATES_PER_MESSAGE:
                        is_whole = is_first and not is_continued
                        put(history_message(session_id, waiting, complete=is_whole, peaks=brief, **common))
                        waiting, is_first = [], False
        if waiting or is_first or peaks:
            put(history_message(session_id, waiting, complete=is_first and not is_continued, peaks=peaks, **common))
        return newest_s

    async def find_marker(self, author: Participant, marker_id: str) -> Marker | None:
        """Return the author's marker if it is stored already.

        Raises:
            NotFound: it was deleted.
            Conflict: it is somebody else's.
        """
        if marker_id in self._deleted:
            raise NotFound("This marker was deleted.")
        async with self._services.database.read() as connection:
            markers = await annotation_rows.find_markers(connection, self._interview_id)
            marker = next((item for item in markers if item.id == marker_id), None)
            if marker is None:
                return None
            session_id = self._session()[0] or await self._latest_session_id(connection)
        if marker.author_id != author.id:
            raise _taken()
        return _timed(marker, session_id)

    async def add_marker(self, author: Participant, message: ClientMessage) -> Marker:
        """Store a marker.

        Raises:
            NotFound: it names a question of another interview.
            Conflict: its ``client_id`` is that of a marker of another interview.
        """
        now_in_session = self._session()
        kind = MarkerKind(message.fields["kind"])
        label = (message.fields["label"] or "").strip()
        question_id = message.fields["question_id"]
        async with self._services.database.write() as connection:
            if question_id is not None:
                questions = {
                    item.id: item for item in await interview_rows.find_questions(connection, self._interview_id)
                }
                if question_id not in questions:
                    raise NotFound("This question does not exist.")
                label = label or questions[question_id].text[:MAX_LABEL_LENGTH]
            session_id, t_s = await self._place(connection, now_in_session, message.fields["t_s"])
            marker = Marker(
                id=message.fields["client_id"] or new_id(),
                interview_id=self._interview_id,
                session_id=session_id,
                author_id=author.id,
                author=author.name,
                t_s=t_s,
                kind=kind,
                label=label,
                question_id=question_id,
                created_at=self._services.now(),
            )
            try:
                await annotation_rows.insert_marker(connection, marker)
            except IntegrityError:
                raise _taken() from None
        return marker

    async def question_number(self, question_id: str | None) -> int | None:
        """Return a question's place in the interview's list, from 1; None when it is not in it."""
        if question_id is None:
            return None
        async with self._services.database.read() as connection:
            questions = await interview_rows.find_questions(connection, self._interview_id)
        return next((n for n, question in enumerate(questions, start=1) if question.id == question_id), None)

    async def delete_marker(self, marker_id: str) -> Marker:
        """Remove a marker, whoever made it, and return it. Raises NotFound if there is none."""
        async with self._services.database.write() as connection:
            marker = await annotation_rows.delete_marker(connection, self._interview_id, marker_id)
        if marker is None:
            raise NotFound("This marker does not exist.")
        self._deleted.add(marker.id)
        return marker

    async def write_note(self, author: Participant, message: ClientMessage) -> Note:
        """Store a new note, or a new text of one's own.

        Raises:
            Refused: no text.
            NotFound: no such note in this interview.
            Forbidden: somebody else's.
            Conflict: its ``client_id`` is that of a note of another interview.
        """
        text = message.fields["text"].strip()
        if not text:
            raise Refused("empty_note", "Please write something.")
        now, now_in_session = self._services.now(), self._session()
        async with self._services.database.write() as connection:
            stored = await self._stored_note(connection, author, message)
            if stored is not None:
                await annotation_rows.update_note(connection, stored.id, text, now)
                return replace(stored, text=text, updated_at=now)
            session_id, t_s = await self._place(connection, now_in_session, message.fields["t_s"])
            note = Note(
                id=message.fields["client_id"] or new_id(),
                interview_id=self._interview_id,
                session_id=session_id,
                author_id=author.id,
                author=author.name,
                t_s=t_s,
                text=text,
                created_at=now,
                updated_at=now,
            )
            try:
                await annotation_rows.insert_note(connection, note)
            except IntegrityError:
                raise _taken() from None
        return note

    async def _stored_note(
        self, connection: AsyncConnection, author: Participant, message: ClientMessage
    ) -> Note | None:
        """Return the note that a message changes, None for one that is new."""
        note_id = message.fields["id"] or message.fields["client_id"]
        notes = await annotation_rows.find_notes(connection, self._interview_id)
        note = next((item for item in notes if item.id == note_id), None)
        if note is None and message.fields["id"] is not None:
            raise NotFound("This note does not exist.")
        if note is not None and note.author_id != author.id:
            raise Forbidden("Only its author can change a note.")
        return note

    async def _place(
        self, connection: AsyncConnection, now_in_session: tuple[str | None, float | None], t_s: float | None
    ) -> tuple[str | None, float | None]:
        """Return the session and the time in it that something belongs to, (None, None) outside any.

        Without a running session a time that is named belongs to the latest one.
        """
        session_id, now_s = now_in_session
        if session_id is not None and now_s is not None:
            return session_id, round(now_s if t_s is None else min(max(0.0, t_s), now_s), 3)
        session_id = None if t_s is None else await self._latest_session_id(connection)
        if session_id is None or t_s is None:
            return None, None
        last_s = (await series_rows.find_figures(connection, session_id)).last_s or 0.0
        return session_id, round(min(max(0.0, t_s), last_s), 3)

    async def _latest_session_id(self, connection: AsyncConnection) -> str | None:
        sessions = await series_rows.sessions_of_interview(connection, self._interview_id)
        return sessions[-1].id if sessions else None


async def _explained_peaks(connection: AsyncConnection, session_id: str) -> list[Message]:
    return [
        peak_message(t_s, stress, explain_peak(await series_rows.find_peak_points(connection, session_id, t_s), t_s))
        for t_s, stress in await series_rows.find_peaks(connection, session_id)
    ]


def _taken() -> Conflict:
    return Conflict("Something else is stored under this client_id.")


_Stamped = TypeVar("_Stamped", Marker, Note)


def _timed(item: _Stamped, session_id: str | None) -> _Stamped:
    """Return it without its time if that is a time of another session: on this one's axis it means nothing."""
    return item if item.session_id == session_id else replace(item, t_s=None)
