"""Everything that is stored, as frozen values. Times of day are timezone-aware UTC; ``t_s`` is session time."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pipeline.language.words import Word
from pipeline.types import Estimate
from server.protocol import Role


class InterviewStatus(StrEnum):
    """Where a scheduled meeting stands."""

    SCHEDULED = "scheduled"
    WAITING = "waiting"
    LIVE = "live"
    ENDED = "ended"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """True when nobody can enter any more."""
        return self in (InterviewStatus.ENDED, InterviewStatus.CANCELLED)


class Purpose(StrEnum):
    """What an interview is for; the operator decides which purposes may be analysed."""

    PRACTICE = "practice"
    RESEARCH = "research"
    SELECTION = "selection"


class ConsentKind(StrEnum):
    """What a candidate can agree to; only the call itself is needed."""

    CALL = "call"
    ANALYSIS = "analysis"
    RESEARCH = "research"
    TRANSCRIPTION = "transcription"


class SessionStatus(StrEnum):
    """Whether an analysed stretch is running, ended as it should, or was cut off."""

    LIVE = "live"
    ENDED = "ended"
    INTERRUPTED = "interrupted"


class MarkerKind(StrEnum):
    """What a marker marks."""

    MOMENT = "moment"
    QUESTION = "question"
    PEAK = "peak"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody with an account."""

    id: str
    name: str
    email: str
    """Lower case."""
    role: Role
    is_operator: bool
    """True for the first interviewer, who may invite people."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSession:
    """One browser in which a user is logged in."""

    id: str
    user_id: str
    created_at: datetime
    expires_at: datetime
    browser: str
    """What the browser calls itself, shortened; empty when it said nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A one-time permission to make an account."""

    id: str
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interview:
    """A scheduled meeting of one candidate and one or more interviewers."""

    id: str
    title: str
    candidate_name: str
    candidate_email: str
    """Lower case."""
    scheduled_at: datetime
    duration_min: int
    purpose: Purpose
    room_id: str
    """Unguessable."""
    status: InterviewStatus
    link_version: int
    """Join links with another version are void."""
    created_by: str
    """User id."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question prepared for an interview."""

    id: str
    interview_id: str
    position: int
    """0 for the first."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """A person in one interview; the id names them in the room, in tokens and on the media plane."""

    id: str
    interview_id: str
    role: Role
    name: str
    user_id: str | None
    admitted_at: datetime | None
    """When the candidate was let in; None while waiting, and always None for interviewers."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One answer of a candidate. Answers are never changed: the newest of a kind counts."""

    id: int
    """Rising in the order of the answers; 0 before it is stored."""
    participant_id: str
    kind: ConsentKind
    granted: bool
    purpose: Purpose
    """Purpose of the interview when the answer was given; it counts for no other."""
    text_version: str
    text_sha256: str
    """Of the text that was shown; empty for a withdrawal without text."""
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One analysed stretch of an interview."""

    id: str
    interview_id: str
    participant_id: str
    """The candidate."""
    started_at: datetime
    """Session time 0."""
    ended_at: datetime | None
    status: SessionStatus
    end_reason: str
    """Empty while it runs; else stopped (by an interviewer), ended or cancelled (the interview), consent_withdrawn,
    candidate_left, interviewers_left, shutdown, or killed (the server, found at its next start)."""
    mean_stress: float | None
    peak_stress: float | None
    peak_t_s: float | None
    model_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEstimate:
    """One estimate with the session it belongs to."""

    session_id: str
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWords:
    """Words of the candidate with the session they belong to."""

    session_id: str
    words: tuple[Word, ...]
    transcriber: str
    """Engine and model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a language model says about the wording of one answer; never about the person."""

    clarity: str
    clarity_reason: str
    structure: str
    structure_reason: str
    quotes: tuple[str, ...]
    """Literally from the transcript."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReview:
    """What came of asking about one answer."""

    session_id: str
    asked_s: float
    """Session time of the question."""
    model: str
    review: Review | None
    problem: str
    """Why there is no review; else empty."""
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A moment an interviewer marked."""

    id: str
    interview_id: str
    session_id: str | None
    """None when no analysis ran."""
    author_id: str
    """Participant id."""
    author: str
    """The author's name."""
    t_s: float | None
    """Session time, None when no analysis ran."""
    kind: MarkerKind
    label: str
    question_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What an interviewer wrote down."""

    id: str
    interview_id: str
    session_id: str | None
    author_id: str
    author: str
    t_s: float | None
    text: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TapToken:
    """A researcher's access to one interview, without its secret."""

    id: str
    interview_id: str
    label: str
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
