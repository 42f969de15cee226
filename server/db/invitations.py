"""Queries on invitations to make an account."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.records import Invitation
from server.db.schema import invitations
from server.protocol import Role


async def insert_invitation(
    connection: AsyncConnection, invitation: Invitation, token_sha256: str, *, invited_by: str
) -> None:
    """Store a new invitation."""
    await connection.execute(
        insert(invitations).values(
            id=invitation.id,
            token_sha256=token_sha256,
            email=invitation.email,
            role=invitation.role,
            invited_by=invited_by,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
            used_at=invitation.used_at,
        )
    )


async def by_token(connection: AsyncConnection, token_sha256: str) -> Invitation | None:
    """Return the invitation behind a secret, or None."""
    row = (
        await connection.execute(select(invitations).where(invitations.c.token_sha256 == token_sha256))
    ).one_or_none()
    return None if row is None else _from_row(row)


async def unused(connection: AsyncConnection) -> tuple[Invitation, ...]:
    """Return the invitations that were not used, expired ones too, newest first."""
    rows = await connection.execute(
        select(invitations)
        .where(invitations.c.used_at.is_(None))
        .order_by(invitations.c.created_at.desc(), invitations.c.id)
    )
    return tuple(_from_row(row) for row in rows)


async def mark_used(connection: AsyncConnection, invitation_id: str, now: datetime) -> None:
    """Note that an invitation did its work."""
    await connection.execute(update(invitations).where(invitations.c.id == invitation_id).values(used_at=now))


async def delete_unused(connection: AsyncConnection, invitation_id: str) -> bool:
    """Remove an invitation that was not used; returns whether there was one."""
    result = await connection.execute(
        delete(invitations).where(invitations.c.id == invitation_id, invitations.c.used_at.is_(None))
    )
    return result.rowcount > 0


def _from_row(row: Row[*tuple[Any, ...]]) -> Invitation:
    return Invitation(
        id=row.id,
        email=row.email,
        role=Role(row.role),
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )
