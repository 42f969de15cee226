"""The interview form: from what was typed to checked values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from server.sessions.fields import checked_email, checked_line, checked_name, collect
from server.sessions.records import Purpose

MAX_TITLE_LENGTH = 200
MAX_QUESTION_LENGTH = 500
MAX_QUESTIONS = 50
MAX_INTERVIEWERS = 20
DURATION_MIN = (5, 480)
"""Shortest and longest interview, minutes."""
YEARS = (2000, 2200)
"""First and last year that is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterviewForm:
    """An interview as typed; every field is text."""

    title: str
    candidate_name: str
    candidate_email: str
    scheduled_at: str
    """ISO 8601; without an offset it is local time in ``timezone``."""
    timezone: str = "UTC"
    """IANA name, such as Europe/Berlin."""
    duration_min: str = "45"
    purpose: str = Purpose.PRACTICE
    questions: Sequence[str] = ()
    """In order; empty lines are left out."""
    co_interviewers: Sequence[str] = ()
    """E-mail addresses of accounts, besides the one who schedules; empty ones are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterviewFields:
    """A checked form."""

    title: str
    candidate_name: str
    candidate_email: str
    scheduled_at: datetime
    """UTC."""
    duration_min: int
    purpose: Purpose
    questions: tuple[str, ...]
    co_interviewers: tuple[str, ...]


def check_form(form: InterviewForm) -> InterviewFields:
    """Return the checked values. Raises FieldErrors with a message for each field that cannot be used."""
    with collect() as fields:
        checked = InterviewFields(
            title=fields.check("title", _title, form.title),
            candidate_name=fields.check("candidate_name", checked_name, form.candidate_name),
            candidate_email=fields.check("candidate_email", checked_email, form.candidate_email),
            scheduled_at=fields.check("scheduled_at", lambda text: utc_time(text, form.timezone), form.scheduled_at),
            duration_min=fields.check("duration_min", _duration, form.duration_min),
            purpose=fields.check("purpose", _purpose, form.purpose),
            questions=_filled(form.questions),
            co_interviewers=_filled(form.co_interviewers),
        )
        if len(checked.questions) > MAX_QUESTIONS:
            fields.add("questions", f"Please use at most {MAX_QUESTIONS} questions.")
        if any(len(question) > MAX_QUESTION_LENGTH for question in checked.questions):
            fields.add("questions", f"Please use at most {MAX_QUESTION_LENGTH} characters for a question.")
        if len(checked.co_interviewers) >= MAX_INTERVIEWERS:
            fields.add("co_interviewers", f"At most {MAX_INTERVIEWERS} interviewers can take part.")
        for address in checked.co_interviewers:
            fields.check("co_interviewers", checked_email, address)
    return checked


def utc_time(text: str, timezone: str) -> datetime:
    """Return a typed time in UTC.

    Args:
        text: ISO 8601; an offset in it wins over ``timezone``.
        timezone: IANA name.

    Raises:
        ValueError: not a time, an unknown zone, or a local time that does not exist (clocks go forward).
    """
    try:
        typed = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("Please enter a date and a time.") from None
    if not YEARS[0] <= typed.year <= YEARS[1]:
        raise ValueError(f"Please enter a year between {YEARS[0]} and {YEARS[1]}.")
    if typed.tzinfo is None:
        try:
            zone = ZoneInfo(timezone)
        except (OSError, ValueError, LookupError):  # ZoneInfoNotFoundError is a LookupError
            raise ValueError("This time zone is not known.") from None
        local = typed.replace(tzinfo=zone)
        if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != typed:
            raise ValueError("This time does not exist on that day: the clocks go forward.")
        typed = local
    return typed.astimezone(UTC)


def _title(value: str) -> str:
    return checked_line(value, what="a title", max_length=MAX_TITLE_LENGTH)


def _duration(value: str) -> int:
    low, high = DURATION_MIN
    message = f"Please enter a duration between {low} and {high} minutes."
    try:
        minutes = int(value)
    except ValueError:
        raise ValueError(message) from None
    if not low <= minutes <= high:
        raise ValueError(message)
    return minutes


def _purpose(value: str) -> Purpose:
    try:
        return Purpose(value)
    except ValueError:
        raise ValueError(f"Please choose one of: {', '.join(Purpose)}.") from None


def _filled(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(" ".join(line.split()) for line in lines if line.strip())
