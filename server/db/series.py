"""Queries on sessions and their estimates."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Row, case, delete, func, insert, select, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.levels import LEVELS
from pipeline.moved import PeakPoint
from pipeline.trend import WINDOW_S
from pipeline.types import (
    EMOTIONS,
    EYE_EMOTIONS,
    Band,
    Contribution,
    Estimate,
    Reading,
    Reason,
    Shares,
    Signal,
    Trajectory,
    VoiceFeatures,
)
from server.db.records import Session, SessionStatus, StoredEstimate
from server.db.schema import VOICE_COLUMNS, estimates, sessions

PAGE = 50
"""Estimates read at once: some milliseconds of work, most of it for the signals."""

_VOICE_PREFIX = "voice_"


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
        {"session_id": row.session_id, "model_version": model_version, **_estimate_values(row.estimate)} for row in rows
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
            yield tuple(_estimate_from_row(row) for row in rows)
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
            contributions=_contributions_from_row(row),
            signals=_signals_from_row(row),
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


def _estimate_values(estimate: Estimate) -> dict[str, Any]:
    shares = estimate.emotions or (None,) * len(EMOTIONS)
    features = estimate.voice_features
    return {
        "t_s": estimate.t_s,
        **_reading_values("stress", estimate.stress),
        "stress_raw": estimate.stress_raw,
        **_reading_values("face", estimate.face),
        **_reading_values("voice", estimate.voice),
        **{f"emotion_{name}": share for name, share in zip(EMOTIONS, shares, strict=True)},
        **_shares_values("level", tuple(LEVELS), estimate.levels),
        **_shares_values("eyes", EYE_EMOTIONS, estimate.eyes),
        "band": estimate.band,
        "trajectory": estimate.trajectory,
        "window_mean": estimate.window_mean,
        "window_sd": estimate.window_sd,
        "peak_t_s": estimate.peak_t_s,
        "contributions": [[part.signal, part.amount] for part in estimate.contributions],
        **{
            name: None if features is None else getattr(features, name.removeprefix(_VOICE_PREFIX))
            for name in (*VOICE_COLUMNS, "voice_is_silent")
        },
        "newest_sample_s": estimate.newest_sample_s,
        "signals": [
            [
                signal.name,
                _short(signal.value),
                _short(signal.quality),
                signal.reason,
                _short(signal.age_s),
                _short(signal.z),
            ]
            for signal in estimate.signals
        ],
    }


def _short(value: float | None) -> float | None:
    """Round to six significant digits: signals are most of what is stored, and none is known better."""
    return None if value is None else float(f"{value:.6g}")


def _reading_values(name: str, reading: Reading) -> dict[str, Any]:
    return {
        name: reading.value,
        f"{name}_quality": reading.quality,
        f"{name}_reason": reading.reason,
        f"{name}_age_s": reading.age_s,
    }


def _shares_values(name: str, parts: tuple[str, ...], shares: Shares) -> dict[str, Any]:
    values = shares.shares or (None,) * len(parts)
    return {
        **{f"{name}_{part}": value for part, value in zip(parts, values, strict=True)},
        f"{name}_quality": shares.quality,
        f"{name}_reason": shares.reason,
        f"{name}_age_s": shares.age_s,
    }


def _estimate_from_row(row: Row[*tuple[Any, ...]]) -> Estimate:
    columns = row._mapping
    shares = tuple(columns[f"emotion_{name}"] for name in EMOTIONS)
    return Estimate(
        t_s=row.t_s,
        stress=_reading_from_row(row, "stress"),
        stress_raw=row.stress_raw,
        face=_reading_from_row(row, "face"),
        voice=_reading_from_row(row, "voice"),
        emotions=None if shares[0] is None else shares,
        levels=_shares_from_row(row, "level", tuple(LEVELS)),
        eyes=_shares_from_row(row, "eyes", EYE_EMOTIONS),
        voice_features=_voice_from_row(row),
        band=None if row.band is None else Band(row.band),
        trajectory=None if row.trajectory is None else Trajectory(row.trajectory),
        window_mean=row.window_mean,
        window_sd=row.window_sd,
        peak_t_s=row.peak_t_s,
        contributions=_contributions_from_row(row),
        newest_sample_s=row.newest_sample_s,
        signals=_signals_from_row(row),
    )


def _contributions_from_row(row: Row[*tuple[Any, ...]]) -> tuple[Contribution, ...]:
    return tuple(Contribution(signal=signal, amount=amount) for signal, amount in row.contributions)


def _signals_from_row(row: Row[*tuple[Any, ...]]) -> tuple[Signal, ...]:
    stored = row.signals or ()  # NULL: not asked for, or stored before there were any
    return tuple(
        Signal(name=name, value=value, quality=quality, reason=Reason(reason), age_s=age_s, z=z)
        for name, value, quality, reason, age_s, z in stored
    )


def _reading_from_row(row: Row[*tuple[Any, ...]], name: str) -> Reading:
    columns = row._mapping
    return Reading(
        value=columns[name],
        quality=columns[f"{name}_quality"],
        reason=Reason(columns[f"{name}_reason"]),
        age_s=columns[f"{name}_age_s"],
    )


def _shares_from_row(row: Row[*tuple[Any, ...]], name: str, parts: tuple[str, ...]) -> Shares:
    columns = row._mapping
    reason = columns[f"{name}_reason"]
    if reason is None:  # stored before there were such shares
        return Shares(shares=None, quality=0.0, reason=Reason.GAP, age_s=0.0)
    values = tuple(columns[f"{name}_{part}"] for part in parts)
    return Shares(
        shares=None if values[0] is None else values,
        quality=columns[f"{name}_quality"],
        reason=Reason(reason),
        age_s=columns[f"{name}_age_s"],
    )


def _voice_from_row(row: Row[*tuple[Any, ...]]) -> VoiceFeatures | None:
    if row.voice_is_silent is None:
        return None
    columns = row._mapping
    values = {name.removeprefix(_VOICE_PREFIX): columns[name] for name in VOICE_COLUMNS}
    return VoiceFeatures(is_silent=row.voice_is_silent, **values)
