"""Queries on what candidates said."""

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.language.words import Word
from server.db.records import StoredWords
from server.db.schema import sessions, words


async def insert_words(connection: AsyncConnection, batch: StoredWords) -> None:
    """Store words. Raises IntegrityError if the session is gone."""
    rows = [
        {
            "session_id": batch.session_id,
            "from_s": word.from_s,
            "to_s": word.to_s,
            "text": word.text,
            "confidence": word.confidence,
            "transcriber": batch.transcriber,
        }
        for word in batch.words
    ]
    if rows:
        await connection.execute(insert(words), rows)


async def find_words(
    connection: AsyncConnection, session_id: str, *, newest: int | None = None
) -> tuple[tuple[Word, ...], str]:
    """Return a session's words in order of time, or only so many of the newest, and the name of the transcriber."""
    query = select(words).where(words.c.session_id == session_id).order_by(words.c.from_s.desc(), words.c.id.desc())
    rows = (await connection.execute(query if newest is None else query.limit(newest))).all()
    found = tuple(
        Word(text=row.text, from_s=row.from_s, to_s=row.to_s, confidence=row.confidence) for row in reversed(rows)
    )
    return found, rows[0].transcriber if rows else ""


async def delete_words(connection: AsyncConnection, participant_id: str) -> bool:
    """Remove everything that a candidate said; returns whether there was anything."""
    theirs = select(sessions.c.id).where(sessions.c.participant_id == participant_id)
    result = await connection.execute(delete(words).where(words.c.session_id.in_(theirs)))
    return result.rowcount > 0
