"""Links that log somebody in without a password, once, shortly after the server itself made them."""

from collections.abc import Callable

from server.sessions.secrets import hashed, new_secret

LIFETIME_S = 3600.0
MAX_OPEN = 16


class EntryLinks:
    """Open links, kept in memory only: they end with the process.

    Args:
        clock: monotonic clock, seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[str, tuple[str, float]] = {}

    def new(self, user_id: str) -> str:
        """Return the secret of a new link for a user; the oldest of too many open links becomes void."""
        while len(self._open) >= MAX_OPEN:
            del self._open[next(iter(self._open))]
        token = new_secret()
        self._open[hashed(token)] = (user_id, self._clock() + LIFETIME_S)
        return token

    def use(self, token: str) -> str | None:
        """Return the user of a link and make it void; None if it is unknown, used or too old."""
        user_id, until_s = self._open.pop(hashed(token), ("", 0.0))
        return user_id if self._clock() < until_s else None
