"""The media plane with real aiortc clients on loopback."""

import asyncio
import contextlib
import itertools
import socket
import threading
import time

import pytest

from server.errors import Conflict, NotFound, Unavailable
from server.media import Codec, Kind
from server.rtc import plane as plane_module
from server.rtc import source as source_module
from server.rtc.packets import starts_keyframe
from server.rtc.plane import MAX_VIEWS_EACH, PublisherState
from tests.fakes.plane_bench import Bench, Keeper, bench, hashes, is_run_of, seen
from tests.fakes.rtc_peer import PublishingClient, unplug, until


async def test_vp8_and_opus_reach_viewer_and_consumer_bit_exact():
    async with bench() as it:
        keeper = Keeper()
        it.plane.attach("room", "candidate", keeper)
        candidate = await it.publisher()
        await it.live()
        assert it.states() == ["connecting", "live"]
        assert (it.events[-1].has_audio, it.events[-1].has_video, it.events[-1].video_codec) == (True, True, "VP8")
        viewer = await it.viewer()
        await until(lambda: len(viewer.video.packets) > 100 and len(viewer.audio.packets) > 60)
        video, audio = seen(viewer.video, Codec.VP8), seen(viewer.audio, Codec.OPUS)
        assert video[0].is_keyframe
        assert len(video) > 20
        assert is_run_of(hashes(f.data for f in video), hashes(candidate.video.sent))
        assert is_run_of(hashes(f.data for f in audio), hashes(candidate.audio.sent))
        assert is_run_of(hashes(f.data for f in keeper.of(Kind.VIDEO)), hashes(candidate.video.sent))
        assert is_run_of(hashes(f.data for f in keeper.of(Kind.AUDIO)), hashes(candidate.audio.sent))
        for kind in Kind:
            frames = keeper.of(kind)
            assert [f.follows_gap for f in frames] == [True] + [False] * (len(frames) - 1)
            assert all(f.capture_s <= f.arrival_s for f in frames)
            assert frames[-1].capture_s == pytest.approx(frames[-1].arrival_s, abs=0.5)


async def test_h264_is_forwarded_too():
    async with bench() as it:
        candidate = await it.publisher(codec="H264", audio=False)
        await it.live()
        assert it.events[-1].video_codec == "H264"
        assert it.events[-1].has_audio is False
        viewer = await it.viewer()
        await until(lambda: len(viewer.video.packets) > 100)
        frames = seen(viewer.video, Codec.H264)
        assert frames[0].is_keyframe

        def without_codes(data):
            return data.replace(b"\0\0\0\1", b"").replace(b"\0\0\1", b"")

        assert is_run_of([without_codes(f.data) for f in frames], [without_codes(d) for d in candidate.video.sent])


async def test_audio_alone():
    async with bench() as it:
        await it.publisher(video=False)
        await it.live()
        assert (it.events[-1].has_audio, it.events[-1].has_video, it.events[-1].video_codec) == (True, False, None)
        viewer = await it.viewer()
        await until(lambda: len(viewer.audio.packets) > 20)
        assert viewer.video.packets == []


async def test_no_decoder_threads_are_left_running():
    async with bench() as it:
        await it.publisher()
        viewer = await it.viewer()
        await until(lambda: viewer.video.packets)
        assert [thread.name for thread in threading.enumerate() if "decoder" in thread.name] == []


async def test_a_late_joiner_starts_with_a_key_frame_soon():
    async with bench() as it:
        await it.publisher()
        await it.live()
        waits_s = []
        for n in range(4):
            start_s = time.monotonic()
            viewer = await it.viewer(f"viewer{n}")
            await until(lambda viewer=viewer: any(p.marker for p in viewer.video.packets))
            waits_s.append(time.monotonic() - start_s)
            assert starts_keyframe(Codec.VP8, viewer.video.packets[0].payload)
        assert sorted(waits_s)[1] < 0.5, waits_s


