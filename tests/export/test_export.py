import csv
import io
import json
from datetime import UTC, datetime

import pytest

from pipeline.summary import Peak
from server.export.columns import COLUMNS, SIGNAL_COLUMNS
from server.export.document import VERSION, session_json
from server.export.series import EXTRA_COLUMNS, series_csv
from server.sessions.records import (
    Interview,
    InterviewStatus,
    Marker,
    MarkerKind,
    Note,
    Purpose,
    Question,
    Session,
    SessionStatus,
)
from server.sessions.signal_table import make_signal_table
from server.sessions.summaries import AskedPeak, SessionReport, explain_peaks, summarise_estimates
from tests.fakes.rooms import estimate

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def marker(t_s: float, kind: MarkerKind, label: str, question_id: str | None = None) -> Marker:
    return Marker(
        id=f"m{t_s}",
        interview_id="i",
        session_id="s",
        author_id="a",
        author="Olga",
        t_s=t_s,
        kind=kind,
        label=label,
        question_id=question_id,
        created_at=NOW,
    )


@pytest.fixture
def report() -> SessionReport:
    estimates = (estimate(1.0, 0.25), estimate(2.0, 0.75), estimate(3.0, None, peak_t_s=2.0, full=False))
    question = Question(id="q", interview_id="i", position=0, text='=HYPERLINK("http://x"), really?')
    markers = (
        marker(1.2, MarkerKind.QUESTION, "=evil()", "q"),
        marker(2.0, MarkerKind.MOMENT, 'line\nbreak, "quoted"'),
        marker(2.9, MarkerKind.MOMENT, ""),
    )
    peaks = (AskedPeak(peak=Peak(t_s=2.0, stress=0.75), question=question),)
    return SessionReport(
        interview=Interview(
            id="i",
            title="Title, with comma",
            candidate_name="Zoë",
            candidate_email="zoe@example.org",
            scheduled_at=NOW,
            duration_min=45,
            purpose=Purpose.PRACTICE,
            room_id="secret-room",
            status=InterviewStatus.ENDED,
            link_version=1,
            created_by="u",
            created_at=NOW,
        ),
        session=Session(
            id="s",
            interview_id="i",
            participant_id="p",
            started_at=NOW,
            ended_at=NOW,
            status=SessionStatus.ENDED,
            end_reason="stopped",
            mean_stress=0.5,
            peak_stress=0.75,
            peak_t_s=2.0,
            model_version="emotion-1",
        ),
        summary=summarise_estimates(estimates),
        estimates=estimates,
        peaks=explain_peaks(peaks, estimates),
        markers=markers,
        notes=(
            Note(
                id="n",
                interview_id="i",
                session_id="s",
                author_id="a",
                author="Olga",
                t_s=2.5,
                text="Ruhig – 好",
                created_at=NOW,
                updated_at=NOW,
            ),
        ),
        questions=(question,),
        signal_table=make_signal_table(estimates, markers, (question,)),
        device_settings={"autoGainControl": False},
    )


def rows(report: SessionReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(series_csv(report)), newline=""), strict=True))


def test_csv_has_a_row_per_tick_and_names_every_column_once(report: SessionReport):
    names = [column.name for column in COLUMNS] + list(EXTRA_COLUMNS) + list(SIGNAL_COLUMNS)
    assert len(names) == len(set(names))
    assert list(rows(report)[0]) == names
    assert [row["t_s"] for row in rows(report)] == ["1", "2", "3"]


def test_csv_lines_end_as_rfc_4180_says(report: SessionReport):
    text = "".join(series_csv(report))
    assert text.endswith("\r\n")
    assert len(list(series_csv(report))) == 4


def test_csv_values_are_those_of_the_estimate(report: SessionReport):
    row = rows(report)[1]
    assert float(row["stress"]) == 0.75
    assert float(row["stress_quality"]) == 0.8
    assert (row["stress_reason"], row["band"], row["trajectory"]) == ("ok", "moderate", "stable")
    assert float(row["emotion_fear"]) == pytest.approx(1 / 7, abs=1e-6)
    assert (row["voice_centroid_hz"], row["voice_snr_db"], row["voice_is_silent"]) == ("1500", "20.5", "false")
    assert row["contributions"] == "face.fear=0.1 voice.f0=0.3"
    assert (row["session_id"], row["model_version"]) == ("s", "emotion-1")


