"""The feedback is read back by a parser that was written from the draft's text alone, not from the encoder."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.rtc.transport_cc import BACK_WINDOW_S, MAX_GAP, MAX_KEPT, MAX_REPORTED, MAX_SPAN, ArrivalLog, Feedback


def parse(data):
    """Return (base number, {offset: arrival in s}, number of packets spoken of, message count) of an RTCP packet."""
    first, packet_type, n_words = struct.unpack("!BBH", data[:4])
    assert (first & 0xC0, first & 0x1F, packet_type) == (0x80, 15, 205)
    assert 4 * (n_words + 1) == len(data)
    end = len(data) - (data[-1] if first & 0x20 else 0)
    base, count = struct.unpack("!HH", data[12:16])
    reference = int.from_bytes(data[16:19], "big", signed=True)
    position, symbols = 20, []
    while len(symbols) < count:
        (chunk,) = struct.unpack("!H", data[position : position + 2])
        position += 2
        if not chunk >> 15:
            symbols += [chunk >> 13] * (chunk & 0x1FFF)
        elif not chunk >> 14 & 1:
            symbols += [chunk >> n & 1 for n in range(13, -1, -1)]
        else:
            symbols += [chunk >> n & 3 for n in range(12, -1, -2)]
    assert not any(symbols[count:]), "what fills the last chunk says not received"
    time_s, arrivals = reference * 0.064, {}
    for offset, symbol in enumerate(symbols[:count]):
        assert symbol < 3
        if symbol == 1:
            time_s += data[position] * 0.00025
        elif symbol == 2:
            time_s += struct.unpack("!h", data[position : position + 2])[0] * 0.00025
        position += symbol
        if symbol:
            arrivals[offset] = time_s
    assert position == end
    return base, arrivals, count, data[19]


def told(log, now_s):
    """Return {16-bit number: arrival in s or None} of everything that is to be told now."""
    result = {}
    for message in log.take(now_s):
        base, arrivals, count, _ = parse(message.serialize(sender_ssrc=1, media_ssrc=2))
        result |= {(base + offset) & 0xFFFF: arrivals.get(offset) for offset in range(count)}
    return result


def test_a_recorded_message_is_made_again():
    # From the test data of github.com/olivermichel/webrtc-analysis, with Wireshark's reading of it.
    recorded = bytes.fromhex("afcd000700000001dd586eb6000100095e911000" + "20091c0c2c38000400081801")
    deltas = (28, 12, 44, 56, 0, 4, 0, 8, 24)
    made = Feedback(base_seq=1, reference=6_197_520, deltas=deltas, count=0)
    assert made.serialize(sender_ssrc=1, media_ssrc=0xDD586EB6) == recorded


@pytest.mark.parametrize(
    ("symbols", "chunks"),
    [
        # The examples of section 3.1.3 and 3.1.4 of the draft; in the last one its reserved symbol is a large delta.
        ([0] * 221, "00dd"),
        ([0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0], "9f1c"),
        ([0, 2, 1, 1, 1, 0, 0], "c950"),
    ],
)
def test_the_examples_of_the_draft(symbols, chunks):
    deltas = tuple((None, 1, 1000)[symbol] for symbol in symbols)
    data = Feedback(base_seq=0, reference=0, deltas=deltas, count=0).serialize(sender_ssrc=0, media_ssrc=0)
    assert data[20 : 20 + len(chunks) // 2].hex() == chunks
    parse(data)


def test_arrivals_are_told_once_and_losses_with_them():
    log = ArrivalLog()
    for seq in (65_534, 65_535, 1, 2):
        log.received(seq, 100 + seq % 7 * 0.01)
    first = told(log, 100.1)
    assert list(first) == [65_534, 65_535, 0, 1, 2]
    assert first[0] is None
    assert first[1] == pytest.approx(100.01, abs=0.0002)
    assert told(log, 100.2) == {}
    log.received(4, 100.3)
    assert list(told(log, 100.3)) == [3, 4]


def test_one_that_came_late_is_told_with_those_behind_it():
    log = ArrivalLog()
    for seq in (10, 12, 13):
        log.received(seq, 50 + seq / 100)
    assert told(log, 50.2)[11] is None
    log.received(11, 50.25)
    again = told(log, 50.3)
    assert list(again) == [11, 12, 13]
    assert again[11] == pytest.approx(50.25, abs=0.0002)
    assert again[12] == pytest.approx(50.12, abs=0.0002)


def test_one_that_came_much_too_late_does_not_make_others_look_lost():
    log = ArrivalLog()
    for seq in (10, 12):
        log.received(seq, 50)
    log.take(50.1)
    log.take(50.1 + BACK_WINDOW_S)
    log.received(11, 51)
    assert told(log, 51) == {}


def test_a_pause_longer_than_a_delta_can_say_begins_a_message():
    log = ArrivalLog()
    log.received(1, 10.0)
    log.received(2, 10.0 + 0x7FFF * 0.00025 + 0.1)
    messages = log.take(20)
    assert [message.base_seq for message in messages] == [1, 2]
    assert [message.count for message in messages] == [0, 1]


def test_a_jump_in_the_numbers_is_a_new_beginning():
    log = ArrivalLog()
    log.received(5, 1.0)
    log.received(5 + MAX_GAP + 1, 1.01)
    assert list(told(log, 1.1)) == [5 + MAX_GAP + 1]
    log.received(5, 1.2)
    assert list(told(log, 1.3)) == [5]


def test_counts_wrap():
    log = ArrivalLog()
    counts = []
    for n in range(300):
        log.received(n, 1 + n / 10)
        counts += [message.count for message in log.take(1 + n / 10)]
    assert counts == [n % 256 for n in range(300)]


def test_what_is_kept_and_sent_is_bounded():
    log = ArrivalLog()
    for n in range(10 * MAX_KEPT):
        log.received(n & 0xFFFF, 7 + n * 1e-6)
    assert len(log._arrivals_s) == MAX_KEPT
    messages = log.take(8)
    assert all(len(message.serialize(sender_ssrc=1, media_ssrc=1)) < 1200 for message in messages)
    assert all(sum(delta is not None for delta in message.deltas) <= MAX_REPORTED for message in messages)
    log.take(8 + BACK_WINDOW_S + 1)
    assert not log._arrivals_s


def test_numbers_with_jumps_cost_no_more_than_honest_ones():
    log, told_of = ArrivalLog(), 0
    for n in range(3000):
        log.received(n * MAX_GAP & 0xFFFF, 7 + n * 1e-5)
        if n % 150 == 149:  # 3000 packets a second, told of every 50 ms
            messages = log.take(7 + n * 1e-5)
            told_of += sum(len(message.deltas) for message in messages)
            for message in messages:
                assert len(message.serialize(sender_ssrc=1, media_ssrc=1)) < 1200
                assert any(delta is not None for delta in message.deltas), "its time would have no meaning"
    assert told_of <= 20 * MAX_SPAN


def test_a_message_with_many_holes_fits_a_datagram():
    log = ArrivalLog()
    for n in range(1000):
        log.received(n * 4, 7 + 0.03 * (n % 2))
    messages = log.take(7.1)
    assert sum(len(message.deltas) for message in messages) == 3997
    assert max(len(message.serialize(sender_ssrc=1, media_ssrc=1)) for message in messages) < 1200


@given(st.integers(0, 2**32), st.integers(0, 0xFFFF), st.sampled_from([0.0, 0.02, 0.3, 0.9]))
def test_any_stream_is_told_as_it_was(seed, first, loss):
    rng = random.Random(seed)
    log, now_s, real, got = ArrivalLog(), rng.uniform(0, 5e5), {}, {}
    coming = []
    for n in range(400):
        now_s += rng.choice((0.0, 0.0001, 0.005, 0.03, 0.3, 9.0 if rng.random() < 0.05 else 0.0))
        if rng.random() >= loss:
            coming.append((now_s + rng.choice((0, 0, 0, 0.01, 0.04)), (first + n) & 0xFFFF))
    for n, (arrival_s, seq) in enumerate(sorted(coming)):
        log.received(seq, arrival_s)
        real.setdefault(seq, arrival_s)
        if n % 7 == 0:
            got |= {seq: at_s for seq, at_s in told(log, arrival_s).items() if at_s is not None or seq not in got}
    got |= {seq: at_s for seq, at_s in told(log, now_s).items() if at_s is not None or seq not in got}
    received = {seq: at_s for seq, at_s in got.items() if at_s is not None}
    assert all(received[seq] == pytest.approx(real[seq], abs=0.0002) for seq in received)
    missing = set(real) - set(received)
    # Only what came behind a long pause and out of order may be missing: it was too late to be told.
    assert len(missing) <= 0.02 * len(real) + 2
