"""A real Chromium behind a line that loses datagrams: it answers our requests, hears of loss, and nothing freezes."""

import asyncio
import random

import pytest

from server.media import Kind
from server.rtc.plane import PublisherState
from tests.fakes.rtc_peer import until
from tests.rtc.test_browser import Keeper, figures, stage

pytestmark = pytest.mark.browser

LOSS = 0.05
SECONDS = 15


def lose(peer, share, seed):
    """Lose datagrams with media before anything of ours sees them.

    Not later: the browser deletes what it is told has arrived, and cannot send it again.
    """
    dtls = peer.getTransceivers()[0].receiver.transport
    rng, take, lost = random.Random(seed), dtls._handle_rtp_data, []

    async def take_some(data, **values):
        if rng.random() < share:
            lost.append(data)
        else:
            await take(data, **values)

    dtls._handle_rtp_data = take_some
    return lost


async def test_what_a_browser_sent_in_vain_it_sends_again():
    async with stage() as it:
        keeper = Keeper()
        it.plane.attach("room", "candidate", keeper)
        page = await it.page()
        await page.evaluate("window.publish('video/VP8')")
        await until(lambda: it.events and it.events[-1].state is PublisherState.LIVE)
        publisher = it.plane._sources["room", "candidate"].publisher
        video, audio = publisher.tracks[Kind.VIDEO], publisher.tracks[Kind.AUDIO]
        before = video.statistics()
        lost = lose(publisher.connection.peer, LOSS, 7)
        await asyncio.sleep(SECONDS)
        after, sound = video.statistics(), audio.statistics()
        # What it repeats unasked, to probe for bandwidth, is lost as well and missed by nobody: it does not count.
        repaired = after.packets_repaired - before.packets_repaired
        assert len(lost) > 30
        assert repaired > 10
        assert after.packets_lost <= 0.1 * (repaired + after.packets_lost) + 2
        assert after.nacks > before.nacks  # not one for each: it also repeats packets unasked, to probe for bandwidth
        assert after.keyframe_requests - before.keyframe_requests <= 3
        # The browser knows what the last report said, and one comes every second or so: it is told in the end.
        told = 0
        for _ in range(20):
            told = (await figures(page, "window.peer"))["remote-inbound-rtp audio"]["packetsLost"]
            if told >= sound.packets_lost:
                break
            await asyncio.sleep(0.5)
        assert sound.packets_lost <= told <= audio.statistics().packets_lost, "the encoder can adapt to it"
        heard = [frame for frame in keeper.frames if frame.kind is Kind.AUDIO]
        assert len(heard) >= sound.packets - 5, "every packet that came is a frame"
