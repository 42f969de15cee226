"""Queries on tap tokens."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.records import TapToken
from server.db.schema import tap_tokens


async def insert_token(connection: AsyncConnection, token: TapToken, token_sha256: str) -> None:
    """Store a new token's record with the hash of its secret."""
    await connection.execute(
        insert(tap_tokens).values(
            id=token.id,
            interview_id=token.interview_id,
            label=token.label,
            token_sha256=token_sha256,
            created_at=token.created_at,
            revoked_at=token.revoked_at,
            last_used_at=token.last_used_at,
        )
    )


async def by_secret(connection: AsyncConnection, token_sha256: str) -> TapToken | None:
    """Return the token with this secret, revoked or not, or None."""
    row = (await connection.execute(select(tap_tokens).where(tap_tokens.c.token_sha256 == token_sha256))).one_or_none()
    return None if row is None else _from_row(row)


async def of_interview(connection: AsyncConnection, interview_id: str) -> tuple[TapToken, ...]:
    """Return an interview's tokens, newest first."""
    rows = await connection.execute(
        select(tap_tokens)
        .where(tap_tokens.c.interview_id == interview_id)
        .order_by(tap_tokens.c.created_at.desc(), tap_tokens.c.id)
    )
    return tuple(_from_row(row) for row in rows)


async def revoke(connection: AsyncConnection, interview_id: str, tap_id: str, now: datetime) -> bool:
    """Make a token void, keeping the first time of it; returns whether the interview has such a token."""
    result = await connection.execute(
        update(tap_tokens)
        .where(tap_tokens.c.id == tap_id, tap_tokens.c.interview_id == interview_id)
        .values(revoked_at=func.coalesce(tap_tokens.c.revoked_at, now))
    )
    return result.rowcount > 0


async def is_good(connection: AsyncConnection, tap_id: str) -> bool:
    """Return whether there is such a token and it was not revoked."""
    row = await connection.execute(
        select(tap_tokens.c.id).where(tap_tokens.c.id == tap_id, tap_tokens.c.revoked_at.is_(None))
    )
    return row.first() is not None


async def mark_used(connection: AsyncConnection, tap_id: str, now: datetime) -> None:
    """Note when a token was used last."""
    await connection.execute(update(tap_tokens).where(tap_tokens.c.id == tap_id).values(last_used_at=now))


def _from_row(row: Row[*tuple[Any, ...]]) -> TapToken:
    return TapToken(
        id=row.id,
        interview_id=row.interview_id,
        label=row.label,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
