"""Firefox publishes to Chromium and watches Chromium, also as somebody who grants it no camera."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from server.rtc.aiortc_private import host_addresses
from tests.e2e.firefox import Firefox, FirefoxPage, firefox_path
from tests.e2e.journey import (
    PASSWORD,
    admit,
    candidate_waits,
    enter_room,
    expect_moving_picture,
    expect_sound,
    make_first_account,
    new_page,
    schedule_interview,
)
from tests.e2e.server_process import ServerProcess

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(firefox_path() is None, reason="no Firefox; scripts/test installs it"),
]

# Without a screen Firefox paints no frames, so those count that are decoded; that the element plays is seen besides.
DECODED = """async (s) => {
    const video = document.querySelector(s);
    if (!video || video.paused || !video.videoWidth) return 0;
    let n = 0;
    for (const peer of window.connections.filter((peer) => peer.connectionState === 'connected'))
        for (const stat of (await peer.getStats()).values())
            if (stat.type === 'inbound-rtp') n += stat.framesDecoded ?? 0;
    return n;
}"""

# Keeps the page's connections, to look at what they agreed on and to break them.
KEEP_CONNECTIONS = """() => {
    window.connections = [];
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...given) {
            super(...given);
            window.connections.push(this);
        }
    };
}"""

# Nor has it an audio device to play to: what was decoded and how loud it was says whether there is sound.
HEARD = """async () => {
    let heard = 0;
    for (const peer of window.connections.filter((peer) => peer.connectionState === 'connected'))
        for (const stat of (await peer.getStats()).values())
            if (stat.type === 'inbound-rtp') heard = Math.max(heard, stat.totalAudioEnergy ?? 0);
    return heard;
}"""

AGREED = """() => Promise.all(window.connections.filter((p) => p.connectionState === 'connected').map(async (peer) => ({
    offer: peer.localDescription?.sdp ?? '',
    codecs: [...(await peer.getStats()).values()].filter((s) => s.type === 'codec').map((s) => s.mimeType),
})))"""


@pytest.fixture
def server(tmp_path) -> Iterator[ServerProcess]:
    """Firefox sends nothing to a loopback address from the addresses that it hides, so the server has others too."""
    addresses = ",".join(["127.0.0.1", *host_addresses()])
    process = ServerProcess(tmp_path / "data", "--ice-addresses", addresses)
    yield process
    process.stop()


def _expect_firefox_sees(page: FirefoxPage, selector: str, *, frames: int = 15) -> None:
    page.wait_for(f"async (s) => await ({DECODED})(s) > 5", selector)
    seen = page.evaluate(DECODED, selector)
    page.wait_for(f"async (s, n) => await ({DECODED})(s) > n", selector, seen + frames)


def _candidate_waits(page: FirefoxPage, join_link: str) -> None:
    """The steps of ``journey.candidate_waits``, in Firefox."""
    page.goto(join_link)
    page.click("#consent-form input[name=call]")
    page.click("#consent-form button[type=submit]")
    page.click("#ask-devices")
    page.click("#enter")
    page.wait_visible("#waiting-title")
    page.evaluate(KEEP_CONNECTIONS)


def test_a_candidate_in_firefox(server: ServerProcess, browser: Browser, tmp_path):
    ada, _ = new_page(browser.new_context())
    make_first_account(ada, server.wait_for(r"(\S+/setup/\S+)"))
    interview, join_link = schedule_interview(ada, server.base_url)
    enter_room(ada, interview)
    with Firefox(tmp_path) as firefox:
        sam = firefox.new_page()
        _candidate_waits(sam, join_link)
        admit(ada)
        expect_moving_picture(ada, "#candidate-video")
        expect_sound(ada, "#candidate-video")
        _expect_firefox_sees(sam, "#tiles video")
        sam.wait_for(f"async () => await ({HEARD})() > 1e-5")
        codecs = [codec for peer in sam.evaluate(AGREED) for codec in peer["codecs"]]
        assert {codec.lower() for codec in codecs} == {"video/vp8", "audio/opus"}, "VP8 is agreed both ways"

        # A connection that dies is replaced, and the interviewer sees the candidate again without a click.
        n_before = sam.evaluate("() => window.connections.length")
        sam.evaluate(
            "() => { const peer = window.connections[0]; peer.close();"
            " peer.onconnectionstatechange?.(new Event('connectionstatechange')); }"
        )
        sam.wait_for("n => window.connections.length > n", n_before)
        expect_moving_picture(ada, "#candidate-video", frames=30)


def test_an_interviewer_in_firefox_without_a_camera(server: ServerProcess, browser: Browser, tmp_path):
    """Firefox hides its addresses (mDNS) from a page without a camera: the server learns them from what arrives."""
    ada, _ = new_page(browser.new_context())
    sam, _ = new_page(browser.new_context())
    make_first_account(ada, server.wait_for(r"(\S+/setup/\S+)"))
    interview, join_link = schedule_interview(ada, server.base_url)
    candidate_waits(sam, join_link, agrees_to=("call",))
    with Firefox(tmp_path, may_capture=False) as firefox:
        page = firefox.new_page()
        page.goto(f"{server.base_url}/login")
        page.fill("#f-email", "ada@example.org")
        page.fill("#f-password", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for("() => location.pathname === '/interviews'")
        page.goto(f"{interview}/room")
        page.evaluate(KEEP_CONNECTIONS)
        page.wait_for("() => document.querySelector('#ready').innerText.includes('not allowed')")
        page.click("#enter")
        page.click("#admit")
        _expect_firefox_sees(page, "#candidate-video", frames=30)
        page.wait_for(f"async () => await ({HEARD})() > 1e-5")
        (peer,) = page.evaluate(AGREED)
        candidates = [line for line in peer["offer"].splitlines() if line.startswith("a=candidate:")]
        assert candidates, "the offer went out without waiting, but not without any address"
        assert all(".local " in line for line in candidates), candidates
        assert {codec.lower() for codec in peer["codecs"]} == {"video/vp8", "audio/opus"}
