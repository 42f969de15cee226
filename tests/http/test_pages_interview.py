import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipeline.catalogue import CATALOGUE
from pipeline.types import Reason
from server.db import annotations as annotation_rows
from server.db import series as series_rows
from server.http import keys
from server.http.pages_interview import clock, duration
from server.sessions.records import Marker, MarkerKind, Note, SessionStatus, StoredEstimate
from tests.fakes.series import HOLE_S, PEAK_S, a_series, reading

PAGE_DATA = re.compile(r'<script type="application/json" id="[a-z-]+">(.*?)</script>', re.DOTALL)


async def store(world, estimates):
    rows = [StoredEstimate(session_id=world.session_id, estimate=estimate) for estimate in estimates]
    async with world.app[keys.DATABASE].write() as connection:
        await series_rows.insert_estimates(connection, rows, "test")


async def annotate(world):
    """Store a question asked before the peak, and a note that tries to be markup."""
    details = world.interview
    common = {
        "interview_id": details.interview.id,
        "session_id": world.session_id,
        "author_id": details.candidate.id,
        "author": "Olga Operator",
        "created_at": datetime(2026, 11, 1, 10, tzinfo=UTC),
    }
    question = details.questions[0]
    marker = Marker(id="m1", t_s=30.0, kind=MarkerKind.QUESTION, label=question.text, question_id=question.id, **common)
    note = Note(id="n1", t_s=35.0, text="</script><b>bold</b>", updated_at=common["created_at"], **common)
    async with world.app[keys.DATABASE].write() as connection:
        await annotation_rows.insert_marker(connection, marker)
        await annotation_rows.insert_note(connection, note)


async def summary(world) -> str:
    status, text = await world.operator.ask("GET", f"/sessions/{world.session_id}")
    assert status == 200
    return text


async def test_summary_shows_figures_peaks_markers_and_notes(world):
    await store(world, a_series())
    await annotate(world)
    text = await summary(world)
    assert "88 %" in text, "105 of 120 seconds were measurable"
    assert "2 min" in text
    assert re.search(r"Highest</dt><dd>0\.90 .*at 0:40", text)
    assert re.search(rf"0:{PEAK_S}</td><td[^>]*>0\.90</td><td>Secret question", text), "the peak with its question"
    assert "Question 1: Secret question" in text
    assert "&lt;b&gt;bold" in text
    assert "<b>bold" not in text
    assert "could not be measured" not in text


async def test_summary_compares_the_questions_with_the_whole(world):
    await store(world, a_series())
    assert "By question" not in await summary(world), "no question was marked"
    await annotate(world)
    text = await summary(world)
    row = re.search(r"1\. Secret question.*?</tr>", text, re.DOTALL)[0]
    assert re.findall(r"<td>(.*?)</td>", row)[:2] == ["0:30", "1 min 30 s"], "from its marker to the end"
    assert re.search(r"<td>[+−]0\.\d\d</td><td>1</td>", row), "difference and the one peak"


async def test_charts_get_the_series_with_its_hole(world):
    await store(world, a_series())
    data = json.loads(PAGE_DATA.search(await summary(world))[1])
    assert len(data["t_s"]) == len(data["stress"]) == 120
    assert [t_s for t_s, value in zip(data["t_s"], data["stress"], strict=True) if value is None] == list(HOLE_S)
    (peak,) = data["peaks"]
    assert (peak["t_s"], peak["stress"]) == (float(PEAK_S), 0.9)
    assert sum(band["share"] for band in data["bands"]) == pytest.approx(1)
    assert sum(emotion["share"] for emotion in data["emotions"]) == pytest.approx(1)


async def test_session_without_any_known_stress_says_so(world):
    unknown = reading(None, Reason.NO_FACE)
    await store(
        world,
        [
            replace(estimate, stress=unknown, face=unknown, voice=unknown, emotions=None, band=None, peak_t_s=None)
            for estimate in a_series(20)
        ],
    )
    text = await summary(world)
    assert "Stress could not be measured in this session." in text
    assert re.search(r"Mean</dt><dd>—", text)
    assert "At no time could a face be read" in text


async def test_session_without_estimates_opens(world):
    text = await summary(world)
    assert "No estimate was made" in text


async def test_interrupted_session_says_so(world):
    async with world.app[keys.DATABASE].write() as connection:
        session = await series_rows.get_session(connection, world.session_id)
        await series_rows.delete_session(connection, world.session_id)
        interrupted = replace(session, status=SessionStatus.INTERRUPTED, end_reason="killed")
        await series_rows.insert_session(connection, interrupted)
    await store(world, a_series(10))
    text = await summary(world)
    assert "This session was interrupted." in text
    assert "stopped unexpectedly" in text


async def test_downloads_hold_every_tick(world):
    await store(world, a_series())
    status, text = await world.operator.ask("GET", f"/sessions/{world.session_id}/series.csv")
    headers = world.operator.last.headers
    assert status == 200
    assert headers["Content-Type"].startswith("text/csv")
    assert headers["Content-Disposition"] == f'attachment; filename="composure-{world.session_id}.csv"'
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 120
    assert rows[HOLE_S[0]]["stress"] == ""

    status, text = await world.operator.ask("GET", f"/sessions/{world.session_id}/session.json")
    assert world.operator.last.headers["Content-Type"] == "application/json"
    document = json.loads(text)
    assert len(document["series"]) == 120
    assert document["summary"]["peaks"][0]["t_s"] == PEAK_S


async def test_room_page_knows_whether_the_purpose_may_be_analysed(world):
    status, text = await world.operator.ask("GET", f"/interviews/{world.interview.interview.id}/room")
    assert status == 200
    assert json.loads(PAGE_DATA.search(text)[1]) == {
        "interview_id": world.interview.interview.id,
        "candidate_name": "Vicky Victim",
        "is_purpose_analysed": True,
    }


async def test_room_of_a_cancelled_interview_leads_to_its_page(world):
    interview_id = world.interview.interview.id
    await world.operator.ask("POST", f"/interviews/{interview_id}/cancel")
    status, _ = await world.operator.ask("GET", f"/interviews/{interview_id}/room")
    assert status == 303
    assert world.operator.last.headers["Location"] == f"/interviews/{interview_id}"


def test_session_times_in_words():
    assert [clock(t_s) for t_s in (0.0, 5.9, 65.0, 3665.0, None)] == ["0:00", "0:05", "1:05", "1:01:05", "—"]
    assert [duration(seconds) for seconds in (0, 42.4, 65, 3600)] == ["0 s", "42 s", "1 min 5 s", "1 h"]


async def test_pages_carry_the_catalogue_of_signals(world):
    await store(world, a_series())
    _, room = await world.operator.ask("GET", f"/interviews/{world.interview.interview.id}/room")
    for text in (room, await summary(world)):
        entries = json.loads(re.search(r'id="signal-catalogue">(.*?)</script>', text, re.DOTALL)[1])
        assert [entry["name"] for entry in entries] == list(CATALOGUE), "in the order of showing"
        benchmarks = {entry["name"]: entry["benchmark"] for entry in entries if entry["benchmark"] is not None}
        assert set(benchmarks) <= set(CATALOGUE)
        assert benchmarks["nonverbal.engagement"] == 0.5
