"""Queries on interviews, their interviewers and their questions."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.records import Interview, InterviewStatus, Purpose, Question, User
from server.db.schema import interview_interviewers, interviews, participants, questions, users
from server.db.users import user_from_row
from server.protocol import Role


async def insert_interview(connection: AsyncConnection, interview: Interview) -> None:
    """Store a new interview."""
    await connection.execute(insert(interviews).values(**_values(interview)))


async def update_interview(connection: AsyncConnection, interview: Interview) -> None:
    """Replace all that is stored about an interview itself."""
    await connection.execute(update(interviews).where(interviews.c.id == interview.id).values(**_values(interview)))


async def set_status(connection: AsyncConnection, interview_id: str, status: InterviewStatus) -> None:
    """Change where an interview stands."""
    await connection.execute(update(interviews).where(interviews.c.id == interview_id).values(status=status))


async def advance_status(connection: AsyncConnection, interview_id: str, status: InterviewStatus) -> bool:
    """Change where an interview stands unless it is over; returns whether it was changed."""
    over = [known for known in InterviewStatus if known.is_over]
    result = await connection.execute(
        update(interviews)
        .where(interviews.c.id == interview_id, interviews.c.status.not_in(over))
        .values(status=status)
    )
    return result.rowcount > 0


async def delete_interview(connection: AsyncConnection, interview_id: str) -> None:
    """Remove an interview; everything that refers to it goes with it."""
    await connection.execute(delete(interviews).where(interviews.c.id == interview_id))


async def get(connection: AsyncConnection, interview_id: str) -> Interview | None:
    """Return an interview or None."""
    row = (await connection.execute(select(interviews).where(interviews.c.id == interview_id))).one_or_none()
    return None if row is None else _from_row(row)


async def by_room(connection: AsyncConnection, room_id: str) -> Interview | None:
    """Return the interview of a room, or None."""
    row = (await connection.execute(select(interviews).where(interviews.c.room_id == room_id))).one_or_none()
    return None if row is None else _from_row(row)


async def with_status(connection: AsyncConnection, status: InterviewStatus) -> tuple[Interview, ...]:
    """Return the interviews that stand at this point."""
    rows = await connection.execute(select(interviews).where(interviews.c.status == status))
    return tuple(_from_row(row) for row in rows)


async def of_interviewer(connection: AsyncConnection, user_id: str) -> tuple[Interview, ...]:
    """Return the interviews a user conducts, latest time first."""
    mine = select(interview_interviewers.c.interview_id).where(interview_interviewers.c.user_id == user_id)
    rows = await connection.execute(
        select(interviews).where(interviews.c.id.in_(mine)).order_by(interviews.c.scheduled_at.desc(), interviews.c.id)
    )
    return tuple(_from_row(row) for row in rows)


async def of_candidate(connection: AsyncConnection, user_id: str) -> tuple[Interview, ...]:
    """Return the interviews whose candidate joined with this account, latest time first."""
    joined = select(participants.c.interview_id).where(
        participants.c.user_id == user_id, participants.c.role == Role.CANDIDATE
    )
    rows = await connection.execute(
        select(interviews)
        .where(interviews.c.id.in_(joined))
        .order_by(interviews.c.scheduled_at.desc(), interviews.c.id)
    )
    return tuple(_from_row(row) for row in rows)


async def is_interviewer(connection: AsyncConnection, interview_id: str, user_id: str) -> bool:
    """Return whether a user conducts an interview."""
    row = await connection.execute(
        select(interview_interviewers.c.user_id).where(
            interview_interviewers.c.interview_id == interview_id, interview_interviewers.c.user_id == user_id
        )
    )
    return row.first() is not None


async def interviewers(connection: AsyncConnection, interview_id: str) -> tuple[User, ...]:
    """Return who conducts an interview, in the order in which they were named."""
    rows = await connection.execute(
        select(users)
        .join(interview_interviewers, interview_interviewers.c.user_id == users.c.id)
        .where(interview_interviewers.c.interview_id == interview_id)
        .order_by(interview_interviewers.c.position)
    )
    return tuple(user_from_row(row) for row in rows)


async def set_interviewers(connection: AsyncConnection, interview_id: str, user_ids: Iterable[str]) -> None:
    """Replace who conducts an interview."""
    await connection.execute(
        delete(interview_interviewers).where(interview_interviewers.c.interview_id == interview_id)
    )
    rows = [{"interview_id": interview_id, "user_id": name, "position": i} for i, name in enumerate(user_ids)]
    if rows:
        await connection.execute(insert(interview_interviewers), rows)


async def find_questions(connection: AsyncConnection, interview_id: str) -> tuple[Question, ...]:
    """Return an interview's questions in order."""
    rows = await connection.execute(
        select(questions).where(questions.c.interview_id == interview_id).order_by(questions.c.position)
    )
    return tuple(
        Question(id=row.id, interview_id=row.interview_id, position=row.position, text=row.text) for row in rows
    )


async def set_questions(connection: AsyncConnection, interview_id: str, items: Iterable[Question]) -> None:
    """Replace an interview's questions."""
    await connection.execute(delete(questions).where(questions.c.interview_id == interview_id))
    rows = [
        {"id": item.id, "interview_id": interview_id, "position": item.position, "text": item.text} for item in items
    ]
    if rows:
        await connection.execute(insert(questions), rows)


def _values(interview: Interview) -> dict[str, object]:
    return {
        "id": interview.id,
        "title": interview.title,
        "candidate_name": interview.candidate_name,
        "candidate_email": interview.candidate_email.lower(),
        "scheduled_at": interview.scheduled_at,
        "duration_min": interview.duration_min,
        "purpose": interview.purpose,
        "room_id": interview.room_id,
        "status": interview.status,
        "link_version": interview.link_version,
        "created_by": interview.created_by,
        "created_at": interview.created_at,
    }


def _from_row(row: Row[*tuple[Any, ...]]) -> Interview:
    return Interview(
        id=row.id,
        title=row.title,
        candidate_name=row.candidate_name,
        candidate_email=row.candidate_email,
        scheduled_at=row.scheduled_at,
        duration_min=row.duration_min,
        purpose=Purpose(row.purpose),
        room_id=row.room_id,
        status=InterviewStatus(row.status),
        link_version=row.link_version,
        created_by=row.created_by,
        created_at=row.created_at,
    )
