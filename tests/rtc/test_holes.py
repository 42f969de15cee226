import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.rtc.holes import MAX_GAPS, MAX_LATE, UNDER_WAY_S, Holes


class Viewer:
    """Counts as a receiver of RTP does (RFC 3550 appendix A.3)."""

    def __init__(self, first):
        self.first, self.highest, self.n_received = first, first - 1, 0
        self._expected_before = self._received_before = 0

    def receive(self, number):
        self.highest = max(self.highest, number)
        self.n_received += 1

    def report(self):
        """Return the share lost since the last report, and the newest number."""
        expected = self.highest - self.first + 1
        n_expected = expected - self._expected_before
        n_lost = n_expected - (self.n_received - self._received_before)
        self._expected_before, self._received_before = expected, self.n_received
        return max(0.0, n_lost / n_expected) if n_expected else 0.0, self.highest & 0xFFFF


def test_a_whole_stream_leaves_the_report_as_it_is():
    holes = Holes()
    assert holes.own_loss_share(0.3, 7, None, 0.0) == 0.3
    for seq in range(65_500, 65_600):
        holes.sent(seq & 0xFFFF, 0.0)
    assert holes.own_loss_share(0.25, 63, 0.05, 1.0) == 0.25


def test_what_was_never_sent_is_no_loss():
    holes = Holes()
    for seq in [*range(10), *range(90, 110)]:
        holes.sent(seq, 0.0)
    assert holes.own_loss_share(80 / 110, 109, 0.05, 1.0) == 0.0
    for seq in range(110, 160):
        holes.sent(seq, 1.0)
    assert holes.own_loss_share(0.2, 159, 0.05, 2.0) == 0.2, "it counts once"


def test_a_hole_counts_in_the_report_that_speaks_of_it():
    holes = Holes()
    for seq in [*range(50), *range(80, 100)]:
        holes.sent(seq, 0.0)
    assert holes.own_loss_share(0.0, 49, 0.05, 0.1) == 0.0  # written before the hole could be seen
    assert holes.own_loss_share(0.6, 99, 0.05, 1.0) == 0.0


def test_what_was_sent_late_counts_as_lost_once_it_must_have_arrived():
    for age_s, expected in ((UNDER_WAY_S + 0.06, 0.3), (UNDER_WAY_S + 0.04, 0.0)):
        holes = Holes()
        for seq in [*range(40), *range(70, 100)]:
            holes.sent(seq, 0.0)
        for seq in range(40, 70):
            holes.sent(seq, 1.0)
        assert holes.own_loss_share(0.3, 99, 0.05, 1.0 + age_s) == pytest.approx(expected)


def test_what_is_kept_is_bounded():
    holes = Holes()
    for n in range(5000):
        holes.sent(3 * n & 0xFFFF, 0.0)
        holes.sent((3 * n - 2) & 0xFFFF, 0.0)
    assert len(holes._gaps) <= MAX_GAPS
    assert len(holes._late_s) <= MAX_LATE


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.02, 0.3]), st.sampled_from([0.0, 0.02, 0.2]))
def test_only_the_viewers_own_loss_is_left(seed, up, down):
    rng = random.Random(seed)
    holes, viewer, n_sent, n_lost, kept_back = Holes(), Viewer(65_000), 0, 0, []
    for number in range(65_000, 67_000):
        due = [late for late in kept_back if late + 20 <= number]
        kept_back = [late for late in kept_back if late not in due]
        if number > 65_000 and rng.random() < up:
            if rng.random() < 0.5:
                kept_back.append(number)  # mended: it comes late
        else:
            due.append(number)
        for each in due:
            holes.sent(each & 0xFFFF, 0.0)
            n_sent += 1
            if rng.random() < down:
                n_lost += 1
            else:
                viewer.receive(each)
        if number % 200 == 199:
            share, highest = viewer.report()
            own = holes.own_loss_share(share, highest, 0.0, 1.0)
            assert own == pytest.approx(n_lost / n_sent, abs=0.12)
            n_sent = n_lost = 0
