"""Figures of the signals for the whole session and for each question's answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.signal_summary import SignalFigures, Span, summarise_signals
from pipeline.summary import TICK_S
from pipeline.types import Estimate
from server.protocol import significant
from server.sessions.asked import list_asked
from server.sessions.records import Marker, Question

WHOLE = "Whole session"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRow:
    """One stretch: the whole session, or from a question's marker to the next one's or the end."""

    question: Question | None
    """None for the whole session."""
    span: Span
    signals: tuple[SignalFigures, ...]

    @property
    def label(self) -> str:
        """What the stretch is called."""
        return WHOLE if self.question is None else self.question.text


def make_signal_table(
    estimates: Sequence[Estimate], markers: Iterable[Marker], questions: Iterable[Question]
) -> tuple[SignalRow, ...]:
    """Return the whole session first, then the answers in order of time; nothing without estimates.

    A question that was marked twice has two rows.

    Args:
        estimates: of the session, in order of time.
        markers: of the session.
        questions: of the interview.
    """
    if not estimates:
        return ()
    end_s = estimates[-1].t_s + TICK_S
    stretches: list[tuple[Question | None, Span]] = [(None, Span(from_s=estimates[0].t_s, to_s=end_s))]
    stretches += [
        (asked.question, Span(from_s=asked.from_s, to_s=max(asked.from_s, min(asked.to_s, end_s))))
        for asked in list_asked(markers, questions)
    ]
    figures = summarise_signals(
        [(estimate.t_s, estimate.signals) for estimate in estimates], [span for _, span in stretches]
    )
    return tuple(
        SignalRow(question=question, span=span, signals=signals)
        for (question, span), signals in zip(stretches, figures, strict=True)
    )


def signal_table_json(table: Iterable[SignalRow]) -> dict[str, Any]:
    """Return the table as pages and downloads have it; docs/protocol.md describes it."""
    return {
        "questions": [
            {
                "question_id": None if row.question is None else row.question.id,
                "label": row.label,
                "from_s": row.span.from_s,
                "to_s": row.span.to_s,
                "signals": [
                    {
                        "name": item.name,
                        "median": _shown(item.median),
                        "low": _shown(item.low),
                        "high": _shown(item.high),
                        "z": None if item.z is None else round(item.z, 2),
                        "coverage": round(item.coverage, 3),
                    }
                    for item in row.signals
                ],
            }
            for row in table
        ]
    }


def _shown(value: float | None) -> float | None:
    return None if value is None else significant(value)
