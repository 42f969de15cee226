"""Queries on sessions and their estimates."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Row, case, delete, func, insert, select, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.moved import PeakPoint
from pipeline.trend import WINDOW_S
from pipeline.types import Estimate
from server.db.estimate_row import contributions_from_row, estimate_from_row, estimate_values, signals_from_row
from server.db.records import Session, SessionStatus, StoredEstimate
from server.db.schema import estimates, sessions

PAGE = 50
"""Estimates read at once: some milliseconds of work, most of it for the signals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a session's row says about its estimates."""

    mean_stress: float | None
    peak_stress: float | None
    """The highest stress; None when it was never known."""
    peak_t_s: float | None
    """When it was first reached."""
    last_s: float | None
    """Time of the last estimate, None without any."""


async def insert_session(connection: AsyncConnection, session: Session) -> None:
    """Store a new session."""
    await connection.execute(
        insert(sessions).values(
            id=session.id,
            interview_id=session.interview_id,
            participant_id=session.participant_id,
            started_at=session.started_at,
            ended_at=session.ended_at,
            status=session.status,
            end_reason=session.end_reason,
            mean_stress=session.mean_stress,
            peak_stress=session.peak_stress,
            peak_t_s=session.peak_t_s,
            model_version=session.model_version,
        )
    )


async def close_session(
    connection: AsyncConnection,
    session_id: str,
    *,
    status: SessionStatus,
    ended_at: datetime,
    end_reason: str,
    figures: Figures,
) -> None:
    """Store a session's end and figures."""
    await connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(
            status=status,
            ended_at=ended_at,
            end_reason=end_reason,
            mean_stress=figures.mean_stress,
            peak_stress=figures.peak_stress,
            peak_t_s=figures.peak_t_s,
        )
    )


async def delete_session(connection: AsyncConnection, session_id: str) -> None:
    """Remove a session; its estimates, markers and notes go with it."""
    await connection.execute(delete(sessions).where(sessions.c.id == session_id))


async def get_session(connection: AsyncConnection, session_id: str) -> Session | None:
    """Return a session or None."""
    row = (await connection.execute(select(sessions).where(sessions.c.id == session_id))).one_or_none()
    return None if row is None else _session_from_row(row)


async def sessions_of_interview(connection: AsyncConnection, interview_id: str) -> tuple[Session, ...]:
    """Return an interview's sessions, oldest first."""
    rows = await connection.execute(
        select(sessions).where(sessions.c.interview_id == interview_id).order_by(sessions.c.started_at, sessions.c.id)
    )
    return tuple(_session_from_row(row) for row in rows)


async def live_sessions(connection: AsyncConnection) -> tuple[Session, ...]:
    """Return every session that is stored as running."""
    rows = await connection.execute(select(sessions).where(sessions.c.status == SessionStatus.LIVE))
    return tuple(_session_from_row(row) for row in rows)


async def insert_estimates(connection: AsyncConnection, rows: Iterable[StoredEstimate], model_version: str) -> None:
    """Store estimates; a tick that is stored already is left as it is. Raises IntegrityError if a session is gone."""
    values = [
        {"session_id": row.session_id, "model_version": model_version, **estimate_values(row.estimate)} for row in rows
    ]
    if values:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        await connection.execute(dialect.insert(estimates).on_conflict_do_nothing(), values)


async def estimate_pages(
    connection: AsyncConnection, session_id: str, *, after_s: float | None = None, signals_after_s: float | None = None
) -> AsyncIterator[tuple[Estimate, ...]]:
    """Yield a session's estimates in order of time, PAGE at a time, so that the event loop is never held for long.

    Args:
        connection: to read from.
        session_id: whose.
        after_s: only estimates later than this; None means all.
        signals_after_s: only estimates later than this come with their signals, which are most of what is stored; None
            means all.
    """
    columns: list[Any] = [column for column in estimates.c if column.name != "signals"]
    recent = (
        estimates.c.signals
        if signals_after_s is None
        else case((estimates.c.t_s > signals_after_s, estimates.c.signals))
    )
    columns.append(type_coerce(recent, JSON).label("signals"))
    while True:
        query = select(*columns).where(estimates.c.session_id == session_id).order_by(estimates.c.t_s).limit(PAGE)
        if after_s is not None:
            query = query.where(estimates.c.t_s > after_s)
        rows = (await connection.execute(query)).all()
        if rows:
            yield tuple(estimate_from_row(row) for row in rows)
            after_s = rows[-1].t_s
        if len(rows) < PAGE:
            return


async def find_estimates(connection: AsyncConnection, session_id: str) -> tuple[Estimate, ...]:
    """Return a session's estimates in order of time."""
    return tuple([item async for page in estimate_pages(connection, session_id) for item in page])


async def find_figures(connection: AsyncConnection, session_id: str) -> Figures:
    """Return the figures of what is stored of a session."""
    of_session = estimates.c.session_id == session_id
    mean, peak, last_s = (
        await connection.execute(
            select(func.avg(estimates.c.stress), func.max(estimates.c.stress), func.max(estimates.c.t_s)).where(
                of_session
            )
        )
    ).one()
    peak_t_s = None
    if peak is not None:
        at_peak = select(func.min(estimates.c.t_s)).where(of_session, estimates.c.stress == peak)
        peak_t_s = (await connection.execute(at_peak)).scalar_one()
    return Figures(mean_stress=mean, peak_stress=peak, peak_t_s=peak_t_s, last_s=last_s)


async def find_peaks(connection: AsyncConnection, session_id: str) -> tuple[tuple[float, float], ...]:
    """Return (t_s, stress) of each peak of a session, in order of time."""
    confirmed = select(estimates.c.peak_t_s).where(
        estimates.c.session_id == session_id, estimates.c.peak_t_s.is_not(None)
    )
    rows = await connection.execute(
        select(estimates.c.t_s, estimates.c.stress)
        .where(estimates.c.session_id == session_id, estimates.c.t_s.in_(confirmed), estimates.c.stress.is_not(None))
        .order_by(estimates.c.t_s)
    )
    return tuple((row.t_s, row.stress) for row in rows)


async def find_peak_points(connection: AsyncConnection, session_id: str, peak_t_s: float) -> tuple[PeakPoint, ...]:
    """Return what explains a peak: the estimates of the window up to it, the last with its signals."""
    rows = await connection.execute(
        select(
            estimates.c.t_s,
            estimates.c.stress,
            estimates.c.contributions,
            type_coerce(case((estimates.c.t_s == peak_t_s, estimates.c.signals)), JSON).label("signals"),
        )
        .where(
            estimates.c.session_id == session_id,
            estimates.c.t_s > peak_t_s - WINDOW_S,
            estimates.c.t_s <= peak_t_s,
        )
        .order_by(estimates.c.t_s)
    )
    return tuple(
        PeakPoint(
            t_s=row.t_s,
            stress=row.stress,
            contributions=contributions_from_row(row),
            signals=signals_from_row(row),
        )
        for row in rows
    )


def _session_from_row(row: Row[*tuple[Any, ...]]) -> Session:
    return Session(
        id=row.id,
        interview_id=row.interview_id,
        participant_id=row.participant_id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        status=SessionStatus(row.status),
        end_reason=row.end_reason,
        mean_stress=row.mean_stress,
        peak_stress=row.peak_stress,
        peak_t_s=row.peak_t_s,
        model_version=row.model_version,
    )