async def test_any_number_of_requests_reaches_the_publisher_throttled():
    async with bench() as it:
        candidate = await it.publisher()
        await it.live()
        attachment = it.plane.attach("room", "candidate", Keeper())
        viewer = await it.viewer()
        await until(lambda: viewer.video.packets)
        before, start_s = candidate.video.n_keyframe_requests, time.monotonic()
        while time.monotonic() - start_s < 1.2:
            attachment.request_keyframe()
            await viewer.taps["video"].send_pli(viewer.video.packets[0].ssrc)
            await asyncio.sleep(0.02)
        elapsed_s = time.monotonic() - start_s
        sent = candidate.video.n_keyframe_requests - before
        assert 1 <= sent <= elapsed_s / source_module.KEYFRAME_PAUSE_S + 1
        assert it.plane.stats().total["keyframes_asked"] > 5 * sent


async def test_a_viewer_outlives_the_publishers_connection():
    async with bench() as it:
        keeper = Keeper()
        it.plane.attach("room", "candidate", keeper)
        first = await it.publisher()
        await it.live()
        viewer = await it.viewer()
        await until(lambda: len(viewer.video.packets) > 20 and len(viewer.audio.packets) > 20)
        second = await it.publisher()
        with pytest.raises(NotFound):
            it.plane.owner(first.resource.id)
        n_video, n_audio = len(viewer.video.packets), len(viewer.audio.packets)
        await until(lambda: len(viewer.video.packets) > n_video + 60 and len(viewer.audio.packets) > n_audio + 40)
        assert it.states() == ["connecting", "live", "connecting", "live"]
        for track, codec, sent in (
            (viewer.video, Codec.VP8, first.video.sent + second.video.sent),
            (viewer.audio, Codec.OPUS, first.audio.sent + second.audio.sent),
        ):
            assert len({packet.ssrc for packet in track.packets}) == 1
            seqs = [packet.sequence_number for packet in track.packets]
            assert all((b - a) % 65536 == 1 for a, b in itertools.pairwise(seqs))
            stamps = [packet.timestamp for packet in track.packets]
            assert all((b - a) % 2**32 < 2**31 for a, b in itertools.pairwise(stamps))
            strange = [frame.data for frame in seen(track, codec) if frame.data not in set(sent)]
            # The first publisher may have been cut off in the middle of a picture.
            assert len(strange) <= 1
            assert all(any(whole.startswith(part) for whole in sent) for part in strange)
        gaps = [frame for frame in keeper.of(Kind.VIDEO) if frame.follows_gap]
        assert len(gaps) == 2
        assert all(frame.is_keyframe for frame in gaps)
        assert keeper.reason is None


async def test_silence_is_an_interruption_and_packets_end_it(monkeypatch):
    monkeypatch.setattr(source_module, "INTERRUPTED_AFTER_S", 0.5)
    async with bench() as it:
        candidate = await it.publisher()
        await it.live()
        plug = unplug(candidate.peer)
        await until(lambda: it.events[-1].state is PublisherState.INTERRUPTED)
        viewer = await it.viewer()
        plug()
        await it.live()
        await until(lambda: viewer.video.packets)
        assert it.states() == ["connecting", "live", "interrupted", "live"]


async def test_a_publisher_that_vanishes_is_interrupted_at_once_and_can_come_back():
    async with bench() as it:
        first = await it.publisher()
        await it.live()
        viewer = await it.viewer()
        await until(lambda: viewer.video.packets)
        await first.close()
        await until(lambda: it.events[-1].state is PublisherState.INTERRUPTED, 3)
        n_packets = len(viewer.video.packets)
        await it.publisher()
        await until(lambda: len(viewer.video.packets) > n_packets + 20)
        assert it.events[-1].state is PublisherState.LIVE


async def test_closing_the_publication_keeps_viewers_and_consumers():
    async with bench() as it:
        keeper = Keeper()
        it.plane.attach("room", "candidate", keeper)
        first = await it.publisher()
        await it.live()
        viewer = await it.viewer()
        await until(lambda: viewer.video.packets)
        await it.plane.close_resource(first.resource.id)
        assert it.events[-1].state is PublisherState.CLOSED
        assert keeper.reason is None
        with pytest.raises(Conflict):
            await it.viewer("another")
        n_packets, n_frames = len(viewer.video.packets), len(keeper.frames)
        await it.publisher()
        await until(lambda: len(viewer.video.packets) > n_packets + 10 and len(keeper.frames) > n_frames + 10)


