"""What the guard before a connection's sockets lets in."""

import asyncio
import contextlib
import logging
import struct

import aioice.stun
import pytest

from server.rtc.aiortc_private import datagrams
from tests.fakes.rtc_sockets import AWAY, HOME, STRANGER, GuardedSocket

RTP = b"\x80\x60" + bytes(30)


def record(kind, body=bytes(20)):
    """One DTLS record (RFC 6347 section 4.1)."""
    return struct.pack("!BHQH", kind, 0xFEFD, 1 << 48, len(body)) + body


def rtp(ssrc, n_bytes=40):
    return b"\x80\x60" + bytes(6) + ssrc.to_bytes(4, "big") + bytes(n_bytes - 12)


def rtcp(ssrc, n_bytes=40):
    return b"\x81\xc9\x00\x09" + ssrc.to_bytes(4, "big") + bytes(n_bytes - 8)


DTLS = record(22)


@pytest.fixture
async def it():
    guarded = GuardedSocket()
    yield guarded
    await guarded.close()


async def test_before_a_pair_is_nominated_only_those_who_passed_a_check_are_heard(it):
    it.come(DTLS, HOME)
    assert it.queued() == []
    assert it.counters.datagrams_of_strangers == 1
    it.check(HOME)
    it.come(DTLS, HOME)
    it.come(DTLS, STRANGER)
    assert it.queued() == [DTLS]
    assert it.counters.datagrams_of_strangers == 2


async def test_afterwards_only_the_nominated_pair(it):
    it.check(HOME)
    it.check(AWAY)
    it.nominate(HOME)
    for addr in (HOME, AWAY, STRANGER, (HOME[0], HOME[1] + 1)):
        it.come(RTP, addr)
    other_socket = it.socket()
    it.come(RTP, HOME, other_socket)
    assert it.queued() == [RTP]
    assert it.counters.datagrams_of_strangers == 4


async def test_a_relayed_socket_is_guarded_alike(it):
    relayed = it.socket("relay")
    pair = it.nominate(HOME)
    pair.protocol = relayed
    it.come(RTP, HOME, relayed)
    it.come(RTP, STRANGER, relayed)
    assert it.queued() == [RTP]
    assert it.consent.route() == "relay/udp"


async def test_a_peer_that_changes_its_address_is_heard_by_both_for_a_moment(it):
    it.check(HOME)
    it.nominate(HOME)
    it.come(RTP, HOME)
    it.check(AWAY, nominate=True)
    it.come(RTP, AWAY)  # a browser does not wait for our answer
    it.nominate(AWAY)
    it.come(RTP, AWAY)
    it.come(RTP, HOME)  # was still under way
    assert len(it.queued()) == 4
    it.time.advance(datagrams.MOVE_S + 0.1)
    it.come(RTP, HOME)
    it.come(RTP, AWAY)
    assert len(it.queued()) == 1
    assert it.counters.datagrams_of_strangers == 1


async def test_a_peer_that_nominates_two_pairs_may_send_by_the_other_one(it):
    """RFC 5245's aggressive nomination: which of them each side takes is not always the same."""
    it.check(HOME, nominate=True)
    it.check(AWAY, nominate=True)
    it.nominate(HOME)
    it.come(DTLS, HOME)
    it.nominate(AWAY)
    for _ in range(4):
        it.come(RTP, HOME)
        assert len(it.queued()) >= 1
        it.time.advance(datagrams.CONSENT_S - 1.0)
        it.check(HOME)  # the peer keeps asking by the pair it uses
        assert it.guard.heard_s == it.time()
    it.time.advance(datagrams.CONSENT_S + 0.1)
    it.come(RTP, HOME)
    assert it.queued() == []


async def test_a_nomination_that_is_not_kept_up_ends(it):
    it.nominate(HOME)
    it.check(AWAY, nominate=True)
    it.time.advance(datagrams.CONSENT_S + 0.1)
    it.come(RTP, AWAY)
    assert it.queued() == []


@pytest.mark.parametrize(
    "wrong", [{"password": "x" * 22}, {"username": "zzzz:abcd"}, {"username": "{local}:zzzz"}, {"username": "{local}"}]
)
async def test_a_check_without_the_password_or_the_name_gets_no_answer(it, wrong):
    wrong = {key: value.format(local=it.ice.local_username) for key, value in wrong.items()}
    it.check(STRANGER, **wrong)
    assert it.sent == []
    assert it.counters.stun_refused == 1
    it.come(RTP, STRANGER)
    assert it.queued() == []
    it.check(HOME)
    assert len(it.sent) == 1
    assert it.sent[0][1] == HOME


