"""The tables. Changing one means a new migration in server/db/migrations/versions."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import JSON, TypeDecorator

from pipeline.levels import LEVELS
from pipeline.types import EMOTIONS, EYE_EMOTIONS

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A time of day, aware and UTC in Python; PostgreSQL keeps the zone, SQLite stores UTC without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC. Raises ValueError for a naive time, whose meaning nobody can know."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _id() -> Column[Any]:
    return Column("id", String(32), primary_key=True)


def _owner(name: str, target: str, *, nullable: bool = False, index: bool = True) -> Column[Any]:
    """Return a reference to a row without which this one has no reason to exist."""
    return Column(name, String(32), ForeignKey(target, ondelete="CASCADE"), nullable=nullable, index=index)


def _time(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, UtcDateTime, nullable=nullable)


def _short(name: str, length: int = 20) -> Column[Any]:
    return Column(name, String(length), nullable=False)


settings = Table(
    "settings",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

users = Table(
    "users",
    metadata,
    _id(),
    _short("name", 100),
    Column("email", String(254), nullable=False, unique=True),
    _short("role"),
    Column("is_operator", Boolean, nullable=False),
    Column("password_hash", String(255), nullable=False),
    _time("created_at"),
    # Addresses are stored in lower case, which makes them unique in any case.
    CheckConstraint("email = lower(email)", name="email_lower"),
)

login_sessions = Table(
    "login_sessions",
    metadata,
    _id(),
    _owner("user_id", "users.id"),
    Column("token_sha256", String(64), nullable=False, unique=True),
    _time("created_at"),
    _time("expires_at"),
    _short("browser", 200),
)

invitations = Table(
    "invitations",
    metadata,
    _id(),
    Column("token_sha256", String(64), nullable=False, unique=True),
    _short("email", 254),
    _short("role"),
    _owner("invited_by", "users.id", index=False),
    _time("created_at"),
    _time("expires_at"),
    _time("used_at", nullable=True),
)

interviews = Table(
    "interviews",
    metadata,
    _id(),
    _short("title", 200),
    _short("candidate_name", 100),
    _short("candidate_email", 254),
    _time("scheduled_at"),
    Column("duration_min", Integer, nullable=False),
    _short("purpose"),
    Column("room_id", String(32), nullable=False, unique=True),
    _short("status"),
    Column("link_version", Integer, nullable=False),
    _owner("created_by", "users.id", index=False),
    _time("created_at"),
    CheckConstraint("candidate_email = lower(candidate_email)", name="candidate_email_lower"),
)

interview_interviewers = Table(
    "interview_interviewers",
    metadata,
    Column("interview_id", String(32), ForeignKey("interviews.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("position", Integer, nullable=False),
)

questions = Table(
    "questions",
    metadata,
    _id(),
    _owner("interview_id", "interviews.id"),
    Column("position", Integer, nullable=False),
    Column("text", Text, nullable=False),
)

participants = Table(
    "participants",
    metadata,
    _id(),
    _owner("interview_id", "interviews.id", index=False),
    _short("role"),
    _short("name", 100),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="SET NULL"), index=True),
    _time("admitted_at", nullable=True),
    # Audio processing as the participant's browser reported it last; NULL when it did not.
    Column("device_settings", JSON),
    _time("created_at"),
    Index("ix_participants_interview_id_role", "interview_id", "role"),
    UniqueConstraint("interview_id", "role", "user_id"),
)

consents = Table(
    "consents",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _owner("participant_id", "participants.id"),
    _short("kind"),
    Column("granted", Boolean, nullable=False),
    _short("purpose"),
    _short("text_version", 40),
    _short("text_sha256", 64),
    _time("given_at"),
)

sessions = Table(
    "sessions",
    metadata,
    _id(),
    _owner("interview_id", "interviews.id"),
    _owner("participant_id", "participants.id", index=False),
    _time("started_at"),
    _time("ended_at", nullable=True),
    Column("status", String(20), nullable=False, index=True),
    _short("end_reason", 40),
    Column("mean_stress", Double),
    Column("peak_stress", Double),
    Column("peak_t_s", Double),
    _short("model_version", 200),
)


def _reading(name: str) -> tuple[Column[Any], ...]:
    return (
        Column(name, Double),
        Column(f"{name}_quality", Double, nullable=False),
        Column(f"{name}_reason", String(20), nullable=False),
        Column(f"{name}_age_s", Double, nullable=False),
    )


def _shares(name: str, parts: Iterable[str]) -> tuple[Column[Any], ...]:
    """Return columns that are all NULL in rows from before they were there."""
    return (
        *(Column(f"{name}_{part}", Double) for part in parts),
        Column(f"{name}_quality", Double),
        Column(f"{name}_reason", String(20)),
        Column(f"{name}_age_s", Double),
    )


VOICE_COLUMNS = (
    "voice_rms",
    "voice_centroid_hz",
    "voice_f0_hz",
    "voice_rms_variability",
    "voice_f0_variability",
    "voice_snr_db",
    "voice_speech_share",
)
"""Columns of pipeline.types.VoiceFeatures, besides ``voice_is_silent``, which is NULL when there are no features."""

estimates = Table(
    "estimates",
    metadata,
    Column("session_id", String(32), ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("t_s", Double, primary_key=True),
    *_reading("stress"),
    Column("stress_raw", Double),
    *_reading("face"),
    *_reading("voice"),
    *(Column(f"emotion_{name}", Double) for name in EMOTIONS),
    *_shares("level", LEVELS),
    *_shares("eyes", EYE_EMOTIONS),
    Column("band", String(20)),
    Column("trajectory", String(20)),
    Column("window_mean", Double),
    Column("window_sd", Double),
    Column("peak_t_s", Double),
    # A list of [signal, amount].
    Column("contributions", JSON, nullable=False),
    *(Column(name, Double) for name in VOICE_COLUMNS),
    Column("voice_is_silent", Boolean),
    Column("newest_sample_s", Double),
    # A list of [name, value, quality, reason, age_s, z]; NULL in rows from before there were signals.
    Column("signals", JSON),
    _short("model_version", 200),
)

words = Table(
    "words",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _owner("session_id", "sessions.id"),
    Column("from_s", Double, nullable=False),
    Column("to_s", Double, nullable=False),
    Column("text", Text, nullable=False),
    Column("confidence", Double),
    _short("transcriber", 80),
)

reviews = Table(
    "reviews",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _owner("session_id", "sessions.id"),
    Column("asked_s", Double, nullable=False),
    _short("model", 80),
    Column("clarity", String(20)),
    Column("clarity_reason", Text),
    Column("structure", String(20)),
    Column("structure_reason", Text),
    Column("quotes", JSON, nullable=False),
    Column("problem", Text, nullable=False),
    _time("made_at"),
)

markers = Table(
    "markers",
    metadata,
    _id(),
    _owner("interview_id", "interviews.id"),
    Column("session_id", String(32), ForeignKey("sessions.id", ondelete="CASCADE"), index=True),
    _owner("author_id", "participants.id", index=False),
    Column("t_s", Double),
    _short("kind"),
    _short("label", 200),
    Column("question_id", String(32), ForeignKey("questions.id", ondelete="SET NULL")),
    _time("created_at"),
)

notes = Table(
    "notes",
    metadata,
    _id(),
    _owner("interview_id", "interviews.id"),
    Column("session_id", String(32), ForeignKey("sessions.id", ondelete="CASCADE"), index=True),
    _owner("author_id", "participants.id", index=False),
    Column("t_s", Double),
    Column("text", Text, nullable=False),
    _time("created_at"),
    _time("updated_at"),
)

tap_tokens = Table(
    "tap_tokens",
    metadata,
    _id(),
    _owner("interview_id", "interviews.id"),
    _short("label", 80),
    Column("token_sha256", String(64), nullable=False, unique=True),
    _time("created_at"),
    _time("revoked_at", nullable=True),
    _time("last_used_at", nullable=True),
)
