"""Research taps on a live interview: standard programs open them, and one that stops reading harms nobody."""

import itertools
import json
import socket
import subprocess
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.e2e.journey import WAIT_MS, expect_moving_picture, start_call
from tests.e2e.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


def _make_tap_token(context: BrowserContext, interview: str) -> str:
    page = context.new_page()
    page.goto(interview)
    page.fill("#f-label", "Lab")
    page.click("form[action$='/taps'] button[type=submit]")
    token = page.input_value("#tap-token")
    page.close()
    return token


def _probe(url: str) -> list[dict[str, object]]:
    command = ["ffprobe", "-v", "error", "-probesize", "400000", "-show_streams", "-of", "json", url]
    result = subprocess.run(command, capture_output=True, timeout=40, check=True)
    return json.loads(result.stdout)["streams"]


def test_taps_of_a_live_interview(server: ServerProcess, browser: Browser):
    call = start_call(server, browser, agrees_to=("call", "analysis", "research"))
    ada, sam = call.ada, call.sam
    token = _make_tap_token(ada.context, call.interview)
    tap_base = f"{server.base_url}/taps/{call.interview.rsplit('/', 1)[-1]}"
    ada.click("#analysis-toggle")
    expect(ada.locator("#session-clock")).to_be_visible(timeout=WAIT_MS)

    streams = _probe(f"{tap_base}/media.mkv?access_token={token}")
    assert {stream["codec_name"] for stream in streams} == {"vp8", "opus"}
    assert next(stream for stream in streams if stream["codec_type"] == "video")["width"] == 640

    request = urllib.request.Request(f"{tap_base}/estimates.ndjson", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as lines:
        estimates = [json.loads(next(lines)) for _ in range(4)]
        # A busy machine may have measured no face yet.
        while not estimates[-1]["emotions"]:
            assert len(estimates) < 30, "no face was measured"
            estimates.append(json.loads(next(lines)))
    times = [estimate["t_s"] for estimate in estimates]
    assert {later - earlier for earlier, later in itertools.pairwise(times)} == {1.0}

    with _stalled_reader(server.base_url, f"{tap_base}/media.mkv", token) as stalled:
        expect_moving_picture(ada, "#candidate-video", frames=60)
        assert stalled.fileno() != -1

    # Withdrawn in the call: the taps close, the call goes on.
    sam.click("#open-consents")
    sam.locator("[data-consent=research]").uncheck()
    expect(sam.locator("[data-consent=research]")).to_be_enabled()  # the server has confirmed it
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 403
    refused.value.close()
    expect_moving_picture(ada, "#candidate-video")


def _stalled_reader(base_url: str, url: str, token: str) -> socket.socket:
    """Open a tap and never read from it."""
    host, port = base_url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    path = url.removeprefix(base_url)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    return connection
