"""Checks for what people type into forms; all problems of a form are told at once."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from server.errors import FieldErrors

MAX_NAME_LENGTH = 100
MAX_EMAIL_LENGTH = 254
"""RFC 5321 section 4.5.3.1.3 leaves 254 characters for an address."""

_EMAIL = re.compile(r"[^@\s<>\",;:]+@[^@\s<>\",;:]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

T = TypeVar("T")


class Problems:
    """Field problems met so far."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}

    def add(self, field: str, message: str) -> None:
        """Note a problem; the first one of a field is kept."""
        self.errors.setdefault(field, message)

    def check(self, field: str, convert: Callable[[str], T], value: str) -> T:
        """Convert a value; a ValueError's text becomes the field's problem.

        After a problem the returned value is unusable, but ``collect`` raises before anyone can use it.
        """
        try:
            return convert(value)
        except ValueError as exc:
            self.add(field, str(exc))
            return None  # type: ignore[return-value]


@contextmanager
def collect() -> Iterator[Problems]:
    """Collect problems in a block and raise them together as FieldErrors at its end."""
    problems = Problems()
    yield problems
    if problems.errors:
        raise FieldErrors(problems.errors)


def is_storable(text: str) -> bool:
    """Return whether every database takes this text: no zero character, and no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def storable(text: str) -> str:
    """Return a text with what no database takes replaced by question marks."""
    return text.encode(errors="replace").decode().replace("\0", "?")


def checked_name(value: str) -> str:
    """Return a person's name, trimmed. Raises ValueError if empty or over 100 characters."""
    return checked_line(value, what="a name", max_length=MAX_NAME_LENGTH)


def checked_email(value: str) -> str:
    """Return an e-mail address in lower case. Raises ValueError if it cannot be one."""
    address = value.strip().lower()
    if len(address) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(address):
        raise ValueError("Please enter an e-mail address like name@example.org.")
    return address


def checked_line(value: str, *, what: str, max_length: int) -> str:
    """Return one line of text, trimmed, control characters as spaces. Raises ValueError if empty or too long."""
    line = " ".join(_CONTROL.sub(" ", value).split())
    if not line:
        raise ValueError(f"Please enter {what}.")
    if len(line) > max_length:
        raise ValueError(f"Please use at most {max_length} characters.")
    return line
