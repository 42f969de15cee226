"""Tap tokens: a researcher's access to the streams of one interview, given out by its interviewers."""

from collections.abc import Callable
from datetime import datetime

from server.db import taps as tap_rows
from server.db.engine import Database
from server.errors import Gone, NotAuthenticated, NotFound
from server.sessions.fields import checked_line, collect
from server.sessions.principals import TapPrincipal
from server.sessions.records import TapToken
from server.sessions.secrets import hashed, new_id, new_secret

PREFIX = "tap_"
MAX_LABEL_LENGTH = 80


class TapTokens:
    """Gives out, lists, revokes and reads tap tokens.

    Args:
        database: where they are stored, as hashes.
        now: wall clock, UTC.
        on_revoked: called with the tap's id when its token is revoked, to end the streams that run under it.
    """

    def __init__(self, database: Database, *, now: Callable[[], datetime], on_revoked: Callable[[str], None]) -> None:
        self._database = database
        self._now = now
        self._on_revoked = on_revoked

    async def create(self, interview_id: str, *, label: str) -> tuple[TapToken, str]:
        """Give out a token; returns its record and the secret, which is shown once.

        Raises:
            FieldErrors: the label is empty or over 80 characters.
        """
        with collect() as fields:
            clean = fields.check(
                "label", lambda text: checked_line(text, what="a label", max_length=MAX_LABEL_LENGTH), label
            )
        secret = PREFIX + new_secret()
        token = TapToken(
            id=new_id(),
            interview_id=interview_id,
            label=clean,
            created_at=self._now(),
            revoked_at=None,
            last_used_at=None,
        )
        async with self._database.write() as connection:
            await tap_rows.insert_token(connection, token, hashed(secret))
        return token, secret

    async def of_interview(self, interview_id: str) -> tuple[TapToken, ...]:
        """Return an interview's tokens, newest first, revoked ones too."""
        async with self._database.read() as connection:
            return await tap_rows.of_interview(connection, interview_id)

    async def revoke(self, interview_id: str, tap_id: str) -> None:
        """Make a token void and end what runs under it; harmless twice. Raises NotFound if not of this interview."""
        async with self._database.write() as connection:
            if not await tap_rows.revoke(connection, interview_id, tap_id, self._now()):
                raise NotFound("There is no such tap token.")
        self._on_revoked(tap_id)

    async def require_good(self, tap_id: str) -> None:
        """Pass unless a token was revoked since it was read: between the two, a stream was opened under it.

        Raises:
            Gone: revoked, or gone with its interview.
        """
        async with self._database.read() as connection:
            if not await tap_rows.is_good(connection, tap_id):
                raise Gone("This tap token was revoked.")

    async def read(self, secret: str, interview_id: str) -> TapPrincipal:
        """Return the holder of a tap token of this interview and note its use.

        Raises:
            NotAuthenticated: unknown, or of another interview.
            Gone: revoked.
        """
        async with self._database.write() as connection:
            token = await tap_rows.by_secret(connection, hashed(secret))
            if token is None or token.interview_id != interview_id:
                raise NotAuthenticated("This tap token is not valid here.")
            if token.revoked_at is not None:
                raise Gone("This tap token was revoked.")
            await tap_rows.mark_used(connection, token.id, self._now())
        return TapPrincipal(tap_id=token.id, interview_id=token.interview_id, label=token.label)
