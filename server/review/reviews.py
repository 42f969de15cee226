"""Reviews of a session's answers: asked for by an interviewer, made in the background, one call at a time."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from pipeline.language.answers import answer_between
from server.config import Config
from server.db import annotations as annotation_rows
from server.db import interviews as interview_rows
from server.db import reviews as review_rows
from server.db import words as word_rows
from server.db.engine import Database
from server.errors import Conflict, NotFound
from server.review.answer import ReviewError
from server.review.client import Endpoint, ask_reviewer
from server.sessions.asked import list_asked
from server.sessions.records import Session, SessionStatus, StoredReview
from server.sessions.tasks import TaskSet

MAX_CALLS = 40
"""Of one interview, failed ones too: what its reviews can cost."""
MIN_WORDS = 10
"""Shorter answers are not sent."""

_logger = logging.getLogger(__name__)


class Reviews:
    """Asks the language model that the operator set up; nothing is ever sent without an interviewer's asking."""

    def __init__(self, database: Database, config: Config, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._endpoint = Endpoint(url=config.review_url, model=config.review_model, key=config.review_key)
        self._now = now
        self._tasks = TaskSet()
        self._running: set[str] = set()
        self._one_call = asyncio.Lock()

    def is_running(self, session_id: str) -> bool:
        """Return whether answers of a session are being reviewed."""
        return session_id in self._running

    def start(self, session: Session) -> None:
        """Begin to review the answers that have no review yet, unless that is going on.

        Raises:
            Conflict: no language model is set up, or the session is still running.
        """
        if not self._endpoint.url:
            raise Conflict("No language model is set up on this server.")
        if session.status is SessionStatus.LIVE:
            raise Conflict("This session is still running.")
        if session.id not in self._running:
            self._running.add(session.id)
            self._tasks.spawn(self._review(session), name="review")

    async def settle(self) -> None:
        """Wait for what is being reviewed."""
        await self._tasks.settle()

    async def close(self) -> None:
        """Stop reviewing."""
        await self._tasks.cancel()

    async def _review(self, session: Session) -> None:
        try:
            async with self._database.read() as connection:
                markers = await annotation_rows.find_markers(connection, session.interview_id)
                questions = await interview_rows.find_questions(connection, session.interview_id)
                known = await review_rows.find_reviews(connection, session.id)
            asked = list_asked([item for item in markers if item.session_id == session.id], questions)
            done = {item.asked_s for item in known if item.review is not None}
            for item in asked:
                if item.from_s not in done:
                    async with self._one_call:
                        await self._review_answer(session, item.question.text, item.from_s, item.to_s)
        except (NotFound, IntegrityError):
            _logger.info("the words of a session were deleted while they were reviewed")
        finally:
            self._running.discard(session.id)

    async def _review_answer(self, session: Session, question: str, from_s: float, to_s: float) -> None:
        """Review one answer and store what came of it.

        Raises:
            NotFound: the words are there no more.
            IntegrityError: the session is there no more.
        """
        async with self._database.read() as connection:
            words, _ = await word_rows.find_words(connection, session.id)
            n_calls = await review_rows.count_calls(connection, session.interview_id)
        said = answer_between(words, from_s, to_s)
        if len(said.words) < MIN_WORDS or n_calls >= MAX_CALLS:
            return
        review, problem = None, ""
        try:
            review = await ask_reviewer(self._endpoint, question, said.text)
        except ReviewError as exc:
            problem = str(exc)
        async with self._database.write() as connection:
            # Who withdrew the consent meanwhile has had all words deleted: nothing may come back by this way.
            if not (await word_rows.find_words(connection, session.id, newest=1))[0]:
                raise NotFound("The words are deleted.")
            await review_rows.insert_review(
                connection,
                StoredReview(
                    session_id=session.id,
                    asked_s=from_s,
                    model=self._endpoint.model,
                    review=review,
                    problem=problem,
                    made_at=self._now(),
                ),
            )
