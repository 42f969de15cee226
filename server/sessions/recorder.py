"""Writing estimates as they come."""

import asyncio
import logging
from collections import deque
from itertools import groupby

from server.db import series as series_rows
from server.db.engine import Database, IntegrityError, StorageError
from server.sessions.records import StoredEstimate

MAX_WAITING = 7200
"""Estimates kept in memory while the database does not take them; then the oldest are dropped and counted."""

RETRY_S = 1.0

_logger = logging.getLogger(__name__)


class EstimateRecorder:
    """Writes every session's estimates, in batches of whatever came while the last batch was written.

    ``run`` writes in the background; ``flush`` writes now.

    Args:
        database: where to.
        model_version: stored with each row.
    """

    def __init__(self, database: Database, *, model_version: str) -> None:
        self.dropped = 0
        """Estimates that were not stored."""
        self._database = database
        self._model_version = model_version
        self._waiting: deque[StoredEstimate] = deque()
        self._news = asyncio.Event()
        self._writing = asyncio.Lock()

    def add(self, row: StoredEstimate) -> None:
        """Take an estimate; never blocks."""
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(row)
        self._news.set()

    async def run(self) -> None:
        """Write until cancelled; a database that fails is tried again each second."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self.flush()
            except StorageError:
                _logger.exception("estimates cannot be stored now, %d waiting", len(self._waiting))
                self._news.set()
                await asyncio.sleep(RETRY_S)

    async def flush(self) -> None:
        """Store everything taken so far. Raises StorageError if the database fails; nothing is lost then."""
        async with self._writing:
            batch, self._waiting = self._waiting, deque()
            if not batch:
                return
            try:
                await self._store(list(batch))
            except BaseException:  # cancelled or failed: what came meanwhile goes behind what is still to be stored
                batch.extend(self._waiting)
                self._waiting = batch
                raise

    async def _store(self, rows: list[StoredEstimate]) -> None:
        try:
            await self._insert(rows)
        except IntegrityError:
            await self._insert_by_session(rows)

    async def _insert(self, rows: list[StoredEstimate]) -> None:
        async with self._database.write() as connection:
            await series_rows.insert_estimates(connection, rows, self._model_version)

    async def _insert_by_session(self, rows: list[StoredEstimate]) -> None:
        """Let the rows of a session that was deleted meanwhile not spoil the others."""
        for session_id, group in groupby(sorted(rows, key=lambda row: row.session_id), lambda row: row.session_id):
            of_session = list(group)
            try:
                await self._insert(of_session)
            except IntegrityError:
                self.dropped += len(of_session)
                _logger.warning("%d estimates of session %s could not be stored", len(of_session), session_id)
