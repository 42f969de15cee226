"""What the plane says about its connections, from real calls."""

from dataclasses import replace

from server.media import Kind
from server.rtc.incoming import IncomingTrack
from tests.fakes.plane_bench import bench
from tests.fakes.rtc_peer import until


async def test_a_call_is_measured_from_offer_to_close():
    async with bench() as it:
        measures = it.plane.measures
        await it.publisher()
        await it.live()
        await it.viewer()
        await until(lambda: measures.first_pictures.count == 1)
        assert measures.joins.count == 2
        assert 0 < measures.joins.sum_s < 10
        await until(lambda: measures.dwells.count > 50)
        # Forwarded at once: a packet that waits for a timer would spoil the mean.
        assert measures.dwells.sum_s / measures.dwells.count < 0.05
        await it.plane.close_room("room")
        await until(lambda: measures.closes.count == 2)
        assert measures.closes.sum_s < 2


async def test_each_connection_tells_how_it_does():
    async with bench() as it:
        await it.publisher()
        await it.live()
        await it.viewer()
        await it.viewer("second")
        await until(lambda: len([r for r in it.plane.reports() if r.connected_s is not None and r.rtt_s]) == 3, 20)
        await until(lambda: all(track.packets > 20 for r in it.plane.reports("room") for track in r.outgoing))
        own, *views = sorted(it.plane.reports("room"), key=lambda report: report.direction)
        assert it.plane.reports("another room") == ()
        assert (own.direction, own.participant_id, own.source_id) == ("publish", "candidate", "candidate")
        assert {track.kind for track in own.incoming} == {"audio", "video"}
        assert own.outgoing == ()
        assert own.asked_bits_per_s > 100_000
        assert {(view.direction, view.participant_id, view.source_id) for view in views} == {
            ("watch", "interviewer", "candidate"),
            ("watch", "second", "candidate"),
        }
        for report in (own, *views):
            assert 0 < report.rtt_s < 1
            assert 0 <= report.silent_s < 3
            assert report.route.endswith("/udp")
            assert all(0 <= (track.loss_share or 0) <= 1 for track in (*report.incoming, *report.outgoing))
            assert all(track.bits_per_s > 0 for track in (*report.incoming, *report.outgoing))


async def test_what_the_publisher_loses_is_not_told_as_the_viewers_loss():
    async with bench() as it:
        candidate = await it.publisher(audio=False)
        await it.live()
        viewer = await it.viewer(kinds=("video",))
        await until(lambda: len(viewer.video.packets) > 30)
        sender = candidate.peer.getTransceivers()[0].sender
        transport = sender.transport.transport._connection._nominated[1].protocol.transport
        lost, send = [], transport.sendto

        def sendto(data, addr=None):
            is_media = data[0] >= 128 and not 192 <= data[1] <= 208
            if is_media and (len(lost) < 60 or data[8:12] == sender._rtx_ssrc.to_bytes(4, "big")):
                lost.append(data)  # for good: what is sent again is lost too
            else:
                send(data, addr)

        (entry,) = (entry for entry in it.plane._resources.values() if entry.peer in entry.source.subscribers)
        track, told = entry.peer.tracks[Kind.VIDEO], []
        on_report = track.on_report

        def note(**report):
            on_report(**report)
            told.append((report["loss_share"], track.statistics().loss_share))

        track.on_report = note
        transport.sendto = sendto
        await until(lambda: any(reported > 0.1 for reported, _ in told), 20)
        assert all(own < 0.05 for _, own in told)
        assert track.budget_bps is None


async def test_the_sums_of_a_closed_connection_are_kept(monkeypatch):
    bad = IncomingTrack.statistics
    monkeypatch.setattr(IncomingTrack, "statistics", lambda track: replace(bad(track), frozen_s=1.5, packets_lost=7))
    async with bench() as it:
        await it.publisher()
        await it.live()
        assert (it.plane.measures.frozen_s, it.plane.measures.packets_lost) == (0, 0)
        await it.plane.close_room("room")
        assert it.plane.reports() == ()
        assert (it.plane.measures.frozen_s, it.plane.measures.packets_lost) == (3.0, 14)
