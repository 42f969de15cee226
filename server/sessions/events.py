"""Reading what pages send: the checks of protocol.CLIENT_EVENTS in one place."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.errors import BadRequest, ComposureError, Conflict, Forbidden
from server.protocol import CLIENT_EVENTS, CLIENT_ID, Field, Role
from server.sessions.fields import is_storable

MAX_SETTINGS = 40
"""How many entries the page's device settings may have."""

MAX_SETTING_LENGTH = 200
"""Characters of a name or a text in them."""

MAX_NUMBER = 2**53
"""Larger whole numbers are not the same in every language (RFC 8259 section 6), and none is meant."""

_TYPE_NAMES = {str: "text", float: "a number", bool: "true or false", dict: "an object"}


class Refused(Conflict):
    """Something a page asked for is not possible now. ``code`` is for the page, the message for the person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMessage:
    """A message that passed the checks."""

    type: str
    fields: Mapping[str, Any]
    """Absent optional fields are None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The first message of a page."""

    token: str
    """An access token, not yet checked."""
    since_s: float | None
    """Newest estimate the page has."""
    session_id: str | None
    """Session of that estimate."""


def read_hello(raw: object) -> Hello:
    """Read the first message. Raises BadRequest if it is anything else than a well-formed ``hello``."""
    message = _as_object(raw)
    if message.get("type") != "hello":
        raise BadRequest("The first message must be hello.")
    fields = _read_fields("hello", message)
    return Hello(token=fields["token"], since_s=fields["since_s"], session_id=fields["session_id"])


def read_message(raw: object, role: Role) -> ClientMessage:
    """Read a message of a page.

    Raises:
        BadRequest: not an object, an unknown type, or a field that is missing, unknown or malformed.
        Forbidden: the type is not for this role.
    """
    message = _as_object(raw)
    name = message.get("type")
    event = CLIENT_EVENTS.get(name) if isinstance(name, str) else None
    if event is None or name == "hello":
        raise BadRequest("This type of message is not known.")
    if role not in event.roles:
        raise Forbidden("You may not do this.")
    return ClientMessage(type=str(name), fields=_read_fields(str(name), message))


def error_message(error: ComposureError, *, about: object = None) -> dict[str, Any]:
    """Return an error as the event ``error``.

    Args:
        error: what is wrong.
        about: the message of a page that it answers, as received; its ``client_id`` is given back.
    """
    message = {"type": "error", "code": error_code(error), "message": error.message}
    client_id = about.get("client_id") if isinstance(about, dict) else None
    if isinstance(client_id, str) and re.fullmatch(CLIENT_ID.pattern, client_id):
        message["client_id"] = client_id
    return message


def error_code(error: ComposureError) -> str:
    """Return a Refused's code, else the error's class in snake case, such as ``bad_request``."""
    if isinstance(error, Refused):
        return error.code
    name = type(error).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _as_object(raw: object) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise BadRequest("A message must be a JSON object.")
    return raw


def _read_fields(name: str, message: Mapping[str, Any]) -> dict[str, Any]:
    known = CLIENT_EVENTS[name].fields
    unknown = set(message) - set(known) - {"type"}
    if unknown:
        raise BadRequest(f"The message {name} has an unknown field.")
    return {field: _read_field(field, rule, message.get(field)) for field, rule in known.items()}


def _read_field(name: str, rule: Field, value: Any) -> Any:
    if value is None:
        if rule.required:
            raise BadRequest(f"The field {name} is missing.")
        return None
    if rule.type is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) <= MAX_NUMBER else math.inf
    if not isinstance(value, rule.type):
        raise BadRequest(f"The field {name} must be {_TYPE_NAMES[rule.type]}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise BadRequest(f"The field {name} must be a finite number.")
    if isinstance(value, str) and len(value) > rule.max_length:
        raise BadRequest(f"The field {name} may have at most {rule.max_length} characters.")
    if isinstance(value, str) and not is_storable(value):
        raise BadRequest(f"The field {name} is no proper text.")
    if isinstance(value, str) and rule.pattern and not re.fullmatch(rule.pattern, value):
        raise BadRequest(f"The field {name} has characters or a length that it may not have.")
    if isinstance(value, dict):
        _check_settings(name, value)
    if rule.choices and value not in rule.choices:
        raise BadRequest(f"The field {name} must be one of: {', '.join(rule.choices)}.")
    return value


def _check_settings(name: str, settings: Mapping[str, Any]) -> None:
    """Raise BadRequest unless it is a flat object of plain values: it is stored, and shown in downloads."""
    if len(settings) > MAX_SETTINGS:
        raise BadRequest(f"The field {name} may have at most {MAX_SETTINGS} entries.")
    for key, value in settings.items():
        if not (_is_plain(key) and _is_plain(value)):
            raise BadRequest(f"The field {name} may hold short texts, numbers, true, false and null only.")


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_SETTING_LENGTH and is_storable(value)
    if isinstance(value, int | float):
        return math.isfinite(value) if isinstance(value, float) else abs(value) <= MAX_NUMBER
    return value is None
