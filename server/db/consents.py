"""Queries on consents. Rows are added, never changed."""

from collections.abc import Iterable

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.records import Consent, ConsentKind, Purpose
from server.db.schema import consents


async def insert_consents(connection: AsyncConnection, answers: Iterable[Consent]) -> None:
    """Store answers in their order; the database gives them their ids."""
    for answer in answers:
        await connection.execute(
            insert(consents).values(
                participant_id=answer.participant_id,
                kind=answer.kind,
                granted=answer.granted,
                purpose=answer.purpose,
                text_version=answer.text_version,
                text_sha256=answer.text_sha256,
                given_at=answer.given_at,
            )
        )


async def of_participant(connection: AsyncConnection, participant_id: str) -> tuple[Consent, ...]:
    """Return a candidate's answers, oldest first."""
    rows = await connection.execute(
        select(consents).where(consents.c.participant_id == participant_id).order_by(consents.c.id)
    )
    return tuple(
        Consent(
            id=row.id,
            participant_id=row.participant_id,
            kind=ConsentKind(row.kind),
            granted=row.granted,
            purpose=Purpose(row.purpose),
            text_version=row.text_version,
            text_sha256=row.text_sha256,
            given_at=row.given_at,
        )
        for row in rows
    )
