"""A real Chromium publishes and watches through the media plane; only the page around it is the test's own."""

import contextlib
import itertools

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import async_playwright

from server.clock import monotonic_s
from server.config import Config
from server.http import whip
from server.http.keys import CONFIG, PLANE, ROOMS
from server.http.middleware import map_errors
from server.media import Kind
from server.rtc.plane import MediaPlane, PublisherState
from tests.e2e.conftest import chromium_path
from tests.fakes.open_rooms import OpenRooms, let_in
from tests.fakes.rtc_peer import until

pytestmark = pytest.mark.browser

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-loopback-in-peer-connection",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]

PAGE = """<!doctype html><title>rtc</title><link rel="icon" href="data:,"><script>
async function exchange(peer, url) {
  await peer.setLocalDescription();
  const answer = await fetch(url, {method: 'POST', headers: {'Content-Type': 'application/sdp'},
                                   body: peer.localDescription.sdp});
  if (answer.status !== 201) throw new Error(answer.status + ' ' + await answer.text());
  await peer.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  return answer.headers.get('Location');
}
window.publish = async (codec) => {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 640, height: 480}});
  const peer = window.peer = new RTCPeerConnection();
  for (const track of stream.getTracks()) {
    const transceiver = peer.addTransceiver(track, {direction: 'sendonly'});
    if (track.kind === 'video' && codec) {
      const all = RTCRtpReceiver.getCapabilities('video').codecs;
      transceiver.setCodecPreferences(all.filter(c => c.mimeType === codec || c.mimeType === 'video/rtx'));
    }
  }
  return exchange(peer, '/whip/room');
};
window.viewers = [];
window.watch = async (name) => {
  const began = performance.now();
  const peer = new RTCPeerConnection();
  const video = document.body.appendChild(document.createElement('video'));
  video.muted = video.autoplay = true;
  const stream = video.srcObject = new MediaStream();
  peer.ontrack = event => stream.addTrack(event.track);
  peer.addTransceiver('audio', {direction: 'recvonly'});
  peer.addTransceiver('video', {direction: 'recvonly'});
  const first = new Promise(resolve => video.requestVideoFrameCallback(() => resolve(performance.now() - began)));
  const location = await exchange(peer, '/whep/room/candidate?who=' + name);
  window.viewers.push(peer);
  return {location, first: await first};
};
window.figures = async (peer) => {
  const wanted = {};
  for (const stat of (await peer.getStats()).values())
    if (stat.type === 'inbound-rtp' || stat.type === 'outbound-rtp' || stat.type === 'remote-inbound-rtp')
      wanted[stat.type + ' ' + stat.kind] = stat;
  return JSON.parse(JSON.stringify(wanted));
};
</script><body></body>"""


async def _page(request):
    return web.Response(text=PAGE, content_type="text/html")


class Keeper:
    def __init__(self):
        self.frames = []

    def push(self, frame):
        self.frames.append(frame)

    def ended(self, reason):
        pass


class Stage:
    """The plane behind a small server, and a browser in front of it."""

    def __init__(self, plane, events, browser, url):
        self.plane, self.events, self._browser, self._url = plane, events, browser, url

    async def page(self):
        context = await self._browser.new_context()
        page = await context.new_page()
        await page.goto(self._url)
        return page


@contextlib.asynccontextmanager
async def stage():
    events = []
    config = Config()
    plane = MediaPlane(config, clock=monotonic_s, on_publisher=events.append)
    app = web.Application(middlewares=[map_errors, let_in])
    app[PLANE], app[CONFIG], app[ROOMS] = plane, config, OpenRooms()
    app.router.add_get("/", _page)
    app.router.add_post("/whip/{room_id}", whip.publish)
    app.router.add_post("/whep/{room_id}/{participant_id}", whip.watch)
    async with TestServer(app) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        try:
            yield Stage(plane, events, browser, f"http://127.0.0.1:{server.port}/")
        finally:
            await browser.close()
            await plane.close()


async def figures(page, peer="window.viewers[0]"):
    return await page.evaluate(f"window.figures({peer})")


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_chromium_publishes_and_watches(codec):
    async with stage() as it:
        keeper = Keeper()
        it.plane.attach("room", "candidate", keeper)
        candidate, interviewer = await it.page(), await it.page()
        await candidate.evaluate("codec => window.publish(codec)", f"video/{codec}")
        await until(lambda: it.events and it.events[-1].state is PublisherState.LIVE)
        assert it.events[-1].video_codec == codec
        await interviewer.evaluate("window.watch('interviewer')")
        before = await figures(interviewer)
        await until(lambda: len(keeper.frames) > 400, 30)
        after = await figures(interviewer)
        decoded = after["inbound-rtp video"]["framesDecoded"] - before["inbound-rtp video"]["framesDecoded"]
        assert decoded > 30
        assert after["inbound-rtp audio"]["totalSamplesReceived"] > 48_000
        # Concealed samples before the first packet do not count as loss.
        assert after["inbound-rtp audio"]["packetsLost"] == 0
        assert after["inbound-rtp video"]["packetsLost"] == 0
        video = [frame for frame in keeper.frames if frame.kind is Kind.VIDEO]
        assert [frame.follows_gap for frame in video] == [True] + [False] * (len(video) - 1)
        stamps = [frame.rtp_timestamp for frame in video]
        assert all(a < b for a, b in itertools.pairwise(stamps))
        # Both ends may use Opus FEC: the sender towards us, the viewer's decoder on what we pass on.
        for page, peer in ((candidate, "window.peer"), (interviewer, "window.viewers[0]")):
            for side in ("localDescription", "remoteDescription"):
                assert "minptime=10;useinbandfec=1" in await page.evaluate(f"{peer}.{side}.sdp")
        sent = await figures(candidate, "window.peer")
        assert sent["outbound-rtp video"]["framesEncoded"] > 30


async def test_the_first_picture_of_a_late_joiner_comes_within_half_a_second():
    async with stage() as it:
        candidate, interviewer = await it.page(), await it.page()
        await candidate.evaluate("window.publish('video/VP8')")
        await until(lambda: it.events and it.events[-1].state is PublisherState.LIVE)
        waits_s = []
        for n in range(20):
            joined = await interviewer.evaluate(f"window.watch('viewer{n}')")
            waits_s.append(joined["first"] / 1000)
            await interviewer.evaluate("window.viewers.pop().close()")
        assert sorted(waits_s)[18] <= 0.5, waits_s
