"""JSON of a session: everything about it in one document."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from server.export.columns import COLUMNS
from server.protocol import signal_message, why_message, word_message
from server.sessions.signal_table import signal_table_json
from server.sessions.summaries import SessionReport

CONTENT_TYPE = "application/json"
VERSION = 1
"""Raised when a field changes its meaning or goes."""


def session_json(report: SessionReport) -> Iterator[str]:
    """Yield the pieces of the document; the series comes last, a tick a line, so that it need not be held whole."""
    head = json.dumps(_head(report), ensure_ascii=False, indent=1)
    yield head.removesuffix("\n}") + ',\n "series": [\n'
    for i, estimate in enumerate(report.estimates):
        row: dict[str, Any] = {column.name: column.read(estimate) for column in COLUMNS}
        row |= {
            "contributions": {part.signal: part.amount for part in estimate.contributions},
            "signals": {signal.name: signal_message(signal) for signal in estimate.signals},
        }
        yield ("" if i == 0 else ",\n") + "  " + json.dumps(row)
    yield "\n ]\n}\n"


def _head(report: SessionReport) -> dict[str, Any]:
    interview, session = report.interview, report.session
    return {
        "format": "composure-session",
        "version": VERSION,
        "interview": {
            "id": interview.id,
            "title": interview.title,
            "candidate_name": interview.candidate_name,
            "purpose": interview.purpose,
            "scheduled_at": _time(interview.scheduled_at),
            "duration_min": interview.duration_min,
        },
        "session": {
            "id": session.id,
            "started_at": _time(session.started_at),
            "ended_at": _time(session.ended_at),
            "status": session.status,
            "end_reason": session.end_reason,
            "mean_stress": session.mean_stress,
            "peak_stress": session.peak_stress,
            "peak_t_s": session.peak_t_s,
            "model_version": session.model_version,
            "device_settings": report.device_settings,
        },
        "summary": {
            **asdict(report.summary),
            "percentiles": {str(percent): value for percent, value in report.summary.percentiles},
            "emotions": dict(report.summary.emotions),
            "peaks": [
                {
                    **asdict(asked.peak),
                    "question": None if asked.question is None else asked.question.text,
                    "why": None if asked.why is None else why_message(asked.why),
                }
                for asked in report.peaks
            ],
        },
        "signal_table": signal_table_json(report.signal_table),
        "questions": [{"id": question.id, "text": question.text} for question in report.questions],
        "markers": [
            {
                "id": marker.id,
                "t_s": marker.t_s,
                "kind": marker.kind,
                "label": marker.label,
                "question_id": marker.question_id,
                "author": marker.author,
            }
            for marker in report.markers
        ],
        "transcriber": report.transcriber,
        "words": [word_message(word) for word in report.words],
        "notes": [{"id": note.id, "t_s": note.t_s, "text": note.text, "author": note.author} for note in report.notes],
    }


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
