"""CSV of a session: a row per tick, RFC 4180."""

import csv
import io
from collections.abc import Iterator

from server.export.columns import COLUMNS, SIGNAL_COLUMNS, Cell, read_signals
from server.sessions.summaries import SessionReport

CONTENT_TYPE = "text/csv; charset=utf-8; header=present"
"""RFC 4180 section 3."""

EXTRA_COLUMNS = ("contributions", "question", "markers", "session_id", "model_version")
"""Besides COLUMNS: parts of stress_raw as ``signal=amount`` pairs, the question running, labels of the second.
SIGNAL_COLUMNS follow them."""


def series_csv(report: SessionReport) -> Iterator[str]:
    """Yield the lines of the file: a header, then a row per tick; unknown values are empty.

    Text that a spreadsheet would take for a formula is preceded by an apostrophe.
    """
    yield csv_line([*(column.name for column in COLUMNS), *EXTRA_COLUMNS, *SIGNAL_COLUMNS])
    asked = sorted((peak_t, text) for peak_t, text in _asked(report))
    for estimate in report.estimates:
        question = next((text for t_s, text in reversed(asked) if t_s <= estimate.t_s), "")
        labels = [
            marker.label or str(marker.kind)
            for marker in report.markers
            if marker.t_s is not None and estimate.t_s <= marker.t_s < estimate.t_s + 1.0
        ]
        parts = " ".join(f"{part.signal}={part.amount:.6g}" for part in estimate.contributions)
        yield csv_line(
            [
                *(_shown(column.read(estimate)) for column in COLUMNS),
                parts,
                csv_safe(question),
                csv_safe("; ".join(labels)),
                report.session.id,
                csv_safe(report.session.model_version),
                *(_shown(cell) for cell in read_signals(estimate)),
            ]
        )


def _asked(report: SessionReport) -> Iterator[tuple[float, str]]:
    texts = {question.id: question.text for question in report.questions}
    for marker in report.markers:
        if marker.t_s is not None and marker.question_id in texts:
            yield marker.t_s, texts[marker.question_id]


def _shown(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def csv_safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    # https://owasp.org/www-community/attacks/CSV_Injection
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")) else text


def csv_line(cells: list[str]) -> str:
    """Return a line of a CSV file."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
