"""Closing a session: its figures from what is stored, at the end or after the server was killed."""

from datetime import datetime, timedelta

from server.db import series as series_rows
from server.db.engine import Database
from server.sessions.records import Session, SessionStatus


async def close_session(
    database: Database, session: Session, *, status: SessionStatus, reason: str, ended_at: datetime | None
) -> None:
    """Store the end of a session with its mean, peak and time of peak.

    Args:
        database: where its estimates are.
        session: as stored; nothing happens if it is gone by now.
        status: ended or interrupted.
        reason: see ``Session.end_reason``.
        ended_at: None means: at its last estimate.
    """
    async with database.read() as connection:
        figures = await series_rows.find_figures(connection, session.id)
    async with database.write() as connection:
        await series_rows.close_session(
            connection,
            session.id,
            status=status,
            ended_at=ended_at or session.started_at + timedelta(seconds=figures.last_s or 0.0),
            end_reason=reason,
            figures=figures,
        )


async def close_interrupted(database: Database) -> int:
    """Close the sessions that a killed server left running, as interrupted; returns how many. Run it at start."""
    async with database.read() as connection:
        left = await series_rows.live_sessions(connection)
    for session in left:
        await close_session(database, session, status=SessionStatus.INTERRUPTED, reason="killed", ended_at=None)
    return len(left)
