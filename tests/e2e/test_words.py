"""Live transcription in a real browser: the candidate's words come to the dashboard, and go with the consent."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.journey import start_call
from tests.e2e.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]

WORDS_MS = 240_000
"""An utterance of the made voice lasts 6 s; writing it down has the lowest priority of all that runs."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "data", "--transcriber", "pocketsphinx")
    yield process
    process.stop()


def test_what_the_candidate_says_is_shown_and_deleted_when_they_take_the_consent_back(
    server: ServerProcess, browser: Browser
):
    call = start_call(server, browser, agrees_to=("call", "analysis", "transcription"), with_cameras=False)
    ada, sam = call.ada, call.sam
    expect(ada.locator("#caption-note")).to_have_text("Words are written down while the analysis is on.")
    ada.click("#analysis-toggle")
    expect(ada.locator("#caption-list li").first).to_be_visible(timeout=WORDS_MS)
    (session_id, *_) = {str(event["session_id"]) for event in call.events if event["type"] == "caption"}
    said = [word["text"] for event in call.events if event["type"] == "caption" for word in event["words"]]

    address = f"{server.base_url}/sessions/{session_id}"
    # They are stored a moment after they are shown.
    call.wait_for(lambda: said[0] in ada.request.get(f"{address}/words.csv").text(), limit_ms=30_000)
    assert said[0] in ada.request.get(f"{address}/words.vtt").text()
    summary = ada.context.new_page()
    summary.goto(address)
    expect(summary.locator("#words-card .spoken-text")).to_contain_text(" ".join(said[:3]))

    sam.click("#open-consents")
    sam.locator("[data-consent=transcription]").uncheck()
    expect(ada.locator("#caption-note")).to_contain_text("has not agreed")
    expect(ada.locator("#caption-list li")).to_have_count(0)
    expect(ada.locator("#analysis-toggle")).to_contain_text("Stop")
    summary.reload()
    expect(summary.locator("h1")).to_be_visible()
    expect(summary.locator("#words-card")).to_have_count(0)
