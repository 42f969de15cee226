"""kill -9 in the middle of a session: what was measured is there after the restart."""

import json
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.journey import (
    PASSWORD,
    WAIT_MS,
    admit,
    candidate_waits,
    enter_room,
    make_first_account,
    new_page,
    schedule_interview,
    watch_events,
)
from tests.e2e.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


def test_a_killed_server_loses_two_seconds_at_most(tmp_path: Path, browser: Browser):
    server = ServerProcess(tmp_path / "data")
    ada, _ = new_page(browser.new_context())
    sam, _ = new_page(browser.new_context())
    events = watch_events(ada)
    make_first_account(ada, server.wait_for(r"(\S+/setup/\S+)"))
    interview, join_link = schedule_interview(ada, server.base_url)
    enter_room(ada, interview)
    candidate_waits(sam, join_link, agrees_to=("call", "analysis"))
    admit(ada)
    expect(ada.locator("#analysis-toggle")).to_be_enabled(timeout=WAIT_MS)
    ada.click("#analysis-toggle")
    deadline = time.monotonic() + 60
    while not [event for event in events if event["type"] == "estimate" and event["t_s"] >= 6]:
        assert time.monotonic() < deadline
        ada.wait_for_timeout(100)
    newest_s = max(event["t_s"] for event in events if event["type"] == "estimate")
    server.kill()
    sam.close()

    again = ServerProcess(tmp_path / "data")
    try:
        page, _ = new_page(browser.new_context())
        page.goto(f"{again.base_url}/login")
        page.fill("#f-email", "ada@example.org")
        page.fill("#f-password", PASSWORD)
        page.click("main button[type=submit]")
        page.goto(interview.replace(server.base_url, again.base_url))
        page.click("a[href^='/sessions/']")
        expect(page.locator("main")).to_contain_text(re.compile("interrupted", re.IGNORECASE))
        expect(page.locator("#course-chart canvas")).to_be_visible(timeout=WAIT_MS)
        session = json.loads(page.request.get(f"{page.url}/session.json").text())
        assert session["series"][-1]["t_s"] >= newest_s - 2
    finally:
        again.stop()
