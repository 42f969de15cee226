"""The stored records under the name the rooms above import; they are defined where they are stored (server/db)."""

from server.db.records import (
    Consent,
    ConsentKind,
    Interview,
    InterviewStatus,
    Invitation,
    LoginSession,
    Marker,
    MarkerKind,
    Note,
    Participant,
    Purpose,
    Question,
    Session,
    SessionStatus,
    StoredEstimate,
    TapToken,
    User,
)
from server.protocol import Role

__all__ = [
    "Consent",
    "ConsentKind",
    "Interview",
    "InterviewStatus",
    "Invitation",
    "LoginSession",
    "Marker",
    "MarkerKind",
    "Note",
    "Participant",
    "Purpose",
    "Question",
    "Role",
    "Session",
    "SessionStatus",
    "StoredEstimate",
    "TapToken",
    "User",
]
