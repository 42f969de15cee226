"""What the media plane answers to offers: which are refused, what delays none, what becomes of several at once."""

import asyncio
import time

import pytest

from server.errors import Conflict, NotFound, TooManyRequests, Unprocessable
from server.rtc.plane import MAX_ANSWERING, MAX_VIEWS_EACH
from tests.fakes.plane_bench import bench
from tests.fakes.rtc_peer import PublishingClient, WatchingClient, until


async def test_a_flood_of_offers_is_answered_a_few_at_a_time():
    async with bench() as it:
        await it.publisher()
        client = WatchingClient()
        it.clients.append(client)
        offer = await client.offer()
        flood = [it.plane.watch("room", "candidate", "interviewer", offer) for _ in range(3 * MAX_ANSWERING)]
        flood += [it.plane.publish("room", "flooder", offer.replace("recvonly", "sendonly")) for _ in flood]
        results = await asyncio.gather(*flood, return_exceptions=True)
        refused = [result for result in results if isinstance(result, TooManyRequests)]
        assert len(refused) == len(flood) - 2 * MAX_ANSWERING
        assert it.plane.stats().total["viewers"] <= MAX_VIEWS_EACH
        await it.viewer()  # and later there is place again


async def test_watching_someone_who_does_not_publish_is_to_be_tried_again():
    async with bench() as it:
        with pytest.raises(Conflict) as caught:
            await it.viewer()
        assert caught.value.retry_after_s == 1


async def test_a_viewer_who_cannot_take_the_codec_is_told():
    async with bench() as it:
        await it.publisher(codec="H264")
        await it.live()
        with pytest.raises(Unprocessable, match="H264"):
            await it.viewer(codecs=("VP8",))


async def test_a_returning_publisher_keeps_the_codec_of_its_viewers():
    async with bench() as it:
        await it.publisher(codec="H264", audio=False)
        await it.live()
        viewer = await it.viewer()
        other = PublishingClient(audio=False)
        it.clients.append(other)
        transceiver = other.peer.getTransceivers()[0]
        transceiver.setCodecPreferences([])
        await other.publish(it.plane)
        assert it.events[-1].video_codec == "H264"
        assert it.plane.owner(viewer.resource.id)


async def test_a_viewer_of_another_codec_is_closed_so_that_it_asks_anew():
    async with bench() as it:
        await it.publisher(codec="H264", audio=False)
        await it.live()
        viewer = await it.viewer()
        await it.publisher(codec="VP8", audio=False)
        with pytest.raises(NotFound):
            it.plane.owner(viewer.resource.id)


async def test_an_offer_the_wrong_way_round_is_refused():
    async with bench() as it:
        watcher, publisher = WatchingClient(), PublishingClient()
        it.clients += [watcher, publisher]
        with pytest.raises(Unprocessable, match="sends neither"):
            await it.plane.publish("room", "candidate", await watcher.offer())
        await it.publisher()
        with pytest.raises(Unprocessable, match="receives neither"):
            await it.plane.watch("room", "candidate", "viewer", await publisher.offer())


@pytest.mark.parametrize(
    ("line", "instead"),
    [("a=mid:0", "a=mid:" + "x" * 300), ("a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid", None)],
)
async def test_an_offer_whose_packets_could_not_be_made_is_refused(line, instead):
    async with bench() as it:
        await it.publisher()
        await it.live()
        client = WatchingClient()
        it.clients.append(client)
        offer = await client.offer()
        assert line in offer
        if instead is None:
            offer = offer.replace(line, line.replace("a=extmap:1 ", "a=extmap:300 "))
        else:
            offer = offer.replace(line, instead).replace("BUNDLE 0 ", f"BUNDLE {'x' * 300} ")
        with pytest.raises(Unprocessable, match="is not usable"):
            await it.plane.watch("room", "candidate", "viewer", offer)


async def test_names_that_nobody_resolves_do_not_delay_the_answer():
    async with bench() as it:
        client = PublishingClient()
        it.clients.append(client)
        offer = await client.offer()
        hidden = "\r\n".join(
            line.replace("127.0.0.1", "0f8a1c3e-1111-2222-3333-444455556666.local") if "candidate:" in line else line
            for line in offer.splitlines()
        )
        start_s = time.monotonic()
        resource = await it.plane.publish("room", "candidate", hidden + "\r\n")
        assert time.monotonic() - start_s < 0.7
        await client.accept(resource.answer_sdp)
        await it.live()


async def test_trickled_candidates_are_taken_and_a_restart_is_refused():
    async with bench() as it:
        client = PublishingClient()
        it.clients.append(client)
        offer = await client.offer()
        candidates = [line for line in offer.splitlines() if line.startswith("a=candidate")]
        bare = "\r\n".join(line for line in offer.splitlines() if "candidate" not in line) + "\r\n"
        resource = await it.plane.publish("room", "candidate", bare)
        ufrag = next(line for line in offer.splitlines() if line.startswith("a=ice-ufrag"))
        await it.plane.trickle(resource.id, "\r\n".join([ufrag, "m=audio 9 RTP/AVP 0", "a=mid:0", candidates[0]]))
        with pytest.raises(Unprocessable, match="ICE restart"):
            await it.plane.trickle(resource.id, "a=ice-ufrag:other\r\na=ice-pwd:abcdefghijklmnopqrstuvwxyz\r\n")
        await client.accept(resource.answer_sdp)
        await it.live()


async def test_two_offers_at_once_leave_one_connection():
    async with bench() as it:
        clients = [PublishingClient(), PublishingClient()]
        it.clients += clients
        offers = [await client.offer() for client in clients]
        results = await asyncio.gather(
            *(it.plane.publish("room", "candidate", offer) for offer in offers), return_exceptions=True
        )
        assert sorted(type(result).__name__ for result in results) == ["Conflict", "Resource"]
        assert it.plane.stats().total["publishers"] == 1


async def test_a_request_that_is_cancelled_leaves_nothing_open():
    async with bench() as it:
        client = PublishingClient()
        it.clients.append(client)
        tasks = asyncio.all_tasks()
        publishing = asyncio.create_task(it.plane.publish("room", "candidate", await client.offer()))
        await asyncio.sleep(0)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
        await until(lambda: {task.get_name() for task in asyncio.all_tasks() - tasks} <= {"rtc-tick"}, 3)
        assert it.plane.publication("room", "candidate") is None
        await it.publisher()
        await it.live()
