"""Words for stored values, as people read them on several pages."""

from collections.abc import Sequence

from server.protocol import Role
from server.sessions.records import ConsentKind, Purpose, User

PURPOSE_WORDS = {Purpose.PRACTICE: "Practice", Purpose.RESEARCH: "Research", Purpose.SELECTION: "Selection"}

PURPOSE_TEXTS = {
    Purpose.PRACTICE: (
        "The candidate trains for interviews and gets the results as feedback. No decision about the person hangs on"
        " it."
    ),
    Purpose.RESEARCH: (
        "A study with its own information for participants and, as a rule, an ethics vote. Results are reported without"
        " names."
    ),
    Purpose.SELECTION: (
        "The interview helps to decide about a job, a place or a promotion. In the European Union emotions must not be"
        " inferred here."
    ),
}
"""What each purpose means, for the person who schedules."""

CANDIDATE_PURPOSE_TEXTS = {
    Purpose.PRACTICE: "Practice. It serves your own learning; nothing is decided about you.",
    Purpose.RESEARCH: "Research. It serves a study; nothing is decided about you.",
    Purpose.SELECTION: "Selection. The interview is part of a choice among applicants.",
}

CONSENT_WORDS = {
    ConsentKind.CALL: "Call",
    ConsentKind.ANALYSIS: "Analysis",
    ConsentKind.RESEARCH: "Research use",
    ConsentKind.TRANSCRIPTION: "Transcription",
}


_BROWSERS = (
    # In this order: most browsers also name those they descend from.
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def role_words(user: User) -> str:
    """Return what somebody may do, in words."""
    if user.is_operator:
        return "Interviewer and operator"
    return "Interviewer" if user.role is Role.INTERVIEWER else "Candidate"


def browser_words(user_agent: str) -> str:
    """Return which browser on which system a User-Agent header names, as far as that can be told."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser


def joined(names: Sequence[str]) -> str:
    """Return names as people say them: ``A``, ``A and B``, ``A, B and C``; empty for none."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
