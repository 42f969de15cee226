"""The answers of a session, each with its own figures."""

from dataclasses import dataclass

from pipeline.language.answers import SpokenAnswer, answer_between
from pipeline.summary import SessionSummary
from server.sessions.asked import Asked, list_asked
from server.sessions.summaries import SessionReport, summarise_estimates


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a question was answered with."""

    asked: Asked
    number: int
    """Of the question, from 1."""
    summary: SessionSummary
    """Of this stretch alone."""
    spoken: SpokenAnswer
    difference: float | None
    """Its median less that of the whole session; None when either is unknown."""


def list_answers(report: SessionReport) -> tuple[Answer, ...]:
    """Return the answers in order of time; a question that was marked twice has two."""
    return tuple(_answer(report, asked) for asked in list_asked(report.markers, report.questions))


def _answer(report: SessionReport, asked: Asked) -> Answer:
    summary = summarise_estimates(e for e in report.estimates if asked.from_s <= e.t_s < asked.to_s)
    whole, here = report.summary.median, summary.median
    return Answer(
        asked=asked,
        number=report.questions.index(asked.question) + 1,
        summary=summary,
        spoken=answer_between(report.words, asked.from_s, asked.to_s),
        difference=None if whole is None or here is None else here - whole,
    )
