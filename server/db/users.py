"""Queries on users and on the one-time setup link."""

from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.records import User
from server.db.schema import settings, users
from server.protocol import Role

SETUP_KEY = "setup_token_sha256"


async def count(connection: AsyncConnection) -> int:
    """Return how many users there are."""
    return int((await connection.execute(select(func.count()).select_from(users))).scalar_one())


async def insert_user(connection: AsyncConnection, user: User, password_hash: str) -> None:
    """Store a new user. Raises sqlalchemy.exc.IntegrityError if the e-mail is taken."""
    await connection.execute(
        insert(users).values(
            id=user.id,
            name=user.name,
            email=user.email.lower(),
            role=user.role,
            is_operator=user.is_operator,
            password_hash=password_hash,
            created_at=user.created_at,
        )
    )


async def get(connection: AsyncConnection, user_id: str) -> User | None:
    """Return a user or None."""
    row = (await connection.execute(select(users).where(users.c.id == user_id))).one_or_none()
    return None if row is None else user_from_row(row)


async def with_password(connection: AsyncConnection, email: str) -> tuple[User, str] | None:
    """Return the user with this e-mail, in any case, and the stored password hash, or None."""
    row = (await connection.execute(select(users).where(users.c.email == email.lower()))).one_or_none()
    return None if row is None else (user_from_row(row), str(row.password_hash))


async def everyone(connection: AsyncConnection) -> tuple[User, ...]:
    """Return all users by name."""
    rows = await connection.execute(select(users).order_by(func.lower(users.c.name), users.c.id))
    return tuple(user_from_row(row) for row in rows)


async def set_password(connection: AsyncConnection, user_id: str, password_hash: str) -> None:
    """Replace a password hash."""
    await connection.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash))


async def setup_hash(connection: AsyncConnection) -> str | None:
    """Return the hash of the setup link's secret, or None when there is no link."""
    return (await connection.execute(select(settings.c.value).where(settings.c.key == SETUP_KEY))).scalar_one_or_none()


async def store_setup_hash(connection: AsyncConnection, token_sha256: str | None) -> None:
    """Replace the hash of the setup link's secret; None removes it."""
    await connection.execute(delete(settings).where(settings.c.key == SETUP_KEY))
    if token_sha256 is not None:
        await connection.execute(insert(settings).values(key=SETUP_KEY, value=token_sha256))


def user_from_row(row: Row[*tuple[Any, ...]]) -> User:
    """Return the user in a row that has the columns of ``users``."""
    return User(
        id=row.id,
        name=row.name,
        email=row.email,
        role=Role(row.role),
        is_operator=row.is_operator,
        created_at=row.created_at,
    )
