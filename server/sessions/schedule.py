"""Scheduled interviews: create, list, read, edit, cancel, delete, and who takes part."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from server.db import interviews as interview_rows
from server.db import participants as participant_rows
from server.db import users as user_rows
from server.db.engine import AsyncConnection, Database
from server.errors import Conflict, FieldErrors, NotFound
from server.protocol import Role
from server.sessions.fields import checked_email, collect
from server.sessions.forms import MAX_INTERVIEWERS, InterviewFields, InterviewForm, check_form
from server.sessions.records import Interview, InterviewStatus, Participant, Question, User
from server.sessions.secrets import new_id, new_room_id


class RoomControl(Protocol):
    """What a change of the schedule does to a running room (server/sessions/live.py: LiveRooms)."""

    async def evict(self, interview_id: str, reason: str) -> None:
        """Send everybody away, for one of the reasons of the event ``bye``."""

    async def refresh(self, interview_id: str) -> None:
        """Read the interview again and tell everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterviewDetails:
    """An interview with all that belongs to its page."""

    interview: Interview
    candidate: Participant
    interviewers: tuple[User, ...]
    """The one who scheduled it first."""
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateInterview:
    """An interview as its candidate may see it in a list."""

    interview: Interview
    candidate: Participant
    interviewers: tuple[str, ...]
    """Names."""


