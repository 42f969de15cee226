"""What was said, as a table (CSV) and as subtitles (WebVTT)."""

from collections.abc import Iterator, Sequence

from pipeline.language.measures import SENTENCE_PAUSE_S
from pipeline.language.words import Word
from server.export.series import csv_line, csv_safe
from server.sessions.summaries import SessionReport

VTT_TYPE = "text/vtt; charset=utf-8"
MAX_CUE_WORDS = 12
COLUMNS = ("from_s", "to_s", "word", "confidence", "transcriber", "session_id")


def words_csv(report: SessionReport) -> Iterator[str]:
    """Yield the lines of the file: a header, then a row per word; RFC 4180."""
    yield csv_line(list(COLUMNS))
    for word in report.words:
        yield csv_line(
            [
                f"{word.from_s:.3f}",
                f"{word.to_s:.3f}",
                csv_safe(word.text),
                "" if word.confidence is None else f"{word.confidence:.3f}",
                csv_safe(report.transcriber),
                report.session.id,
            ]
        )


def words_vtt(report: SessionReport) -> Iterator[str]:
    """Yield subtitles on session time. https://www.w3.org/TR/webvtt1/."""
    yield "WEBVTT\n"
    for cue in _cues(report.words):
        text = " ".join(word.text for word in cue)
        for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(sign, entity)
        yield f"\n{_stamp(cue[0].from_s)} --> {_stamp(cue[-1].to_s)}\n{text}\n"


def _cues(words: Sequence[Word]) -> list[list[Word]]:
    cues: list[list[Word]] = []
    for word in words:
        is_new = not cues or len(cues[-1]) >= MAX_CUE_WORDS or word.from_s - cues[-1][-1].to_s >= SENTENCE_PAUSE_S
        if is_new:
            cues.append([])
        cues[-1].append(word)
    return cues


def _stamp(t_s: float) -> str:
    ms = round(t_s * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"