async def test_a_participant_who_leaves_ends_everything_of_theirs():
    async with bench() as it:
        keeper = Keeper()
        it.plane.attach("room", "candidate", keeper)
        candidate = await it.publisher()
        interviewer = await it.publisher("interviewer")
        await until(lambda: it.states().count("live") == 2)
        watching = await it.viewer("interviewer", "candidate")
        watched_by = await it.viewer("candidate", "interviewer")
        await it.plane.close_participant("room", "candidate")
        assert keeper.reason is not None
        for client in (candidate, watching, watched_by):
            with pytest.raises(NotFound):
                it.plane.owner(client.resource.id)
        assert it.plane.owner(interviewer.resource.id).participant_id == "interviewer"
        assert it.plane.publication("room", "candidate") is None
        assert it.plane.stats().total["publishers"] == 1


async def test_a_viewer_holds_few_connections_and_the_newest_stay():
    async with bench() as it:
        await it.publisher()
        other = await it.viewer("other")
        views = [await it.viewer() for _ in range(MAX_VIEWS_EACH + 2)]
        assert it.plane.stats().total["viewers"] == MAX_VIEWS_EACH + 1
        for gone in views[:2]:
            with pytest.raises(NotFound):
                it.plane.owner(gone.resource.id)
        for kept in (*views[2:], other):
            it.plane.owner(kept.resource.id)


async def test_close_takes_less_than_a_second_and_leaves_no_task():
    tasks = asyncio.all_tasks()
    it = Bench()
    await it.publisher()
    await it.live()
    for n in range(3):
        await it.viewer(f"viewer{n}")
    start_s = time.monotonic()
    await it.plane.close()
    assert time.monotonic() - start_s < 1.0
    for client in it.clients:
        await client.close()
    await until(lambda: not asyncio.all_tasks() - tasks, 3)
    with pytest.raises(Unavailable):
        await it.publisher()
    await it.clients[-1].close()


@pytest.mark.parametrize("delay_s", [0.0, 0.005, 0.01, 0.02, 0.04, 0.08])
async def test_closing_at_any_moment_of_connecting_leaves_no_task(delay_s):
    tasks = asyncio.all_tasks()
    async with bench() as it:
        await it.publisher()
        await it.live()
        for n in range(3):
            await it.viewer(f"viewer{n}")
        await asyncio.sleep(delay_s)
    await until(lambda: not asyncio.all_tasks() - tasks, 3)


async def test_lost_packets_are_repaired_on_both_legs():
    async with bench() as it:
        candidate = await it.publisher(audio=False)
        await it.live()
        viewer = await it.viewer(kinds=("video",))
        await until(lambda: viewer.video.packets)
        lose_every(candidate.peer, 25)
        lose_every(_sender_peer(it.plane), 30)
        await until(lambda: len(viewer.video.packets) > 700, 30)
        stats = it.plane.stats().total
        assert stats["packets_repaired"] > 5
        seqs = sorted({packet.sequence_number for packet in viewer.video.packets})
        assert stats["packets_in"] > 700
        # What was lost towards us was asked for, came and was forwarded; the viewer itself only asks for what we lost.
        missing_upstream = stats["packets_asked_again"] - stats["packets_repaired"]
        assert missing_upstream <= 0.2 * stats["packets_asked_again"] + 2
        assert len(seqs) > 600


def _sender_peer(plane):
    (source,) = plane._sources.values()
    (subscriber,) = source.subscribers
    return subscriber.connection.peer


def lose_every(peer, n):
    """Let every n-th datagram of media that leaves this peer get lost."""
    dtls = peer.getTransceivers()[0].receiver.transport
    (pair,) = dtls.transport._connection._nominated.values()
    transport = pair.protocol.transport
    original, count = transport.sendto, itertools.count(1)

    class Lossy:
        def __getattr__(self, name):
            return getattr(transport, name)

        def sendto(self, data, address):
            is_media = data[0] >= 128 and data[1] & 0x7F not in range(72, 77)
            if not is_media or next(count) % n:
                original(data, address)

    pair.protocol.transport = Lossy()