def test_csv_leaves_the_unknown_empty(report: SessionReport):
    row = rows(report)[2]
    for name in ("stress", "stress_raw", "face", "voice", "emotion_angry", "band", "trajectory", "voice_rms",
                 "voice_is_silent", "window_mean", "contributions"):  # fmt: skip
        assert row[name] == "", name
    assert (row["stress_quality"], row["stress_reason"], row["peak_t_s"]) == ("0", "no_face", "2")
    assert rows(report)[0]["voice_f0_hz"] == ""


def test_csv_puts_questions_and_markers_beside_their_ticks(report: SessionReport):
    first, second, third = rows(report)
    assert first["question"] == ""  # asked at 1.2 s
    assert second["question"] == third["question"] == '\'=HYPERLINK("http://x"), really?'
    assert second["markers"] == 'line\nbreak, "quoted"; moment'


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_csv_text_is_never_a_formula(report: SessionReport, start: str):
    object.__setattr__(report, "markers", (marker(1.0, MarkerKind.MOMENT, f"{start}cmd|' /C calc'!A0"),))
    assert rows(report)[0]["markers"].startswith("'" + start)


def test_json_holds_everything(report: SessionReport):
    document = json.loads("".join(session_json(report)))
    assert (document["format"], document["version"]) == ("composure-session", VERSION)
    assert document["interview"]["candidate_name"] == "Zoë"
    assert document["session"]["started_at"] == "2026-11-20T12:00:00+00:00"
    assert document["session"]["device_settings"] == {"autoGainControl": False}
    assert document["summary"]["mean"] == 0.5
    (peak,) = document["summary"]["peaks"]
    assert (peak["t_s"], peak["stress"], peak["question"]) == (2.0, 0.75, report.questions[0].text)
    assert sum(part["amount"] for part in peak["why"]["parts"]) == pytest.approx(peak["why"]["rise"], abs=2e-4)
    assert [row["question_id"] for row in document["signal_table"]["questions"]] == [None, "q"]
    assert [item["name"] for item in document["signal_table"]["questions"][0]["signals"]] == [
        "gaze.contact_share",
        "pulse.rate",
    ]
    assert [item["label"] for item in document["markers"]] == ["=evil()", 'line\nbreak, "quoted"', ""]
    assert document["notes"] == [{"id": "n", "t_s": 2.5, "text": "Ruhig – 好", "author": "Olga"}]
    assert document["questions"] == [{"id": "q", "text": report.questions[0].text}]
    assert len(document["series"]) == 3


def test_json_and_csv_tell_the_same_series(report: SessionReport):
    series = json.loads("".join(session_json(report)))["series"]
    for from_json, from_csv in zip(series, rows(report), strict=True):
        assert set(from_json) == {column.name for column in COLUMNS} | {"contributions", "signals"}
        for column in COLUMNS:
            value = from_json[column.name]
            if isinstance(value, float):
                assert float(from_csv[column.name]) == pytest.approx(value, rel=1e-5)
            else:
                assert from_csv[column.name] == ("" if value is None else str(value).lower())


def test_downloads_do_not_hold_what_opens_a_room(report: SessionReport):
    for text in ("".join(series_csv(report)), "".join(session_json(report))):
        assert "secret-room" not in text
        assert "zoe@example.org" not in text


def test_a_session_without_estimates_can_be_downloaded(report: SessionReport):
    object.__setattr__(report, "estimates", ())
    object.__setattr__(report, "summary", summarise_estimates(()))
    assert len(list(series_csv(report))) == 1
    assert json.loads("".join(session_json(report)))["series"] == []


def test_levels_are_columns_and_shares_of_time(report):
    cells = rows(report)[0]
    assert [cells[f"level{part}"] for part in ("", "_low", "_medium", "_high")] == ["low", "0.5", "0.2", "0.3"]
    assert (cells["level_quality"], cells["level_reason"], cells["level_age_s"]) == ("0.7", "ok", "0.2")
    levels = json.loads("".join(session_json(report)))["summary"]["levels"]
    assert [(level["level"], level["share"]) for level in levels] == [("low", 1.0), ("medium", 0.0), ("high", 0.0)]
