"""What candidates are asked, word for word. A changed text gets a new version; stored answers name the one shown."""

import hashlib
from dataclasses import dataclass

from server.sessions.records import ConsentKind, Purpose

TEXT_DATE = "2026-12d"
"""Part of every version; change it with any text below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentText:
    """One question to the candidate."""

    kind: ConsentKind
    purpose: Purpose
    version: str
    """At most 40 characters, stored with the answer."""
    is_required: bool
    """True for the call alone."""
    title: str
    statement: str
    """What the box to tick says."""
    paragraphs: tuple[str, ...]
    """The explanation."""
    common: tuple[str, ...]
    """``common_sentences``, which pages show once above the questions; empty for the call."""

    @property
    def sha256(self) -> str:
        """Hash of everything shown, stored with the answer."""
        shown = "\n".join((self.version, self.title, self.statement, *self.paragraphs, *self.common))
        return hashlib.sha256(shown.encode()).hexdigest()


_USE = {
    Purpose.PRACTICE: "This is a practice interview: the results serve your own learning and decide nothing about you.",
    Purpose.RESEARCH: "This is a research interview: the results serve a study and decide nothing about you.",
    Purpose.SELECTION: "This interview is part of a selection. Saying no to any of these must not be held against you.",
}
_NO_VERDICT = "The measurement is not a verdict about you and must not be used as one."

_KEPT = (
    "What is measured or written down is kept with this interview until the interviewers delete the interview; you"
    " can ask them to do so at any time. Deleting removes everything from this server, which records neither sound"
    " nor picture."
)
_WITHDRAW = (
    "You can change your mind at any time, also during the call, with one switch on your page. The call goes on."
)

_WORDING: dict[ConsentKind, tuple[str, str, tuple[str, ...]]] = {
    ConsentKind.CALL: (
        "The call",
        "I want to take part in this video call.",
        (
            "Your camera and microphone are sent through this server to the interviewers named on this page, and"
            " theirs to you. You may leave the camera off.",
            "For the call alone, nothing of sound or picture is stored or measured. Your name, your e-mail address"
            " and your answers on this page are stored.",
            "This is the only consent that is needed. You can leave at any time.",
        ),
    ),
    ConsentKind.ANALYSIS: (
        "Measuring signs of stress",
        "I agree that signs of stress are measured from my face and voice during the call.",
        (
            "While the sign “Analysis is on” is shown, this server measures from your picture your facial expression,"
            " where you look, how you blink and move your head, and your pulse as far as the colour of your skin shows"
            " it; and from your voice its loudness, tone and pitch, how fast you speak, and when you pause. From the"
            " expression and the voice it works out one number between 0 and 1 each second. What you say is not"
            " written down, unless you agree to that below where it is asked. How your browser processes your sound is"
            " stored with the measurements, because it changes them.",
            "The interviewers named on this page see these measurements during the call and in a summary afterwards."
            " During the call they can also ask which part of your face the measurement looked at, and are shown it on"
            " a very small still picture of your face, which is not kept.",
            "The measurements compare you with yourself at the beginning of the call. They are uncertain indications,"
            " wrong at times, and can be further off for some people than for others. They are not a diagnosis, not a"
            " lie detector and not a mark.",
        ),
    ),
    ConsentKind.RESEARCH: (
        "Use for research",
        "I agree that researchers may receive the sound, picture and measurements of this interview.",
        (
            "Researchers whom the interviewers have given access receive your sound and picture during the call and,"
            " if you agreed to the measuring, the measured numbers. They may keep and study them.",
            "What researchers have received before you change your mind is with them; the interviewers can tell you"
            " who they are.",
        ),
    ),
    ConsentKind.TRANSCRIPTION: (
        "Writing down what you say",
        "I agree that what I say is written down by software while it is measured, and looked at for how I speak.",
        (
            "While the sign “Analysis is on” is shown, software on this server writes down your words. It makes many"
            " mistakes. From the words it counts how fast you speak, and fillers, repetitions and the like.",
            "The interviewers named on this page see your words during the call and in the summary."
            " If the operator of this server has set up a language model, they may send it your written words to have"
            " the clarity and structure of your answers described; it may run elsewhere. Your words are not sent"
            " anywhere else.",
            "If you take this back, the writing stops at once, and the words that were written down and what"
            " was said about them are deleted here. Numbers that were counted until then stay with the other"
            " measurements.",
        ),
    ),
}


def consent_texts(purpose: Purpose) -> tuple[ConsentText, ...]:
    """Return the questions for an interview's purpose, in the order in which they are asked."""
    return tuple(_text(kind, purpose) for kind in ConsentKind)


def consent_text(kind: ConsentKind, purpose: Purpose) -> ConsentText:
    """Return one question."""
    return _text(kind, purpose)


def common_sentences(purpose: Purpose) -> tuple[str, ...]:
    """Return what holds for every question but the one for the call."""
    return _USE[purpose], _KEPT, _WITHDRAW


def _text(kind: ConsentKind, purpose: Purpose) -> ConsentText:
    title, statement, paragraphs = _WORDING[kind]
    if kind is ConsentKind.ANALYSIS and purpose is Purpose.SELECTION:
        paragraphs = (*paragraphs, _NO_VERDICT)
    return ConsentText(
        kind=kind,
        purpose=purpose,
        version=f"{kind}-{purpose}-{TEXT_DATE}",
        is_required=kind is ConsentKind.CALL,
        title=title,
        statement=statement,
        paragraphs=paragraphs,
        common=() if kind is ConsentKind.CALL else common_sentences(purpose),
    )