class Schedule:
    """The interviews of every account. Methods that take a user answer NotFound to anyone who is not a member.

    Args:
        database: where they are stored.
        now: wall clock, UTC.
        rooms: is told about changes that concern people in a room.
    """

    def __init__(self, database: Database, *, now: Callable[[], datetime], rooms: RoomControl) -> None:
        self._database = database
        self._now = now
        self._rooms = rooms

    async def create(self, user: User, form: InterviewForm) -> InterviewDetails:
        """Schedule an interview.

        Raises:
            FieldErrors: with a message for each field that cannot be used.
        """
        fields = check_form(form)
        now = self._now()
        interview = Interview(
            id=new_id(),
            title=fields.title,
            candidate_name=fields.candidate_name,
            candidate_email=fields.candidate_email,
            scheduled_at=fields.scheduled_at,
            duration_min=fields.duration_min,
            purpose=fields.purpose,
            room_id=new_room_id(),
            status=InterviewStatus.SCHEDULED,
            link_version=1,
            created_by=user.id,
            created_at=now,
        )
        candidate = self._candidate(interview)
        async with self._database.write() as connection:
            members = await self._members(connection, user, fields)
            await interview_rows.insert_interview(connection, interview)
            await participant_rows.insert_participant(connection, candidate)
            await interview_rows.set_interviewers(connection, interview.id, [member.id for member in members])
            await interview_rows.set_questions(connection, interview.id, _questions(interview.id, fields))
        return await self.get(user, interview.id)

    async def list_for_interviewer(self, user: User) -> tuple[Interview, ...]:
        """Return the interviews a user takes part in as an interviewer, latest time first."""
        async with self._database.read() as connection:
            return await interview_rows.of_interviewer(connection, user.id)

    async def list_for_candidate(self, user: User) -> tuple[CandidateInterview, ...]:
        """Return the interviews whose join link a user has opened with this account.

        An e-mail alone proves nothing: whoever holds one join link can make the account of its address.
        """
        async with self._database.read() as connection:
            found = await interview_rows.of_candidate(connection, user.id)
            return tuple(
                [
                    CandidateInterview(
                        interview=interview,
                        candidate=await participant_rows.candidate_of(connection, interview.id),
                        interviewers=tuple(
                            member.name for member in await interview_rows.interviewers(connection, interview.id)
                        ),
                    )
                    for interview in found
                ]
            )

    async def get(self, user: User, interview_id: str) -> InterviewDetails:
        """Return an interview to one of its interviewers. Raises NotFound for everybody else."""
        async with self._database.read() as connection:
            return await _details(connection, await _of_member(connection, user, interview_id))

    async def details(self, interview_id: str) -> InterviewDetails:
        """Return an interview for the holder of its join link, or for the server itself. Raises NotFound."""
        async with self._database.read() as connection:
            interview = await interview_rows.get(connection, interview_id)
            if interview is None:
                raise NotFound("This interview does not exist.")
            return await _details(connection, interview)

    async def edit(self, user: User, interview_id: str, form: InterviewForm) -> InterviewDetails:
        """Change an interview that nobody has begun.

        Another purpose voids the consents that were given for the old one. Another e-mail is another candidate, who
        gets a join link of their own and is asked anew.

        Raises:
            NotFound: not a member.
            Conflict: it is live or over.
            FieldErrors: with a message for each field that cannot be used.
        """
        fields = check_form(form)
        async with self._database.write() as connection:
            interview = await _of_member(connection, user, interview_id)
            if interview.status not in (InterviewStatus.SCHEDULED, InterviewStatus.WAITING):
                raise Conflict("This interview has begun or is over; it cannot be changed any more.")
            owner = await user_rows.get(connection, interview.created_by)
            members = await self._members(connection, owner or user, fields)
            changed = replace(
                interview,
                title=fields.title,
                candidate_name=fields.candidate_name,
                candidate_email=fields.candidate_email,
                scheduled_at=fields.scheduled_at,
                duration_min=fields.duration_min,
                purpose=fields.purpose,
            )
            if changed.candidate_email != interview.candidate_email:
                changed = replace(changed, link_version=interview.link_version + 1)
                await participant_rows.replace_candidate(connection, self._candidate(changed))
            await interview_rows.update_interview(connection, changed)
            await participant_rows.rename_candidate(connection, interview_id, fields.candidate_name)
            await interview_rows.set_interviewers(connection, interview_id, [member.id for member in members])
            await interview_rows.set_questions(connection, interview_id, _questions(interview_id, fields))
            details = await _details(connection, changed)
        await self._rooms.refresh(interview_id)
        if changed.candidate_email != interview.candidate_email:
            await self._database.scrub()  # the candidate before is gone
        return details

    async def add_interviewer(self, user: User, interview_id: str, *, email: str) -> InterviewDetails:
        """Invite another account to an interview; harmless if it takes part already.

        Raises:
            NotFound: not a member.
            Conflict: the interview is over.
            FieldErrors: no interviewer has this e-mail, or there are too many.
        """
        with collect() as fields:
            address = fields.check("email", checked_email, email)
        async with self._database.write() as connection:
            interview = await _of_member(connection, user, interview_id)
            if interview.status.is_over:
                raise Conflict("This interview is over.")
            member = await _interviewer_by_email(connection, address, field="email")
            members = [known.id for known in await interview_rows.interviewers(connection, interview_id)]
            if member.id not in members and len(members) >= MAX_INTERVIEWERS:
                raise FieldErrors({"email": f"At most {MAX_INTERVIEWERS} interviewers can take part."})
            await interview_rows.set_interviewers(connection, interview_id, dict.fromkeys([*members, member.id]))
            return await _details(connection, interview)

    async def renew_join_link(self, user: User, interview_id: str) -> InterviewDetails:
        """Make every earlier join link void; whoever came by one is put out and their account does not list it.

        Raises:
            NotFound: not a member.
            Conflict: it is over.
        """
        async with self._database.write() as connection:
            interview = await _of_member(connection, user, interview_id)
            if interview.status.is_over:
                raise Conflict("This interview is over.")
            changed = replace(interview, link_version=interview.link_version + 1)
            await interview_rows.update_interview(connection, changed)
            candidate = await participant_rows.candidate_of(connection, interview_id)
            await participant_rows.link_user(connection, candidate.id, None)
            details = await _details(connection, changed)
        await self._rooms.refresh(interview_id)
        return details

    async def cancel(self, user: User, interview_id: str) -> None:
        """Call an interview off; people in its room are sent away.

        Raises:
            NotFound: not a member.
            Conflict: it has ended.
        """
        async with self._database.write() as connection:
            interview = await _of_member(connection, user, interview_id)
            if interview.status is InterviewStatus.ENDED:
                raise Conflict("This interview has ended.")
            await interview_rows.set_status(connection, interview_id, InterviewStatus.CANCELLED)
        await self._rooms.evict(interview_id, "cancelled")

    async def delete(self, user: User, interview_id: str) -> None:
        """Erase an interview and everything that belongs to it. Raises NotFound for non-members."""
        async with self._database.write() as connection:
            interview = await _of_member(connection, user, interview_id)
            if not interview.status.is_over:  # so that nobody can come back in before it is gone
                await interview_rows.set_status(connection, interview_id, InterviewStatus.CANCELLED)
        await self._rooms.evict(interview_id, "cancelled")
        async with self._database.write() as connection:
            await interview_rows.delete_interview(connection, interview_id)
        await self._database.scrub()

    async def link_candidate(self, user: User, participant: Participant) -> None:
        """Note that a candidate has this account."""
        async with self._database.write() as connection:
            await participant_rows.link_user(connection, participant.id, user.id)

    async def interviewer_participant(self, user: User, interview_id: str) -> Participant:
        """Return the user's participant in an interview, made on first use. Raises NotFound for non-members."""
        async with self._database.write() as connection:
            await _of_member(connection, user, interview_id)
            known = await participant_rows.of_user(connection, interview_id, user.id, Role.INTERVIEWER)
            if known is not None:
                return known
            participant = Participant(
                id=new_id(),
                interview_id=interview_id,
                role=Role.INTERVIEWER,
                name=user.name,
                user_id=user.id,
                admitted_at=None,
                created_at=self._now(),
            )
            await participant_rows.insert_participant(connection, participant)
            return participant

    def _candidate(self, interview: Interview) -> Participant:
        """Return a new candidate for an interview."""
        return Participant(
            id=new_id(),
            interview_id=interview.id,
            role=Role.CANDIDATE,
            name=interview.candidate_name,
            user_id=None,
            admitted_at=None,
            created_at=self._now(),
        )

    async def _members(self, connection: AsyncConnection, owner: User, fields: InterviewFields) -> list[User]:
        members = {owner.id: owner}
        for address in fields.co_interviewers:
            member = await _interviewer_by_email(connection, address.lower(), field="co_interviewers")
            members[member.id] = member
        return list(members.values())


async def _of_member(connection: AsyncConnection, user: User, interview_id: str) -> Interview:
    interview = await interview_rows.get(connection, interview_id)
    if interview is None or not await interview_rows.is_interviewer(connection, interview_id, user.id):
        raise NotFound("This interview does not exist.")
    return interview


async def _details(connection: AsyncConnection, interview: Interview) -> InterviewDetails:
    return InterviewDetails(
        interview=interview,
        candidate=await participant_rows.candidate_of(connection, interview.id),
        interviewers=await interview_rows.interviewers(connection, interview.id),
        questions=await interview_rows.find_questions(connection, interview.id),
    )


async def _interviewer_by_email(connection: AsyncConnection, email: str, *, field: str) -> User:
    found = await user_rows.with_password(connection, email)
    if found is None or found[0].role is not Role.INTERVIEWER:
        raise FieldErrors({field: f"No interviewer has an account with the e-mail {email}."})
    return found[0]


def _questions(interview_id: str, fields: InterviewFields) -> list[Question]:
    return [
        Question(id=new_id(), interview_id=interview_id, position=i, text=text)
        for i, text in enumerate(fields.questions)
    ]
