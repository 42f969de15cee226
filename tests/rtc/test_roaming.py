"""A peer changes the pair by which it is reached, as a browser does between Wi-Fi and cable."""

import aioice.ice
from aiortc import RTCSessionDescription

from server.media import Codec
from server.rtc.aiortc_private import bind_candidates, datagrams
from tests.fakes.plane_bench import bench, hashes, is_run_of, seen
from tests.fakes.rtc_peer import PublishingClient, until


async def test_media_goes_on_by_the_new_pair_and_the_old_address_is_a_strangers(monkeypatch):
    monkeypatch.setattr(datagrams, "CONSENT_S", 3.0)
    async with bench() as it:
        client = PublishingClient(audio=False)
        it.clients.append(client)
        bind_candidates(client.peer, ["127.0.0.1", "127.0.0.2"], None)
        await client.peer.setLocalDescription(await client.peer.createOffer())
        resource = await it.plane.publish("room", "candidate", client.peer.localDescription.sdp)
        await client.peer.setRemoteDescription(RTCSessionDescription(sdp=resource.answer_sdp, type="answer"))
        await it.live()
        viewer = await it.viewer(kinds=("video",))
        await until(lambda: len(viewer.video.packets) > 20)
        ice = client.peer.getTransceivers()[0].receiver.transport.transport._connection
        old = ice._nominated[1]
        (other,) = [protocol for protocol in ice._protocols if protocol is not old.protocol]
        pair = aioice.ice.CandidatePair(other, old.remote_candidate)
        request = ice.build_request(pair, nominate=True)
        request.attributes["USE-CANDIDATE"] = None
        ice._nominated[1] = pair  # data goes by the new pair at once, before we can have answered
        await other.request(request, pair.remote_addr, integrity_key=ice.remote_password.encode())
        connection = it.plane._resources[resource.id].peer.connection
        of_server = connection._guard._ice
        await until(lambda: of_server._nominated[1].remote_addr[0] == other.local_candidate.host)
        n_before = len(viewer.video.packets)
        await until(lambda: len(viewer.video.packets) > n_before + 60)
        assert is_run_of(hashes(f.data for f in seen(viewer.video, Codec.VP8)), hashes(client.video.sent))
        await until(
            lambda: (
                connection._guard._nominations
                and all(until_s < it.plane._context.clock() for until_s in connection._guard._nominations.values())
            )
        )
        n_strange = it.plane.stats().total["datagrams_of_strangers"]
        await old.protocol.send_data(b"\x80\x60" + bytes(40), old.remote_addr)
        await until(lambda: it.plane.stats().total["datagrams_of_strangers"] == n_strange + 1)
        assert it.states() == ["connecting", "live"]
        # Our questions go by the new pair and are answered there.
        asked_s = connection.heard_s
        await until(lambda: connection.heard_s > asked_s)
        assert connection.silent_s < 1.0
