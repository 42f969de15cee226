import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.rtc.reorder import LATE_RUN_RESET, ReorderBuffer
from tests.fakes.rtc_packets import packet

# Arrival order, then what comes out: a number, or (number, how many were given up before it).
PATTERNS = {
    "in order": ([1, 2, 3], [1, 2, 3]),
    "two swapped": ([1, 3, 2, 4], [1, 2, 3, 4]),
    "one late by three": ([1, 3, 4, 2, 5], [1, 2, 3, 4, 5]),
    "repeated": ([1, 2, 2, 3, 1, 4], [1, 2, 3, 4]),
    "one lost": ([1, 3, 4, 5, 6], [1, (3, 1), 4, 5, 6]),
    "three lost in a row": ([1, 5, 6, 7, 8], [1, (5, 3), 6, 7, 8]),
    "two separate losses": ([1, 3, 5, 6, 7, 8, 9], [1, (3, 1), (5, 1), 6, 7, 8, 9]),
    "comes after it was given up": ([1, 3, 4, 5, 6, 2, 7], [1, (3, 1), 4, 5, 6, 7]),
}


def flat(ordered):
    return [(item.packet.seq, item.n_lost) if item.n_lost else item.packet.seq for item in ordered]


@pytest.mark.parametrize("name", PATTERNS)
def test_pattern(name):
    arrivals, expected = PATTERNS[name]
    buffer = ReorderBuffer(hold_s=1.0, max_held=3)
    assert flat([item for seq in arrivals for item in buffer.push(packet(seq, arrival_s=0.0))]) == expected


def test_a_hole_is_stepped_over_when_its_time_is_up():
    buffer = ReorderBuffer(hold_s=0.3, max_held=100)
    buffer.push(packet(1, arrival_s=10.0))
    assert buffer.deadline_s is None
    assert flat(buffer.push(packet(3, arrival_s=10.1))) == []
    assert buffer.deadline_s == pytest.approx(10.4)
    assert flat(buffer.expire(10.39)) == []
    assert flat(buffer.expire(10.4)) == [(3, 1)]
    assert buffer.deadline_s is None


def test_an_arrival_after_the_deadline_frees_the_older_ones_too():
    buffer = ReorderBuffer(hold_s=0.3, max_held=100)
    for seq, arrival_s in ((1, 0.0), (3, 0.1), (4, 0.2)):
        buffer.push(packet(seq, arrival_s=arrival_s))
    assert flat(buffer.push(packet(5, arrival_s=0.5))) == [(3, 1), 4, 5]


def test_a_sender_that_starts_its_numbers_anew_is_followed():
    buffer = ReorderBuffer(hold_s=0.3, max_held=3)
    buffer.push(packet(60_000, arrival_s=0.0))
    out = [item.packet.seq for seq in range(1, 200) for item in buffer.push(packet(seq, arrival_s=0.0))]
    assert out == list(range(LATE_RUN_RESET, 200))


@given(
    order=st.permutations(list(range(30))),
    lost=st.sets(st.integers(0, 29)),
    repeated=st.lists(st.integers(0, 29), max_size=10),
)
def test_whatever_happens_the_order_is_kept_and_every_packet_is_accounted_for(order, lost, repeated):
    buffer = ReorderBuffer(hold_s=1.0, max_held=5)
    arrivals = [seq for seq in [*order, *repeated] if seq not in lost]
    out = [item for seq in arrivals for item in buffer.push(packet(seq, arrival_s=0.0))]
    out += buffer.expire(2.0)
    seqs = [item.packet.seq for item in out]
    assert seqs == sorted(set(seqs))
    if seqs:
        assert sum(item.n_lost for item in out) == seqs[-1] - seqs[0] + 1 - len(seqs)
