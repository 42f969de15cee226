"""A call under a storm of garbage from strangers and from the peer's own address goes on; other rooms feel nothing."""

import asyncio
import logging
import random
import resource
import socket
import struct

import pytest
from aioice.stun import COOKIE

from server.media import Codec
from tests.fakes.plane_bench import bench, hashes, is_run_of, seen
from tests.fakes.rtc_peer import PublishingClient, WatchingClient, until

STORM_S = 4.0
PEER_PER_S, STRANGERS_PER_S = 1200, 3000

_log = logging.getLogger(__name__)


def garbage(chance, genuine):
    """One datagram of bad will: damaged or repeated packets of the call, and inventions of every kind."""
    match chance.randrange(9):
        case 0 | 1:
            data = bytearray(chance.choice(genuine))
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            return bytes(data)
        case 2:
            return chance.choice(genuine)  # a replay
        case 3:
            return b"\x80\x60" + chance.randbytes(chance.randrange(0, 1400))
        case 4:
            return b"\x80\xc8" + chance.randbytes(chance.randrange(0, 200))  # SRTCP
        case 5:  # DTLS: alert, handshake, application data
            kind = chance.choice([20, 21, 22, 23])
            body = chance.choice([b"\x02\x00", b"\x01\x00", chance.randbytes(chance.randrange(0, 100))])
            return struct.pack("!BHHHIH", kind, 0xFEFD, chance.randrange(2), 0, chance.randrange(9), len(body)) + body
        case 6:
            body = chance.randbytes(4 * chance.randrange(0, 40))
            return struct.pack("!HHI", chance.choice([1, 0x101, 0x111, 0x11]), len(body), COOKIE) + (
                chance.randbytes(12) + body
            )
        case 7:
            return b""
        case _:
            return chance.randbytes(chance.randrange(0, 9000))


def wire(client):
    """Return the client's UDP socket and the address its media goes to."""
    ice = client.peer.getTransceivers()[0].receiver.transport.transport._connection
    pair = ice._nominated[1]
    return pair.protocol.transport, pair.remote_addr


def recorded(transport):
    """Collect what is sent by a socket."""
    sent, send = [], transport.sendto

    def sendto(data, addr=None):
        sent.append(bytes(data))
        del sent[:-200]
        send(data, addr)

    transport.sendto = sendto
    return sent


async def blow(send, per_s, make):
    """Send at a rate for as long as the storm lasts, in small gusts."""
    loop = asyncio.get_running_loop()
    start_s, n_sent = loop.time(), 0
    while (passed_s := loop.time() - start_s) < STORM_S:
        while n_sent < passed_s * per_s:
            send(make())
            n_sent += 1
        await asyncio.sleep(0.005)
    return n_sent


@pytest.mark.slow
async def test_a_storm_of_garbage_breaks_nothing_here_or_in_another_room(caplog):
    caplog.set_level(logging.INFO)
    escaped = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: escaped.append(context))
    chance = random.Random(7)
    async with bench() as it:
        candidate = await it.publisher()
        await it.live()
        viewer = await it.viewer()
        quiet, watcher = PublishingClient(audio=False), WatchingClient(kinds=("video",))
        it.clients += [quiet, watcher]
        await quiet.publish(it.plane, "other", "candidate")
        await watcher.watch(it.plane, "other", "candidate")
        await until(lambda: viewer.video.packets and watcher.video.packets)
        transport, server = wire(candidate)
        genuine = recorded(transport)
        await until(lambda: len(genuine) >= 20)
        before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        n_before, n_quiet = len(viewer.video.packets), len(watcher.video.packets)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.setblocking(False)
            n_peer, n_strange = await asyncio.gather(
                blow(lambda data: transport._sock.sendto(data, server), PEER_PER_S, lambda: garbage(chance, genuine)),
                blow(lambda data: stranger.sendto(data, server), STRANGERS_PER_S, lambda: garbage(chance, genuine)),
            )
        n_media, n_other = len(viewer.video.packets) - n_before, len(watcher.video.packets) - n_quiet
        n_after = len(viewer.video.packets)
        await until(lambda: len(viewer.video.packets) > n_after + 60)
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
        stats = it.plane.stats()
        told = {name: count for name, count in stats.rooms["room"].items() if "datagram" in name or "stun" in name}
        _log.info("peer %d, strangers %d, viewer got %d, other %d, %s", n_peer, n_strange, n_media, n_other, told)
        assert n_media > 0.8 * n_other > 0
        assert is_run_of(hashes(f.data for f in seen(viewer.video, Codec.VP8)), hashes(candidate.video.sent))
        assert is_run_of(hashes(f.data for f in seen(watcher.video, Codec.VP8)), hashes(quiet.video.sent))
        assert stats.rooms["room"]["datagrams_of_strangers"] > 0.1 * n_strange
        assert stats.rooms["room"]["stun_refused"] > 0
        other = stats.rooms["other"]
        assert not any(count for name, count in other.items() if "datagrams" in name or "malformed" in name)
        assert it.states() == ["connecting", "live", "connecting", "live"]
        assert grown_kib < 20_000
    assert escaped == []
    assert len([record for record in caplog.records if record.name.startswith("server")]) < 10
