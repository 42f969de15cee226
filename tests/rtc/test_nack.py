import itertools
import random

import pytest

from server.rtc.nack import (
    FIRST_WAIT_S,
    MAX_GAP,
    MAX_TRIES,
    MOST_PATIENCE_S,
    MOST_WAIT_S,
    PATIENCE_S,
    RETRY_S,
    NackTracker,
)


def ask_until_given_up(nacks, now_s=0.0):
    """Return (time, number) of every request, and when the tracker gave up."""
    asked = []
    while (next_s := nacks.next_s) is not None:
        assert next_s >= now_s
        now_s = next_s
        asked += [(now_s, seq) for seq in nacks.due(now_s)]
    return asked, now_s


def test_a_gap_is_asked_for_after_a_short_wait_then_on_a_timer():
    nacks = NackTracker()
    nacks.received(10, 0.0)
    assert nacks.next_s is None
    nacks.received(13, 0.1)
    assert nacks.next_s == pytest.approx(0.1 + FIRST_WAIT_S)
    assert nacks.due(0.1 + FIRST_WAIT_S / 2) == []
    assert nacks.due(0.11) == [11, 12]
    nacks.received(12, 0.12, is_retransmission=True)
    assert nacks.due(0.11 + RETRY_S / 2) == []
    assert nacks.due(0.11 + RETRY_S) == [11]
    nacks.received(11, 0.2, is_retransmission=True)
    assert nacks.next_s is None
    assert nacks.take_given_up() is None


@pytest.mark.parametrize(
    ("rtt_s", "pause_s", "patience_s"),
    [(None, 0.04, 0.3), (0.01, 0.04, 0.3), (0.05, 0.055, 0.3), (0.2, 0.22, 0.5), (1.0, 0.25, 0.6)],
)
def test_the_pause_and_the_patience_follow_the_round_trip(rtt_s, pause_s, patience_s):
    nacks = NackTracker()
    nacks.rtt_s = rtt_s
    nacks.received(1, 0.0)
    nacks.received(3, 0.0)
    asked, given_up_s = ask_until_given_up(nacks)
    times_s = [when_s for when_s, _ in asked]
    assert times_s[0] == pytest.approx(FIRST_WAIT_S)
    assert [b - a for a, b in itertools.pairwise(times_s)] == pytest.approx([pause_s] * (len(times_s) - 1))
    assert 2 <= len(times_s) <= MAX_TRIES
    assert given_up_s == pytest.approx(patience_s)
    assert given_up_s <= MOST_PATIENCE_S
    assert nacks.take_given_up() == 2
    assert nacks.take_given_up() is None


def test_a_long_way_leaves_time_for_two_answers():
    nacks = NackTracker()
    nacks.rtt_s = 0.2
    nacks.received(1, 0.0)
    nacks.received(3, 0.0)
    asked, given_up_s = ask_until_given_up(nacks)
    assert sum(when_s + nacks.rtt_s < given_up_s for when_s, _ in asked) == 2


def test_small_gaps_without_end_are_not_all_asked_for():
    nacks = NackTracker()
    for n in range(1000):
        nacks.received(100 * n, 0.0)
        assert len(nacks.due(FIRST_WAIT_S)) <= MAX_GAP
    assert nacks.take_given_up() is not None


def test_a_huge_gap_is_given_up_at_once():
    nacks = NackTracker()
    nacks.received(1, 0.0)
    nacks.received(MAX_GAP + 10, 0.0)
    assert nacks.next_s is None
    assert nacks.take_given_up() == MAX_GAP + 9
    nacks.received(MAX_GAP + 12, 0.0)
    assert nacks.due(FIRST_WAIT_S) == [MAX_GAP + 11]


def overtaken(*, late_s, share, seed, n_packets=5000):
    """Packets 1 ms apart in bursts of five each 33 ms, some of them late; return the share asked for in vain."""
    rng = random.Random(seed)
    arrivals = []
    for n in range(n_packets):
        sent_s = n // 5 / 30 + n % 5 * 0.001
        arrivals.append((sent_s + (rng.uniform(0, late_s) if rng.random() < share else 0.0), n))
    nacks, n_asked = NackTracker(), 0
    for now_s, seq in sorted(arrivals):
        while (next_s := nacks.next_s) is not None and next_s <= now_s:
            n_asked += len(nacks.due(next_s))
        nacks.received(seq, now_s)
    return n_asked / n_packets


@pytest.mark.parametrize("seed", range(3))
def test_packets_that_were_merely_overtaken_are_hardly_ever_asked_for(seed):
    assert overtaken(late_s=0.01, share=0.02, seed=seed) == 0
    # The first few of those later than the wait teach how long to wait.
    assert overtaken(late_s=0.08, share=0.02, seed=seed) <= 0.002


def test_the_wait_is_short_again_once_packets_come_in_order():
    nacks = NackTracker()
    nacks.received(1, 0.0)
    nacks.received(3, 0.0)
    nacks.received(2, 0.5)
    nacks.received(5, 0.6)
    assert nacks.next_s == pytest.approx(0.6 + MOST_WAIT_S)
    nacks.received(4, 0.6, is_retransmission=True)
    nacks.received(6, 60.0)
    nacks.received(8, 60.0)
    assert nacks.next_s == pytest.approx(60.0 + FIRST_WAIT_S)
    assert PATIENCE_S > MOST_WAIT_S
