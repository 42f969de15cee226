"""Passwords: the policy, and Argon2id hashing in threads."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 200
MAX_PARALLEL_HASHES = 2
"""Each hash takes 64 MiB of memory and tens of milliseconds of a core."""


def password_problem(password: str) -> str | None:
    """Return what is wrong with a new password in plain words, or None."""
    if len(password) < MIN_LENGTH:
        return f"Please use at least {MIN_LENGTH} characters."
    if len(password) > MAX_LENGTH:
        return f"Please use at most {MAX_LENGTH} characters."
    if len(set(password)) < 4:
        return "Please use at least four different characters."
    return None


class Passwords:
    """Argon2id with the library's defaults (RFC 9106, second recommended option).

    Args:
        hasher: with other costs, for tests.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._places = asyncio.Semaphore(MAX_PARALLEL_HASHES)
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        """Return the stored form of a password."""
        async with self._places:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Return whether a password fits; with nothing stored it takes as long and is False."""
        if len(password) > MAX_LENGTH:
            password = ""  # never a valid password, and a long one is not worth hashing
        if self._dummy is None:
            self._dummy = await self.hash("no account has this password")
        async with self._places:
            fits = await asyncio.to_thread(self._fits, stored or self._dummy, password)
        return fits and stored is not None

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