async def test_checks_that_have_to_be_verified_are_limited_and_the_peer_keeps_its_share(it):
    it.check(HOME)
    n_strange = 3 * int(datagrams.CHECKS_BURST)
    for n in range(n_strange):
        it.check(("198.51.100.7", 1000 + n), password="x" * 22)
    assert it.counters.stun_refused == datagrams.CHECKS_BURST - 1  # the peer's first was among them
    assert it.counters.stun_over_rate == n_strange - it.counters.stun_refused
    it.check(HOME)
    assert len(it.sent) == 2
    it.time.advance(1.0)
    it.check(STRANGER, password="x" * 22)
    assert it.counters.stun_over_rate == n_strange - datagrams.CHECKS_BURST + 1


async def test_addresses_of_a_peer_are_bounded(it):
    for n in range(3 * datagrams.MAX_ADDRESSES):
        it.time.advance(1.0)
        it.check((HOME[0], 1000 + n))
    assert len(it.guard._known) == datagrams.MAX_ADDRESSES
    assert len(it.sent) == datagrams.MAX_ADDRESSES
    it.check((HOME[0], 1000))
    assert len(it.sent) == datagrams.MAX_ADDRESSES + 1


@pytest.mark.parametrize("data", [b"", b"\x80" + bytes(1500), b"\x40" + bytes(40), b"\xff" * 40, b"\x00\x01\x00\x00"])
async def test_what_is_no_packet_goes_nowhere(it, data):
    it.nominate(HOME)
    it.come(data, HOME)
    assert it.queued() == []
    assert it.counters.datagrams_malformed == 1


async def test_the_largest_datagram_passes(it):
    it.nominate(HOME)
    it.come(b"\x80" + bytes(1499), HOME)
    assert len(it.queued()) == 1


async def test_the_rate_of_the_peer_is_bounded_above_any_honest_one(it):
    it.nominate(HOME)
    passed = 0
    for _ in range(3 * int(datagrams.BURST)):
        it.come(RTP, HOME)
        passed += len(it.queued())
    assert passed == datagrams.BURST
    assert it.counters.datagrams_over_rate == 2 * datagrams.BURST
    it.time.advance(1.0)
    for _ in range(int(datagrams.BURST)):
        it.come(RTP, HOME)
        passed += len(it.queued())
    assert passed == pytest.approx(datagrams.BURST + datagrams.RATE_PER_S, abs=2)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(record(23), id="application data"),
        pytest.param(record(22) + 40 * record(23, b"x"), id="behind a handshake"),
        pytest.param(record(24), id="heartbeat"),
        pytest.param(record(22)[:-1], id="cut short"),
        pytest.param(record(22) + b"\x16\xfe\xfd", id="something behind it"),
        pytest.param(b"\x2f" + bytes(40), id="DTLS 1.3"),
    ],
)
async def test_dtls_that_is_no_handshake_and_no_alert_goes_nowhere(it, data):
    """OpenSSL would keep what aiortc does not read of it."""
    it.nominate(HOME)
    it.come(data, HOME)
    assert it.queued() == []
    assert it.counters.datagrams_malformed == 1


async def test_a_handshake_and_its_end_pass(it):
    it.nominate(HOME)
    flights = [record(22, bytes(700)), record(22) + record(20, b"\x01") + record(22), record(21, bytes(26))]
    for data in flights:
        it.come(data, HOME)
    assert it.queued() == flights


async def test_the_rate_of_dtls_is_bounded_and_media_is_not_held_up_by_it(it):
    it.nominate(HOME)
    for _ in range(2 * int(datagrams.DTLS_BURST)):
        it.come(DTLS, HOME)
    it.come(RTP, HOME)
    assert len(it.queued()) == datagrams.DTLS_BURST + 1
    assert it.counters.datagrams_over_rate == datagrams.DTLS_BURST
    it.time.advance(1.0)
    for _ in range(2 * int(datagrams.DTLS_BURST)):
        it.come(DTLS, HOME)
    assert len(it.queued()) == datagrams.DTLS_PER_S


async def test_the_rate_of_rtcp_is_bounded_and_media_is_not_held_up_by_it(it):
    it.nominate(HOME)
    n_most = int(datagrams.RTCP_BURST_BYTES / 1480)
    for _ in range(2 * n_most):
        it.come(rtcp(7, 1480), HOME)
    it.come(RTP, HOME)
    assert len(it.queued()) == n_most + 1
    assert it.counters.datagrams_over_rate == n_most
    it.time.advance(1.0)
    for _ in range(2 * n_most):
        it.come(rtcp(7, 1480), HOME)
    assert len(it.queued()) == pytest.approx(datagrams.RTCP_BYTES_PER_S / 1480, abs=1)


