"""Queries on the people in interviews."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.records import Participant
from server.db.schema import participants
from server.protocol import Role


async def insert_participant(connection: AsyncConnection, participant: Participant) -> None:
    """Store a new participant."""
    await connection.execute(
        insert(participants).values(
            id=participant.id,
            interview_id=participant.interview_id,
            role=participant.role,
            name=participant.name,
            user_id=participant.user_id,
            admitted_at=participant.admitted_at,
            created_at=participant.created_at,
        )
    )


async def get(connection: AsyncConnection, participant_id: str) -> Participant | None:
    """Return a participant or None."""
    row = (await connection.execute(select(participants).where(participants.c.id == participant_id))).one_or_none()
    return None if row is None else _from_row(row)


async def candidate_of(connection: AsyncConnection, interview_id: str) -> Participant:
    """Return the candidate of an interview that exists: every interview has exactly one."""
    row = await connection.execute(
        select(participants).where(participants.c.interview_id == interview_id, participants.c.role == Role.CANDIDATE)
    )
    return _from_row(row.one())


async def of_interview(connection: AsyncConnection, interview_id: str) -> tuple[Participant, ...]:
    """Return everybody who is or was in an interview, oldest first."""
    rows = await connection.execute(
        select(participants)
        .where(participants.c.interview_id == interview_id)
        .order_by(participants.c.created_at, participants.c.id)
    )
    return tuple(_from_row(row) for row in rows)


async def of_user(connection: AsyncConnection, interview_id: str, user_id: str, role: Role) -> Participant | None:
    """Return a user's participant in an interview, or None."""
    row = await connection.execute(
        select(participants).where(
            participants.c.interview_id == interview_id,
            participants.c.user_id == user_id,
            participants.c.role == role,
        )
    )
    found = row.one_or_none()
    return None if found is None else _from_row(found)


async def rename_candidate(connection: AsyncConnection, interview_id: str, name: str) -> None:
    """Change the candidate's name."""
    await connection.execute(
        update(participants)
        .where(participants.c.interview_id == interview_id, participants.c.role == Role.CANDIDATE)
        .values(name=name)
    )


async def replace_candidate(connection: AsyncConnection, candidate: Participant) -> None:
    """Put another person in the candidate's place; the one before goes with all their answers."""
    await connection.execute(
        delete(participants).where(
            participants.c.interview_id == candidate.interview_id, participants.c.role == Role.CANDIDATE
        )
    )
    await insert_participant(connection, candidate)


async def link_user(connection: AsyncConnection, participant_id: str, user_id: str | None) -> None:
    """Note the account of a participant, None for no account any more."""
    await connection.execute(update(participants).where(participants.c.id == participant_id).values(user_id=user_id))


async def set_admitted(connection: AsyncConnection, participant_id: str, admitted_at: datetime | None) -> None:
    """Note when a candidate was let in; None when they left."""
    await connection.execute(
        update(participants).where(participants.c.id == participant_id).values(admitted_at=admitted_at)
    )


async def set_device_settings(connection: AsyncConnection, participant_id: str, settings: Mapping[str, Any]) -> None:
    """Keep what a browser reported about its sound processing."""
    await connection.execute(
        update(participants).where(participants.c.id == participant_id).values(device_settings=dict(settings))
    )


async def device_settings(connection: AsyncConnection, participant_id: str) -> Mapping[str, Any] | None:
    """Return what a participant's browser reported last, or None."""
    query = select(participants.c.device_settings).where(participants.c.id == participant_id)
    found: Mapping[str, Any] | None = (await connection.execute(query)).scalar_one_or_none()
    return found


def _from_row(row: Row[*tuple[Any, ...]]) -> Participant:
    return Participant(
        id=row.id,
        interview_id=row.interview_id,
        role=Role(row.role),
        name=row.name,
        user_id=row.user_id,
        admitted_at=row.admitted_at,
        created_at=row.created_at,
    )
