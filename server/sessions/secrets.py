"""Random identifiers and secrets, and the one-way form in which secrets are stored."""

import hashlib
import secrets


def new_id() -> str:
    """Return a fresh identifier for a row: 64 random bits, safe in URLs; not a secret."""
    return secrets.token_hex(8)


def new_secret() -> str:
    """Return a fresh secret of 256 random bits, safe in URLs."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """Return the stored form of a random secret: SHA-256, hex.

    No salt or slow hash is needed because the secrets have 256 random bits; looking one up by its hash also leaks
    nothing useful by timing.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def new_room_id() -> str:
    """Return a fresh unguessable room id: 128 random bits, safe in URLs."""
    return secrets.token_hex(16)
