"""Queries on reviews of answers."""

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.records import Review, StoredReview
from server.db.schema import reviews, sessions


async def insert_review(connection: AsyncConnection, made: StoredReview) -> None:
    """Store a review, or why there is none. Raises IntegrityError if the session is gone."""
    review = made.review
    await connection.execute(
        insert(reviews).values(
            session_id=made.session_id,
            asked_s=made.asked_s,
            model=made.model,
            problem=made.problem,
            made_at=made.made_at,
            clarity=review and review.clarity,
            clarity_reason=review and review.clarity_reason,
            structure=review and review.structure,
            structure_reason=review and review.structure_reason,
            quotes=list(review.quotes) if review else [],
        )
    )


async def find_reviews(connection: AsyncConnection, session_id: str) -> tuple[StoredReview, ...]:
    """Return the newest review of each answer of a session, in order of time."""
    query = select(reviews).where(reviews.c.session_id == session_id).order_by(reviews.c.id)
    newest = {row.asked_s: row for row in (await connection.execute(query)).all()}
    return tuple(
        StoredReview(
            session_id=row.session_id,
            asked_s=asked_s,
            model=row.model,
            problem=row.problem,
            made_at=row.made_at,
            review=None
            if row.clarity is None
            else Review(
                clarity=row.clarity,
                clarity_reason=row.clarity_reason,
                structure=row.structure,
                structure_reason=row.structure_reason,
                quotes=tuple(row.quotes),
            ),
        )
        for asked_s, row in sorted(newest.items())
    )


async def count_calls(connection: AsyncConnection, interview_id: str) -> int:
    """Return how many calls an interview's reviews took; each left a row."""
    query = select(func.count()).select_from(reviews.join(sessions)).where(sessions.c.interview_id == interview_id)
    return int((await connection.execute(query)).scalar_one())


async def delete_reviews(connection: AsyncConnection, participant_id: str) -> bool:
    """Remove every review of a candidate's answers, which quote what was said; returns whether there was any."""
    theirs = select(sessions.c.id).where(sessions.c.participant_id == participant_id)
    result = await connection.execute(delete(reviews).where(reviews.c.session_id.in_(theirs)))
    return result.rowcount > 0