async def test_only_so_many_streams_of_a_peer_are_decrypted(it):
    it.nominate(HOME)
    for ssrc in range(datagrams.MAX_STREAMS // 2):
        await it.dtls._handle_rtp_data(rtp(ssrc), arrival_time_ms=0)
        await it.dtls._handle_rtcp_data(rtcp(1000 + ssrc))
    for ssrc in range(datagrams.MAX_STREAMS):
        it.come(rtp(5000 + ssrc), HOME)
        it.come(rtcp(6000 + ssrc), HOME)
    assert it.queued() == []
    assert it.counters.datagrams_over_streams == 2 * datagrams.MAX_STREAMS
    known = [rtp(0), rtcp(0), rtp(1000), rtcp(1000)]
    for data in known:
        it.come(data, HOME)
    assert it.queued() == known


async def test_what_was_not_authentic_is_no_stream(it):
    it.nominate(HOME)
    for ssrc in range(3 * datagrams.MAX_STREAMS):
        it.come(rtp(ssrc), HOME)
    assert len(it.queued()) == 3 * datagrams.MAX_STREAMS
    assert it.counters.datagrams_over_streams == 0


async def test_what_waits_for_dtls_is_bounded_and_closing_still_gets_through(it):
    it.nominate(HOME)
    for _ in range(2 * datagrams.MAX_QUEUED):
        it.come(RTP, HOME)
    assert it.ice._queue.qsize() == datagrams.MAX_QUEUED
    assert it.counters.datagrams_over_queue == datagrams.MAX_QUEUED
    it.ice._queue.put_nowait(None)


async def test_stun_that_cannot_be_read_does_not_reach_the_loop(it):
    header = struct.pack("!HHI12s", 1, 0, aioice.stun.COOKIE, bytes(12))
    name = f"{it.ice.local_username}:{'x' * 4}".encode()
    user = struct.pack("!HH", 6, len(name)) + name + bytes(-len(name) % 4)
    for attribute in (
        struct.pack("!HH", 0x24, 2) + b"\x00\x00\x00\x00",  # PRIORITY of two bytes
        struct.pack("!HH", 0x0009, 4) + b"\x00\x00\x04",
        struct.pack("!HH", 0x0020, 8) + b"\x00\x09\x00\x00\x00\x00\x00\x00",
        struct.pack("!HH", 0x8028, 4) + b"\x00\x00\x00\x00",
        b"\x00\x06\xff\xff",
    ):
        body = user + attribute
        it.come(header[:2] + struct.pack("!H", len(body)) + header[4:] + body, STRANGER)
    assert it.sent == []
    assert it.counters.datagrams_malformed + it.counters.stun_refused == 5


async def test_an_answer_to_nothing_is_dropped_unread(it):
    it.come(b"\x01\x01\x00\x00" + struct.pack("!I", aioice.stun.COOKIE) + bytes(12), STRANGER)
    assert it.counters.stun_refused == 1


async def test_a_peer_that_always_disagrees_about_the_roles_is_not_asked_for_ever(it):
    pair = it.nominate(HOME)
    it.ice._check_list.append(pair)
    it.ice.check_start_task(pair)
    for _ in range(10 * datagrams.MAX_ROLE_CONFLICTS):
        for _ in range(5):
            await asyncio.sleep(0)
        request, addr = it.sent[-1]
        it.answer(request, addr, error=487)
    assert len(it.sent) == datagrams.MAX_ROLE_CONFLICTS + 1
    pair.task.cancel()


async def test_a_packet_that_cannot_be_handled_is_counted_and_named_once(it, caplog):
    async def broken(*args, **kwargs):
        raise RuntimeError("no")

    it.guard._original_rtp = it.guard._original_rtcp = broken
    for _ in range(50):
        await it.dtls._handle_rtp_data(RTP, arrival_time_ms=0)
        await it.dtls._handle_rtcp_data(RTP)
    assert it.counters.packets_malformed == 100
    assert len(caplog.records) == 1


async def test_a_storm_writes_no_log_lines(it, caplog):
    caplog.set_level(logging.INFO)
    it.nominate(HOME)
    for n in range(1000):
        for addr in (HOME, STRANGER):
            it.come(RTP, addr)
            it.come(bytes([n % 256]) * 50, addr)
            with contextlib.suppress(IndexError):
                it.check(addr, password="y" * 22)
    assert caplog.records == []
