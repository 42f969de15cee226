"""A call whose every packet goes through the TURN server: coturn from Debian, both people in Chromium."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.e2e.journey import expect_moving_picture, expect_sound, start_call
from tests.e2e.server_process import ServerProcess
from tests.fakes.coturn import SECRET, Coturn

pytestmark = pytest.mark.browser

KEEP_PEERS = """
window.peers = [];
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
    constructor(...options) {
        super(...options);
        window.peers.push(this);
    }
};
"""

# For each connection that is up: type and transport of the candidate in use, and bytes that went through it.
PATHS = """async () => {
    const paths = [];
    for (const peer of window.peers.filter(({ connectionState }) => connectionState === 'connected')) {
        const stats = await peer.getStats();
        for (const { type, selectedCandidatePairId } of [...stats.values()]) {
            if (type !== 'transport') continue;
            const pair = stats.get(selectedCandidatePairId);
            const local = stats.get(pair.localCandidateId);
            paths.push([local.candidateType, local.relayProtocol, pair.bytesSent + pair.bytesReceived]);
        }
    }
    return paths;
}"""


class KeepingBrowser:
    """A browser whose pages keep their peer connections in ``window.peers``."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def new_context(self) -> BrowserContext:
        context = self._browser.new_context()
        context.add_init_script(KEEP_PEERS)
        return context


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_relay_only_call_carries_both_ways(browser: Browser, tmp_path: Path, transport: str) -> None:
    with Coturn(tmp_path) as coturn:
        server = ServerProcess(
            tmp_path / "data", "--turn-urls", coturn.url(transport), "--turn-secret", SECRET, "--log-level", "debug"
        )
        try:
            call = start_call(server, KeepingBrowser(browser), agrees_to=("call",), query="?network=relay")
            expect_moving_picture(call.sam, "#tiles video")
            expect_sound(call.ada, "#candidate-video")
            expect_sound(call.sam, "#tiles video")
            for page in (call.ada, call.sam):
                paths = page.evaluate(PATHS)
                for _ in range(60):
                    if all(n_bytes > 20_000 for _, _, n_bytes in paths):
                        break
                    page.wait_for_timeout(500)
                    paths = page.evaluate(PATHS)
                assert [path[:2] for path in paths] == [["relay", transport]] * 2, paths
                assert all(n_bytes > 20_000 for _, _, n_bytes in paths), paths
        finally:
            server.stop()
        assert SECRET not in "\n".join(server.output)
        names = {user.partition(":")[2] for user in coturn.users()}
        assert len(names) == 2, "one user name for each person"
