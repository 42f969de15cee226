"""Queries on markers and notes."""

from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.records import Marker, MarkerKind, Note
from server.db.schema import markers, notes, participants


async def insert_marker(connection: AsyncConnection, marker: Marker) -> None:
    """Store a new marker."""
    await connection.execute(
        insert(markers).values(
            id=marker.id,
            interview_id=marker.interview_id,
            session_id=marker.session_id,
            author_id=marker.author_id,
            t_s=marker.t_s,
            kind=marker.kind,
            label=marker.label,
            question_id=marker.question_id,
            created_at=marker.created_at,
        )
    )


async def delete_marker(connection: AsyncConnection, interview_id: str, marker_id: str) -> Marker | None:
    """Remove a marker of an interview and return it, or None if there is none."""
    found = next((marker for marker in await find_markers(connection, interview_id) if marker.id == marker_id), None)
    if found is not None:
        await connection.execute(delete(markers).where(markers.c.id == marker_id))
    return found


async def find_markers(connection: AsyncConnection, interview_id: str) -> tuple[Marker, ...]:
    """Return an interview's markers in order of session time, then of making."""
    rows = await connection.execute(
        select(markers, participants.c.name.label("author"))
        .join(participants, participants.c.id == markers.c.author_id)
        .where(markers.c.interview_id == interview_id)
        .order_by(markers.c.t_s.nulls_first(), markers.c.created_at, markers.c.id)
    )
    return tuple(
        Marker(
            id=row.id,
            interview_id=row.interview_id,
            session_id=row.session_id,
            author_id=row.author_id,
            author=row.author,
            t_s=row.t_s,
            kind=MarkerKind(row.kind),
            label=row.label,
            question_id=row.question_id,
            created_at=row.created_at,
        )
        for row in rows
    )


async def insert_note(connection: AsyncConnection, note: Note) -> None:
    """Store a new note."""
    await connection.execute(
        insert(notes).values(
            id=note.id,
            interview_id=note.interview_id,
            session_id=note.session_id,
            author_id=note.author_id,
            t_s=note.t_s,
            text=note.text,
            created_at=note.created_at,
            updated_at=note.updated_at,
        )
    )


async def update_note(connection: AsyncConnection, note_id: str, text: str, now: datetime) -> None:
    """Replace a note's text."""
    await connection.execute(update(notes).where(notes.c.id == note_id).values(text=text, updated_at=now))


async def find_notes(connection: AsyncConnection, interview_id: str) -> tuple[Note, ...]:
    """Return an interview's notes in order of session time, then of making."""
    rows = await connection.execute(
        select(notes, participants.c.name.label("author"))
        .join(participants, participants.c.id == notes.c.author_id)
        .where(notes.c.interview_id == interview_id)
        .order_by(notes.c.t_s.nulls_first(), notes.c.created_at, notes.c.id)
    )
    return tuple(
        Note(
            id=row.id,
            interview_id=row.interview_id,
            session_id=row.session_id,
            author_id=row.author_id,
            author=row.author,
            t_s=row.t_s,
            text=row.text,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    )
