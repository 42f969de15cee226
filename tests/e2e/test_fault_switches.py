"""What the pages do when the server's fault switches are used, and when the server restarts; no namespaces needed."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.journey import WAIT_MS, expect_moving_picture, start_call
from tests.e2e.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def faulty(tmp_path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "data", module="tests.faults")
    yield process
    process.stop()


def _switch(server: ServerProcess, name: str, **body: object) -> dict[str, int]:
    url = server.wait_for(r"Fault switches on (\S+)")
    request = urllib.request.Request(f"{url}/{name}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        result: dict[str, int] = json.load(response)
    return result


def test_dead_connections_and_lost_news_heal_by_themselves(faulty: ServerProcess, browser: Browser):
    call = start_call(faulty, browser, agrees_to=("call",))
    ada, sam = call.ada, call.sam
    expect_moving_picture(sam, "#tiles video")

    assert _switch(faulty, "media", direction="publish")["connections"] == 2
    expect(ada.locator("#candidate-note")).to_contain_text("has been interrupted for", timeout=WAIT_MS)
    # The network is there, so the candidate's page replaces the connection before it has to say anything.
    expect(ada.locator("#candidate-gap")).to_contain_text("Last interruption", timeout=30_000)
    expect_moving_picture(ada, "#candidate-video")
    expect_moving_picture(sam, "#tiles video")

    assert _switch(faulty, "signalling", refuse_s=6)["dropped"] == 2
    expect(ada.locator("#link-banner")).to_contain_text("has been lost for", timeout=WAIT_MS)
    expect(sam.locator("#banner")).to_be_visible()
    expect_moving_picture(ada, "#candidate-video")
    expect(ada.locator("#link-banner")).to_be_hidden(timeout=WAIT_MS)
    expect(sam.locator("#banner")).to_be_hidden(timeout=WAIT_MS)


def test_both_pages_come_back_after_a_restart_of_the_server(tmp_path: Path, browser: Browser):
    server = ServerProcess(tmp_path / "data")
    try:
        call = start_call(server, browser, agrees_to=("call",))
        expect_moving_picture(call.sam, "#tiles video")
        port = str(urlsplit(server.base_url).port)
        server.stop()
        for page, banner in ((call.sam, "#banner"), (call.ada, "#link-banner")):
            expect(page.locator(banner)).to_contain_text("server is being restarted", timeout=WAIT_MS)
        server = ServerProcess(tmp_path / "data", "--port", port)
        expect(call.ada.locator("#error-banner")).to_contain_text("server was restarted", timeout=WAIT_MS)
        expect_moving_picture(call.ada, "#candidate-video")
        expect_moving_picture(call.sam, "#tiles video")
        expect(call.sam.locator("#banner")).to_be_hidden(timeout=WAIT_MS)
        expect(call.ada.locator("#link-banner")).to_be_hidden(timeout=WAIT_MS)
    finally:
        server.stop()
