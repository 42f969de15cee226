import itertools

import pytest

from server.config import Config
from server.media import Codec
from server.rtc.context import Context
from server.rtc.counters import Counters
from server.rtc.outgoing import (
    BACKLOG_BYTES,
    MAX_NACKED,
    NACKED_BURST,
    NACKED_PER_S,
    QUEUE_PACKETS,
    OutgoingTrack,
)
from server.rtc.rewrite import PacketHistory
from tests.fakes.rtc_packets import DELTA, KEY, packet
from tests.fakes.rtc_time import ManualTime


class FakePort:
    """A connection whose socket the test can stall."""

    ssrc, payload_type, mid = 4711, 97, "1"

    def __init__(self):
        self.sent, self.resent, self.accounts, self.backlog, self.is_gone = [], [], [], 0, False

    def send(self, outgoing):
        if not self.is_gone:
            self.sent.append(outgoing)
        return not self.is_gone

    def send_again(self, outgoing):
        self.resent.append(outgoing)
        return True

    def account(self, *, n_octets):
        pass

    def date(self, **values):
        self.accounts.append(values)

    def backlog_bytes(self):
        return self.backlog


class Bench:
    """One outgoing track with everything around it."""

    def __init__(self, codec=Codec.VP8, recent=()):
        self.time = ManualTime()
        self.context = context = Context(Config(), self.time)
        context.call_later = self.time.call_later
        self.costs_bps, self.n_budgets = [1_500_000.0], 0
        self.counters, self.port, self.history, self.n_asked = Counters(), FakePort(), PacketHistory(), 0
        self.track = OutgoingTrack(
            codec=codec,
            context=context,
            counters=self.counters,
            request_keyframe=self.ask,
            recent_picture=lambda: list(recent),
            find=self.history.get,
            layer_costs_bps=lambda: self.costs_bps,
            on_budget=self.note_budget,
        )
        self.track.connect(self.port)
        self.track.on_ready()

    def ask(self):
        self.n_asked += 1

    def note_budget(self):
        self.n_budgets += 1

    def forward(self, *packets):
        for item in packets:
            self.history.put(item)
            self.track.forward(item)

    def payloads(self):
        return [outgoing.payload for outgoing in self.port.sent]

    def seqs(self):
        return [outgoing.sequence_number for outgoing in self.port.sent]


def key(seq, **values):
    return packet(seq, payload=KEY, **values)


def delta(seq, **values):
    return packet(seq, payload=DELTA + bytes([seq % 256]), **values)


def test_a_late_joiner_gets_nothing_before_a_key_frame_and_asks_for_one():
    bench = Bench()
    assert bench.n_asked == 1
    bench.forward(delta(1), delta(2))
    assert bench.port.sent == []
    assert bench.n_asked == 3
    assert bench.track.wants_keyframe
    bench.forward(key(3), delta(4))
    assert bench.payloads() == [KEY, delta(4).payload]
    assert not bench.track.wants_keyframe
    assert bench.counters.packets_before_keyframe == 2


def test_nothing_is_sent_before_the_connection_is_up():
    bench = Bench()
    track = OutgoingTrack(
        codec=Codec.VP8,
        context=bench.track._context,
        counters=bench.counters,
        request_keyframe=bench.ask,
        recent_picture=list,
        find=bench.history.get,
        layer_costs_bps=lambda: [0.0],
        on_budget=lambda: None,
    )
    track.connect(bench.port)
    track.forward(key(1))
    assert bench.port.sent == []
    assert not track.wants_keyframe


def test_a_joiner_right_behind_a_key_frame_starts_with_it_and_asks_for_none():
    bench = Bench(recent=[key(7), delta(8)])
    assert bench.payloads() == [KEY, delta(8).payload]
    assert bench.n_asked == 0
    bench.forward(delta(9))
    first = bench.seqs()[0]
    assert bench.seqs() == [first, first + 1, first + 2]


