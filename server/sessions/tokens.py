"""Join links and access tokens: signed, expiring, with a stated scope.

Both are JWTs signed with HS256 under one key kept in ``<data_dir>/secret.key``; the audience tells them apart. When a
join link ends is not in it but follows from the stored interview, which may be moved.
"""

import os
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt

from server.db import interviews as interview_rows
from server.db import participants as participant_rows
from server.db.engine import Database
from server.errors import Gone, NotAuthenticated, NotFound
from server.protocol import Role
from server.sessions.principals import AccessPrincipal, Grant, JoinPrincipal
from server.sessions.records import Interview, InterviewStatus, Participant

ACCESS_LIFETIME = timedelta(minutes=10)
JOIN_GRACE = timedelta(days=7)
"""A join link works until this long after the planned end."""

_ALGORITHM = "HS256"
_JOIN = "composure:join"
_ACCESS = "composure:access"
_KEY_BYTES = 32


def load_key(data_dir: Path) -> bytes:
    """Return the server's secret key, made on first use and readable by its owner alone.

    Raises:
        ValueError: the file exists but does not hold a key.
    """
    path = data_dir / "secret.key"
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) != _KEY_BYTES:
            raise ValueError(f"{path} must hold {_KEY_BYTES} bytes but holds {len(key)}") from None
        return key
    key = secrets.token_bytes(_KEY_BYTES)
    with os.fdopen(handle, "wb") as file:
        file.write(key)
    return key


class Tokens:
    """Makes and reads signed tokens.

    Args:
        key: 32 secret bytes, see ``load_key``.
        database: to look up what a join link names.
        now: wall clock, UTC.
    """

    def __init__(self, key: bytes, database: Database, *, now: Callable[[], datetime]) -> None:
        self._key = key
        self._database = database
        self._now = now

    # --- join links ---

    def join_token(self, interview: Interview, participant: Participant) -> str:
        """Return the token of a candidate's join link; the same one until the link is renewed.

        It is good until a week after the planned end, also when that is moved.
        """
        return self._sign(
            {"aud": _JOIN, "sub": participant.id, "interview": interview.id, "version": interview.link_version}
        )

    async def read_join(self, token: str, *, may_be_closed: bool = False) -> JoinPrincipal:
        """Return the holder of a join link.

        Args:
            token: the link's.
            may_be_closed: also return the holder of a link that lets nobody in any more, with the reason: the interview
                was cancelled, or is over since a week.

        Raises:
            NotFound: not a join link of this server, or the interview was deleted.
            Gone: replaced by a newer link; or, unless it may be closed, expired or the interview was cancelled.
        """
        claims = self._claims(token, _JOIN)
        if claims is None:
            raise NotFound("This link is not valid. Please ask for the link again.")
        async with self._database.read() as connection:
            interview = await interview_rows.get(connection, str(claims["interview"]))
            participant = await participant_rows.get(connection, str(claims["sub"]))
        if interview is None:
            raise NotFound("This interview does not exist any more.")
        if participant is None or interview.link_version != claims["version"]:
            raise Gone("This link was replaced by a newer one. Please ask the interviewer for it.")
        why_closed = self._why_closed(interview)
        if why_closed and not may_be_closed:
            raise Gone(why_closed)
        return JoinPrincipal(interview=interview, participant=participant, why_closed=why_closed)

    def _why_closed(self, interview: Interview) -> str:
        if interview.status is InterviewStatus.CANCELLED:
            return "This interview was cancelled."
        end = interview.scheduled_at + timedelta(minutes=interview.duration_min)
        if self._now() >= end + JOIN_GRACE:
            return "This link has expired. Please ask the interviewer for a new one."
        return ""

    # --- access tokens ---

    def access_token(
        self, participant: Participant, interview: Interview, grants: Iterable[Grant], *, login_id: str | None = None
    ) -> str:
        """Return a token for a participant's page, good for ten minutes.

        A candidate's ends with the join link that is good now, an interviewer's with the login session it names.
        """
        return self._sign(
            {
                "aud": _ACCESS,
                "sub": participant.id,
                "room": interview.room_id,
                "role": str(participant.role),
                "grants": sorted(grants),
                "link": interview.link_version,
                "login": login_id,
                "exp": int((self._now() + ACCESS_LIFETIME).timestamp()),
                "jti": secrets.token_hex(8),
            }
        )

    def read_access(self, token: str) -> AccessPrincipal:
        """Return the holder of an access token. Raises NotAuthenticated if it is not ours or has expired."""
        claims = self._claims(token, _ACCESS, "exp")
        if claims is None:
            raise NotAuthenticated("This access token is not valid.")
        if claims["exp"] <= self._now().timestamp():
            raise NotAuthenticated("This access token has expired; get a new one.")
        return AccessPrincipal(
            participant_id=claims["sub"],
            room_id=claims["room"],
            role=Role(claims["role"]),
            grants=frozenset(Grant(name) for name in claims["grants"]),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            jti=claims["jti"],
            link_version=claims["link"],
            login_id=claims["login"],
        )

    def _sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def _claims(self, token: str, audience: str, *needed: str) -> dict[str, Any] | None:
        try:
            # Expiry is checked by those who read claims, against the clock that was handed in.
            return jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=audience,
                options={"verify_exp": False, "require": ["aud", "sub", *needed]},
            )
        # PyJWT lets through what its JSON and UTF-8 decoders raise for headers that are no token's.
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            return None
