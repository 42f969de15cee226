"""What the candidate of one room said: stored as it comes, shown to the interviewers."""

import asyncio
import logging
from collections.abc import Callable

from pipeline.language.words import Word
from server.db import words as word_rows
from server.db.engine import IntegrityError, StorageError
from server.sessions.records import StoredWords
from server.sessions.room_messages import Message, caption_message
from server.sessions.room_services import RoomServices

MAX_SHOWN = 150
"""Words that a page gets when it comes in: about a minute."""

_logger = logging.getLogger(__name__)


class RoomWords:
    """Takes words only while the candidate's consent to it stands; none is stored or shown after ``forbid``.

    Args:
        services: of the server.
        show: takes the message ``caption`` for the interviewers.
    """

    def __init__(self, services: RoomServices, *, show: Callable[[Message], None]) -> None:
        self._services = services
        self._show = show
        self._is_allowed = False
        self._writing = asyncio.Lock()

    def allow(self) -> None:
        """Take words from here on."""
        self._is_allowed = True

    def forbid(self) -> None:
        """Take no more words, and let the pages forget those that they have."""
        if self._is_allowed:
            self._is_allowed = False
            self._show(caption_message(None, (), complete=True))

    async def settle(self) -> None:
        """Wait until nothing is being stored any more."""
        async with self._writing:
            pass

    def take(self, session_id: str, words: tuple[Word, ...], transcriber: str, lost_s: float) -> None:
        """Store and show words."""
        if not self._is_allowed:
            return
        self._show(caption_message(session_id, words, lost_s=lost_s))
        if words:
            batch = StoredWords(session_id=session_id, words=words, transcriber=transcriber)
            self._services.tasks.spawn(self._store(batch), name=f"store words {session_id}")

    async def recent(self, session_id: str) -> Message | None:
        """Return the newest words of a session for a page that comes in; None without consent."""
        if not self._is_allowed:
            return None
        await self.settle()
        async with self._services.database.read() as connection:
            words, _ = await word_rows.find_words(connection, session_id, newest=MAX_SHOWN)
        return caption_message(session_id, words, complete=True) if self._is_allowed else None

    async def _store(self, batch: StoredWords) -> None:
        async with self._writing:
            if not self._is_allowed:
                return
            try:
                async with self._services.database.write() as connection:
                    await word_rows.insert_words(connection, batch)
            except IntegrityError:
                _logger.warning("%d words of a deleted session %s", len(batch.words), batch.session_id)
            except StorageError:
                _logger.exception("%d words of session %s could not be stored", len(batch.words), batch.session_id)