def test_the_packet_is_ours_but_the_payload_is_the_senders():
    bench = Bench()
    bench.forward(key(9, timestamp=1234, marker=False), delta(10, timestamp=1234))
    first, second = bench.port.sent
    assert (first.ssrc, first.payload_type, first.extensions.mid) == (4711, 97, "1")
    assert (first.marker, second.marker) == (0, 1)
    assert first.timestamp == second.timestamp
    assert second.sequence_number == first.sequence_number + 1
    assert 0 <= first.extensions.abs_send_time < 1 << 24
    assert first.sequence_number < 1 << 15


def test_audio_starts_at_once_and_keeps_its_level():
    bench = Bench(Codec.OPUS)
    item = packet(5, codec=Codec.OPUS, payload=b"opus")
    item = type(item)(**{n: getattr(item, n) for n in item.__slots__} | {"audio_level": (True, 30)})
    bench.forward(item)
    assert bench.payloads() == [b"opus"]
    assert bench.port.sent[0].extensions.audio_level == (True, 30)
    assert bench.n_asked == 0


def test_a_lost_packet_stays_a_gap_that_a_late_one_fills():
    bench = Bench()
    bench.forward(key(1), delta(3), delta(2))
    first = bench.seqs()[0]
    assert bench.seqs() == [first, first + 2, first + 1]


def test_a_stalled_viewer_is_bounded_counted_and_goes_on_with_a_key_frame():
    bench = Bench()
    bench.forward(key(1), delta(2))
    bench.port.backlog = BACKLOG_BYTES + 1
    n_asked = bench.n_asked
    bench.forward(*(delta(seq) for seq in range(3, 3 + 2 * QUEUE_PACKETS)))
    assert bench.track.n_queued <= QUEUE_PACKETS
    assert bench.counters.queue_overflows == 1
    assert bench.counters.packets_dropped == QUEUE_PACKETS
    assert bench.n_asked == n_asked + 1
    bench.port.backlog = 0
    bench.time.advance(1)
    assert bench.track.n_queued == 0
    assert len(bench.port.sent) == 2, "deltas after the drop cannot be decoded"
    last = 3 + 2 * QUEUE_PACKETS
    bench.forward(key(last), delta(last + 1))
    first = bench.seqs()[0]
    assert bench.seqs() == [first, first + 1, first + 2, first + 3], "what was dropped leaves no gap"


def test_a_short_stall_loses_nothing():
    bench = Bench()
    bench.port.backlog = BACKLOG_BYTES + 1
    bench.forward(key(1), *(delta(seq) for seq in range(2, 100)))
    assert bench.port.sent == []
    bench.time.advance(0.1)
    bench.port.backlog = 0
    bench.time.advance(0.1)
    assert len(bench.port.sent) == 99
    assert bench.counters.packets_dropped == 0


def test_stalled_audio_drops_its_oldest():
    bench = Bench(Codec.OPUS)
    bench.port.backlog = BACKLOG_BYTES + 1
    bench.forward(*(packet(seq, codec=Codec.OPUS, payload=b"%d" % seq) for seq in range(QUEUE_PACKETS + 10)))
    bench.port.backlog = 0
    bench.time.advance(1)
    assert bench.counters.packets_dropped == 10
    assert bench.payloads()[0] == b"10"
    assert len(bench.port.sent) == QUEUE_PACKETS


def test_a_new_connection_of_the_publisher_goes_on_without_a_break():
    bench = Bench()
    bench.forward(key(40_000, epoch=1), delta(40_001, epoch=1))
    bench.forward(delta(7, epoch=2), key(8, epoch=2), delta(40_002, epoch=1), delta(9, epoch=2))
    first = bench.seqs()[0]
    assert bench.seqs() == [first, first + 1, first + 2, first + 3]
    stamps = [outgoing.timestamp for outgoing in bench.port.sent]
    assert all(0 < (b - a) % 2**32 < 2**31 for a, b in itertools.pairwise(stamps))


