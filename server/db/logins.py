"""Queries on login sessions."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.records import LoginSession, User
from server.db.schema import login_sessions, users
from server.db.users import user_from_row


async def insert_login(connection: AsyncConnection, login: LoginSession, token_sha256: str) -> None:
    """Store a new login session."""
    await connection.execute(
        insert(login_sessions).values(
            id=login.id,
            user_id=login.user_id,
            token_sha256=token_sha256,
            created_at=login.created_at,
            expires_at=login.expires_at,
            browser=login.browser,
        )
    )


async def by_token(connection: AsyncConnection, token_sha256: str, now: datetime) -> tuple[User, LoginSession] | None:
    """Return the login session behind a secret and its user, or None if there is none or it has expired."""
    found = (
        await connection.execute(
            select(login_sessions).where(
                login_sessions.c.token_sha256 == token_sha256, login_sessions.c.expires_at > now
            )
        )
    ).one_or_none()
    if found is None:
        return None
    user = (await connection.execute(select(users).where(users.c.id == found.user_id))).one()
    return user_from_row(user), _from_row(found)


async def is_open(connection: AsyncConnection, login_id: str, now: datetime) -> bool:
    """Return whether a login session goes on."""
    row = await connection.execute(
        select(login_sessions.c.id).where(login_sessions.c.id == login_id, login_sessions.c.expires_at > now)
    )
    return row.first() is not None


async def of_user(connection: AsyncConnection, user_id: str, now: datetime) -> tuple[LoginSession, ...]:
    """Return a user's login sessions that have not expired, newest first."""
    rows = await connection.execute(
        select(login_sessions)
        .where(login_sessions.c.user_id == user_id, login_sessions.c.expires_at > now)
        .order_by(login_sessions.c.created_at.desc(), login_sessions.c.id)
    )
    return tuple(_from_row(row) for row in rows)


async def delete_by_token(connection: AsyncConnection, token_sha256: str) -> None:
    """End the login session behind a secret, if there is one."""
    await connection.execute(delete(login_sessions).where(login_sessions.c.token_sha256 == token_sha256))


async def delete_of_user(connection: AsyncConnection, user_id: str, *, except_id: str = "") -> None:
    """End a user's login sessions, except one."""
    await connection.execute(
        delete(login_sessions).where(login_sessions.c.user_id == user_id, login_sessions.c.id != except_id)
    )


async def delete_expired(connection: AsyncConnection, now: datetime) -> None:
    """Remove what has expired."""
    await connection.execute(delete(login_sessions).where(login_sessions.c.expires_at <= now))


def _from_row(row: Row[*tuple[Any, ...]]) -> LoginSession:
    return LoginSession(
        id=row.id, user_id=row.user_id, created_at=row.created_at, expires_at=row.expires_at, browser=row.browser
    )
