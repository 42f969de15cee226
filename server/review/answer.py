"""What a reviewer may answer: a strict schema, checked by hand, with quotes that must have been said."""

import json
import re
from collections.abc import Mapping
from typing import Any

from server.db.records import Review

CLARITY = ("unclear", "partly clear", "clear")
STRUCTURE = ("loose", "partly structured", "structured")
MAX_REASON_CHARS = 300
MAX_QUOTE_CHARS = 300
MAX_QUOTES = 3
MIN_QUOTE_WORDS = 3

_ON_THE_PERSON = re.compile(
    r"\b(hir(e|ed|ing)|employ\w*|personality|intelligen\w*|(dis)?honest\w*|lying|liar|(in)?competen\w*|talent\w*|stupid"
    r"|nervous\w*|anxious\w*|(un)?trustworth\w*|(un)?qualified|suitable)\b",
    re.IGNORECASE,
)
"""Words that a sentence about an answer does not need. A floor, no proof: see docs/words.md."""


class ReviewError(Exception):
    """There is no review; the message says why in words for the interviewer, without any of the transcript."""


SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["clarity", "structure", "quotes"],
    "properties": {
        **{
            name: {
                "type": "object",
                "additionalProperties": False,
                "required": ["level", "reason"],
                "properties": {
                    "level": {"type": "string", "enum": list(levels)},
                    "reason": {"type": "string", "maxLength": MAX_REASON_CHARS},
                },
            }
            for name, levels in (("clarity", CLARITY), ("structure", STRUCTURE))
        },
        "quotes": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_QUOTES,
            "items": {"type": "string", "maxLength": MAX_QUOTE_CHARS},
        },
    },
}
"""The same as ``parse_review`` demands, for endpoints that can hold a model to a schema."""


def parse_review(content: str, said: str) -> Review:
    """Return the review that a model wrote.

    Args:
        content: what it wrote; nothing but one JSON object as in ``SCHEMA``.
        said: the words it was given.

    Raises:
        ReviewError: anything else, or a quote that was not said.
    """
    try:
        answer = json.loads(content, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise ReviewError("The model's reply is not JSON.") from None
    fields = _fields(answer, ("clarity", "structure", "quotes"))
    clarity, clarity_reason = _level(fields["clarity"], CLARITY)
    structure, structure_reason = _level(fields["structure"], STRUCTURE)
    quotes = fields["quotes"]
    if not isinstance(quotes, list) or not 1 <= len(quotes) <= MAX_QUOTES:
        raise ReviewError(f"The model's reply does not have one to {MAX_QUOTES} quotes.")
    checked = tuple(_text(quote, MAX_QUOTE_CHARS) for quote in quotes)
    if not all(_was_said(quote, said) for quote in checked):
        raise ReviewError("The model's reply quotes what was not said.")
    return Review(
        clarity=clarity,
        clarity_reason=clarity_reason,
        structure=structure,
        structure_reason=structure_reason,
        quotes=checked,
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ReviewError("The model's reply has a field twice.")
    return found


def _fields(value: object, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(names):
        raise ReviewError(f"The model's reply does not have exactly these fields: {', '.join(names)}.")
    return value


def _level(value: object, levels: tuple[str, ...]) -> tuple[str, str]:
    fields = _fields(value, ("level", "reason"))
    if fields["level"] not in levels:
        raise ReviewError(f"The model's reply has a level that is none of: {', '.join(levels)}.")
    reason = _text(fields["reason"], MAX_REASON_CHARS)
    if _ON_THE_PERSON.search(reason):
        raise ReviewError("The model's reply speaks about the person instead of the wording.")
    return fields["level"], reason


def _text(value: object, most: int) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > most or "\0" in value:
        raise ReviewError(f"The model's reply has a text that is missing, no text or over {most} characters.")
    if any(0xD800 <= ord(letter) < 0xE000 for letter in value):  # half a character, which no database stores
        raise ReviewError("The model's reply has a text that cannot be stored.")
    return value.strip()


def _was_said(quote: str, said: str) -> bool:
    """Return whether a quote is a run of whole words of what was said, but for spaces and capitals."""
    words = quote.casefold().split()
    return len(words) >= MIN_QUOTE_WORDS and f" {' '.join(words)} " in f" {' '.join(said.casefold().split())} "
