"""kill -9 in the middle of a session: what was measured is there after the restart."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.journey import PASSWORD, WAIT_MS, new_page, start_call
from tests.e2e.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


def test_a_killed_server_loses_two_seconds_at_most(tmp_path: Path, browser: Browser):
    server = ServerProcess(tmp_path / "data")
    try:
        call = start_call(server, browser, agrees_to=("call", "analysis"))
        call.ada.click("#analysis-toggle")
        call.wait_for(lambda: any(estimate["t_s"] >= 6 for estimate in call.estimates()), limit_ms=60_000)
        newest_s = max(estimate["t_s"] for estimate in call.estimates())
    finally:
        server.kill()
    call.sam.close()

    again = ServerProcess(tmp_path / "data")
    try:
        page, _ = new_page(browser.new_context())
        page.goto(f"{again.base_url}/login")
        page.fill("#f-email", "ada@example.org")
        page.fill("#f-password", PASSWORD)
        page.click("main button[type=submit]")
        page.goto(call.interview.replace(server.base_url, again.base_url))
        page.click("a[href^='/sessions/']")
        expect(page.locator("main")).to_contain_text(re.compile("interrupted", re.IGNORECASE))
        expect(page.locator("#course-chart canvas")).to_be_visible(timeout=WAIT_MS)
        session = json.loads(page.request.get(f"{page.url}/session.json").text())
        assert session["series"][-1]["t_s"] >= newest_s - 2
    finally:
        again.stop()
