"""A peer that is authenticated and means harm, with real connections: it gets nowhere and nobody else notices."""

import asyncio
import struct
import time

import pytest
from aiortc.rtp import RtpPacket
from OpenSSL import SSL

from server.rtc.outgoing import MAX_NACKED
from tests.fakes.plane_bench import bench
from tests.fakes.rtc_peer import until


@pytest.fixture
async def it():
    """A call with one viewer."""
    async with bench() as call:
        call.candidate = await call.publisher()
        await call.live()
        call.interviewer = await call.viewer()
        await until(lambda: call.interviewer.video.packets)
        yield call


def transport(client):
    return client.peer.getTransceivers()[0].receiver.transport


def ours(it, peer_of):
    """Return our end of the connection of a participant."""
    peer = next(e.peer for e in it.plane._resources.values() if e.owner.participant_id == peer_of)
    return peer.connection.peer.getTransceivers()[0].receiver.transport


async def goes_on(it):
    """The viewer goes on to see pictures."""
    n_before = len(it.interviewer.video.packets)
    await until(lambda: len(it.interviewer.video.packets) > n_before + 20)


async def test_a_new_stream_with_each_packet_fills_nothing(it):
    dtls, mine = transport(it.candidate), ours(it, "candidate")
    payload_type = next(iter(mine._rtp_router.payload_type_table))
    for ssrc in range(1, 400):
        packet = RtpPacket(payload_type=payload_type, ssrc=ssrc, payload=b"x")
        await dtls.transport._send(dtls._tx_srtp.protect(packet.serialize(dtls._rtp_header_extensions_map)))
        if ssrc % 20 == 0:
            await asyncio.sleep(0.01)
    await goes_on(it)
    counted = it.plane.stats().total["datagrams_over_streams"]
    assert counted > 100
    assert len(mine._rtp_router.ssrc_table) < 400 - counted + 5  # the offer names those of picture and sound


async def test_application_data_does_not_pile_up(it):
    dtls, mine = transport(it.candidate), ours(it, "candidate")
    for _ in range(50):
        for _ in range(30):
            dtls._ssl.send(b"x")
        await dtls.transport._send(dtls._ssl.bio_read(1500))
    await goes_on(it)
    assert it.plane.stats().total["datagrams_malformed"] == 50
    with pytest.raises(SSL.WantReadError):  # nothing waits to be read
        mine._ssl.recv(1500)


async def test_one_request_for_thousands_of_packets_holds_nobody_up(it):
    mine = ours(it, "interviewer")
    ssrc = next(sender._ssrc for sender in mine._rtp_router.senders.values() if sender.kind == "video")
    newest = it.interviewer.video.packets[-1].sequence_number
    n_words = 360
    asked = b"".join(struct.pack("!HH", (newest - 17 * n) & 0xFFFF, 0xFFFF) for n in range(n_words))
    message = struct.pack("!BBHII", 0x81, 205, n_words + 2, 1, ssrc) + asked
    begin_s = time.process_time()
    await mine._handle_rtcp_data(message)
    assert time.process_time() - begin_s < 0.05
    assert it.plane.stats().total["nacks_over_rate"] >= 17 * n_words - MAX_NACKED - 17
    await goes_on(it)