def test_a_packet_asked_for_again_is_sent_again_even_if_it_was_never_sent():
    bench = Bench()
    bench.history.put(delta(2))
    bench.forward(key(1), delta(3))
    missing = bench.seqs()[0] + 1
    bench.track.on_nack([missing])
    assert [outgoing.payload for outgoing in bench.port.resent] == [delta(2).payload]
    assert bench.port.resent[0].sequence_number == missing
    bench.track.on_nack([missing])
    assert len(bench.port.resent) == 1, "a second request right behind the first is not answered"
    bench.time.advance(0.05)
    bench.track.on_nack([missing])
    assert len(bench.port.resent) == 2
    bench.track.on_nack([(missing + 5000) & 0xFFFF])
    assert bench.counters.packets_not_found == 1


def test_one_message_that_asks_for_thousands_is_answered_in_part():
    bench = Bench()
    bench.forward(key(1), *(delta(seq) for seq in range(2, 1000)))
    asked, find = [], bench.track._find
    bench.track._find = lambda *which: asked.append(which) or find(*which)
    newest = bench.seqs()[-1]
    bench.track.on_nack([(newest - n) & 0xFFFF for n in range(6256)])
    assert len(asked) == MAX_NACKED
    assert bench.counters.nacks_over_rate == 6256 - MAX_NACKED
    bench.track.on_nack([newest] * 6256)
    assert len(asked) == MAX_NACKED + 1, "each number counts once"


def test_so_much_may_be_asked_for_again_and_no_more():
    bench = Bench()
    bench.forward(key(1), *(delta(seq) for seq in range(2, 300)))
    asked, find = [], bench.track._find
    bench.track._find = lambda *which: asked.append(which) or find(*which)
    for _ in range(200):
        bench.track.on_nack(bench.seqs()[-100:])
        bench.time.advance(0.01)
    assert len(asked) == pytest.approx(NACKED_BURST + 2 * NACKED_PER_S, rel=0.01)
    assert bench.counters.nacks_over_rate == 20_000 - len(asked)


def test_sender_reports_carry_capture_time():
    bench = Bench()
    bench.forward(key(30, timestamp=90_000), delta(31, timestamp=180_000))
    first, second = bench.port.accounts
    assert (second["ntp_timestamp"] - first["ntp_timestamp"]) / 2**32 == pytest.approx(1.0)
    assert (second["rtp_timestamp"] - first["rtp_timestamp"]) % 2**32 == 90_000


def test_a_gone_connection_is_counted_and_harmless():
    bench = Bench()
    bench.port.is_gone = True
    bench.forward(key(1))
    assert bench.counters.packets_unsendable == 1
    bench.track.stop()
    bench.forward(delta(2))
    assert bench.counters.packets_unsendable == 1


def test_a_codec_the_viewer_did_not_negotiate_is_not_sent():
    bench = Bench(Codec.VP8)
    bench.forward(packet(1, codec=Codec.H264, payload=bytes([0x67, 1, 2])))
    assert bench.port.sent == []


def test_the_way_through_the_server_is_measured_and_the_first_picture():
    bench = Bench()
    measures = bench.context.measures
    bench.time.advance(0.3)
    live = key(1, arrival_s=bench.time())
    bench.time.advance(0.004)
    bench.forward(live, delta(2, arrival_s=bench.time()))
    assert measures.dwells.buckets()[0] == ("0.0005", 1)
    assert measures.dwells.sum_s == pytest.approx(0.004)
    assert measures.first_pictures.count == 1
    assert measures.first_pictures.sum_s == pytest.approx(0.304)
    bench.forward(key(3, arrival_s=bench.time()))
    assert measures.first_pictures.count == 1


def test_history_sent_for_a_quick_start_is_no_delay():
    bench = Bench(recent=[key(1, arrival_s=99.7)])
    assert len(bench.port.sent) == 1
    assert bench.context.measures.dwells.count == 0