async def test_media_uses_the_configured_udp_ports():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        first = max(1024, probe.getsockname()[1] - 20)
    async with bench(udp_ports=f"{first}-{first + 10}") as it:
        candidate = await it.publisher()
        await it.live()
        viewer = await it.viewer()
        for client in (candidate, viewer):
            lines = [line for line in client.resource.answer_sdp.splitlines() if line.startswith("a=candidate")]
            assert lines
            assert all(first <= int(line.split()[5]) <= first + 10 for line in lines)
        await until(lambda: viewer.video.packets)


async def test_used_up_ports_are_said_and_cost_nothing():
    with contextlib.ExitStack() as stack:
        port = take_two_ports(stack)
        async with bench(udp_ports=f"{port}-{port + 1}") as it:
            with pytest.raises(Unavailable, match="UDP port"):
                await it.publisher()
            assert it.plane.publication("room", "candidate") is None
            assert it.plane.stats().total["publishers"] == 0


def take_two_ports(stack):
    """Occupy two neighbouring UDP ports; return the first."""
    for port in range(20_000, 30_000, 2):
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2)]
        with contextlib.suppress(OSError):
            for n, it in enumerate(sockets):
                it.bind(("127.0.0.1", port + n))
            return port
    raise AssertionError("no two neighbouring ports are free")


async def test_a_connection_that_never_comes_up_is_closed(monkeypatch):
    monkeypatch.setattr(plane_module, "CONNECT_TIMEOUT_S", 0.6)
    async with bench() as it:
        client = PublishingClient()
        it.clients.append(client)
        resource = await it.plane.publish("room", "candidate", await client.offer())
        assert it.plane.owner(resource.id).room_id == "room"
        await until(lambda: it.states() == ["connecting", "interrupted"], 5)
        with pytest.raises(NotFound):
            it.plane.owner(resource.id)
        assert it.plane.stats().total["connections_failed"] == 1


async def test_a_viewer_to_whom_nothing_can_be_sent_is_dropped_and_nobody_else_notices():
    async with bench() as it:
        keeper = Keeper()
        it.plane.attach("room", "candidate", keeper)
        await it.publisher()
        await it.live()
        good, bad = await it.viewer("good"), await it.viewer("bad")
        await until(lambda: good.video.packets and bad.video.packets)
        source = it.plane._sources["room", "candidate"]
        peers = {entry.owner.participant_id: entry.peer for entry in it.plane._resources.values()}
        tracks = peers["bad"].tracks
        tracks[Kind.VIDEO]._port.mid = "x" * 300  # more than a packet can carry
        n_seen, n_frames = len(good.video.packets), len(keeper.of(Kind.VIDEO))
        await until(lambda: peers["bad"] not in source.subscribers)
        await until(lambda: len(good.video.packets) > n_seen + 20 and len(keeper.of(Kind.VIDEO)) > n_frames + 5)
        total = it.plane.stats().total
        assert (total["viewers_failed"], total["viewers"], total["packets_malformed"]) == (1, 1, 0)
        numbers = [packet.sequence_number for packet in good.video.packets]
        assert all((b - a) % 2**16 == 1 for a, b in itertools.pairwise(numbers))


async def test_rooms_are_apart_and_counted_apart():
    async with bench() as it:
        client = PublishingClient(audio=False)
        it.clients.append(client)
        await client.publish(it.plane, room_id="one")
        await it.live()
        with pytest.raises(Conflict):
            await it.plane.watch("two", "candidate", "viewer", await client.offer())
        assert set(it.plane.stats().rooms) == {"one"}
        await it.plane.close_room("one")
        assert it.plane.stats().rooms == {}
        assert it.plane.stats().total["packets_in"] > 0
        assert it.events[-1].state is PublisherState.CLOSED
