from hypothesis import given
from hypothesis import strategies as st

from server.rtc.rewrite import HISTORY_PACKETS, MAX_SEGMENTS, PacketHistory, StreamMap
from tests.fakes.rtc_packets import packet


def new_map(first_seq=100):
    return StreamMap(first_seq=first_seq, first_timestamp=2**32 - 10, clock_rate_hz=90_000)


def test_numbers_start_where_they_should_and_keep_their_distances():
    numbers = new_map()
    numbers.begin(packet(7000))
    assert numbers.map(packet(7000))[:2] == (100, 2**32 - 10)
    assert numbers.map(packet(7002))[:2] == (102, (2**32 - 10 + 6000) % 2**32)
    assert numbers.map(packet(7001))[:2] == (101, (2**32 - 10 + 3000) % 2**32)


def test_packets_older_than_the_start_are_not_part_of_the_stream():
    numbers = new_map()
    numbers.begin(packet(50))
    assert numbers.map(packet(49)) is None


def test_what_is_left_out_on_purpose_leaves_no_gap_in_the_numbers():
    numbers = new_map()
    numbers.begin(packet(10))
    numbers.map(packet(10))
    numbers.begin(packet(400))
    assert numbers.map(packet(400))[:2] == (101, (2**32 - 10 + 390 * 3000) % 2**32)
    assert numbers.map(packet(399)) is None


def test_a_new_connection_goes_on_with_the_time_that_passed():
    numbers = new_map()
    numbers.begin(packet(10))
    seq, timestamp, *_ = numbers.map(packet(10))
    later = packet(9, epoch=2, timestamp=555)
    capture_s = packet(10).capture_s + 2.0
    later = type(later)(**{name: getattr(later, name) for name in later.__slots__} | {"capture_s": capture_s})
    assert numbers.map(later) is None
    numbers.begin(later)
    assert numbers.map(later)[:2] == (seq + 1, (timestamp + 180_000) % 2**32)


def test_two_connections_never_share_a_timestamp():
    numbers = new_map()
    numbers.begin(packet(10))
    _, timestamp, *_ = numbers.map(packet(10))
    other = packet(10, epoch=2)
    numbers.begin(other)
    assert numbers.map(other)[1] == (timestamp + 1) % 2**32


def test_the_source_of_a_number_is_found_again():
    numbers = new_map(first_seq=32_000)
    numbers.begin(packet(5))
    for seq in range(5, 40_000, 7):
        out = numbers.map(packet(seq)).seq
    assert numbers.source_of(out) == (1, seq)
    assert numbers.source_of((out - 3) & 0xFFFF) == (1, seq - 3)
    assert numbers.source_of((out + 1) & 0xFFFF) is None


def test_a_number_that_is_too_old_has_no_source():
    numbers = new_map(first_seq=100)
    numbers.begin(packet(0))
    for seq in range(3 * HISTORY_PACKETS):
        out = numbers.map(packet(seq)).seq
    assert numbers.source_of(out - HISTORY_PACKETS + 1) == (1, seq - HISTORY_PACKETS + 1)
    assert numbers.source_of(out - HISTORY_PACKETS) is None


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3)), min_size=1, max_size=2 * MAX_SEGMENTS))
def test_every_number_is_found_whatever_was_left_out(stretches):
    numbers = new_map(first_seq=65_000)
    seq, sent = 0, {}
    numbers.begin(packet(0))
    for n_sent, n_left_out in stretches:
        for _ in range(n_sent):
            sent[numbers.map(packet(seq)).seq] = seq
            seq += 1
        if n_left_out:
            numbers.leave_out(seq, seq + n_left_out - 1, n_pictures=1)
            seq += n_left_out
    remembered = list(sent.items())[-(MAX_SEGMENTS - 1) :]
    assert {number: numbers.source_of(number) for number, _ in remembered} == {
        number: (1, source) for number, source in remembered
    }


@given(st.lists(st.sampled_from(["next", "skip", "reconnect", "late"]), max_size=60))
def test_the_viewer_sees_one_unbroken_stream(events):
    numbers = new_map(first_seq=65_000)
    epoch, seq = 1, 500
    item = packet(seq)
    numbers.begin(item)
    out = [numbers.map(item)[0]]
    for event in events:
        if event == "late":
            numbers.map(packet(seq - 1, epoch=epoch))
            continue
        if event == "reconnect":
            epoch, seq = epoch + 1, 12_345
        else:
            seq += 1 if event == "next" else 30
        item = packet(seq, epoch=epoch)
        if event != "next":
            numbers.begin(item)
        out.append(numbers.map(item)[0])
    assert out == [(65_000 + n) % 65_536 for n in range(len(out))]


def test_history_keeps_the_newest_and_knows_repetitions():
    history = PacketHistory()
    assert history.put(packet(1))
    assert not history.put(packet(1))
    assert history.put(packet(1, epoch=2))
    assert history.get(1, 1) is None
    assert history.get(2, 1) is not None
    assert history.put(packet(1 + HISTORY_PACKETS, epoch=2))
    assert history.get(2, 1) is None
