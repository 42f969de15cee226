"""Consents: stored answers, and what holds at the moment."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from server.db import consents as consent_rows
from server.db import interviews as interview_rows
from server.db import reviews as review_rows
from server.db import words as word_rows
from server.db.engine import Database
from server.errors import Conflict, NotFound
from server.sessions.consenttexts import consent_text
from server.sessions.records import Consent, ConsentKind, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentState:
    """What a candidate agrees to now."""

    granted: frozenset[ConsentKind]
    answered: frozenset[ConsentKind]
    """Kinds with an answer for this purpose, yes or no."""

    def has(self, kind: ConsentKind) -> bool:
        """Return whether this consent stands."""
        return kind in self.granted


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer as it comes from a page."""

    kind: ConsentKind
    granted: bool
    text_version: str


class Consents:
    """Stores answers and tells which stand. The live room acts on them: store through ``LiveRooms``.

    Args:
        database: where answers are stored; none is ever changed or removed while the interview exists.
        now: wall clock, UTC.
    """

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    async def store(self, participant_id: str, interview_id: str, answers: Iterable[Answer]) -> ConsentState:
        """Store answers and return what holds then.

        A no to the transcription deletes what was written down, from the database's log too.

        Raises:
            Conflict: a yes to a text that is not the present one; the page must show it again. Every no is stored.
            NotFound: no such interview.
        """
        was_deleted = False
        async with self._database.write() as connection:
            interview = await interview_rows.get(connection, interview_id)
            if interview is None:
                raise NotFound("This interview does not exist any more.")
            purpose, answers = interview.purpose, tuple(answers)
            is_outdated = any(answer.granted and not _is_shown(answer, purpose) for answer in answers)
            kept = [answer for answer in answers if not (is_outdated and answer.granted)]
            await consent_rows.insert_consents(connection, [self._row(participant_id, purpose, item) for item in kept])
            if any(item.kind is ConsentKind.TRANSCRIPTION and not item.granted for item in kept):
                had_words = await word_rows.delete_words(connection, participant_id)
                had_reviews = await review_rows.delete_reviews(connection, participant_id)
                was_deleted = had_words or had_reviews
            stored = await consent_rows.of_participant(connection, participant_id)
        if was_deleted:
            await self._database.scrub()
        if is_outdated:
            raise Conflict("The consent text has changed. Please reload the page and read it again.")
        return current(stored, purpose)

    async def state(self, participant_id: str, purpose: Purpose) -> ConsentState:
        """Return what holds for an interview of this purpose."""
        return current(await self.history(participant_id), purpose)

    async def history(self, participant_id: str) -> tuple[Consent, ...]:
        """Return every answer, oldest first."""
        async with self._database.read() as connection:
            return await consent_rows.of_participant(connection, participant_id)

    def _row(self, participant_id: str, purpose: Purpose, answer: Answer) -> Consent:
        return Consent(
            id=0,
            participant_id=participant_id,
            kind=answer.kind,
            granted=answer.granted,
            purpose=purpose,
            text_version=answer.text_version,
            text_sha256=consent_text(answer.kind, purpose).sha256 if _is_shown(answer, purpose) else "",
            given_at=self._now(),
        )


def _is_shown(answer: Answer, purpose: Purpose) -> bool:
    """Return whether the answer was given to the present text."""
    return answer.text_version == consent_text(answer.kind, purpose).version


def current(answers: Iterable[Consent], purpose: Purpose) -> ConsentState:
    """Return what holds for a purpose: the newest answer of each kind that was given for it."""
    newest = {answer.kind: answer.granted for answer in answers if answer.purpose is purpose}
    return ConsentState(
        granted=frozenset(kind for kind, granted in newest.items() if granted), answered=frozenset(newest)
    )
