from server.rtc.asked_rate import LEAST_BPS, AskedRate
from server.rtc.upstream import UpstreamLimit


def test_without_viewers_nothing_is_limited():
    assert UpstreamLimit().update([]) is None


def test_one_viewer_limits():
    assert UpstreamLimit().update([400_000.0]) == 400_000


def test_a_slow_viewer_does_not_limit_what_a_fast_one_gets():
    limit = UpstreamLimit()
    assert limit.update([300_000.0, None]) is None
    assert limit.update([300_000.0, 900_000.0]) == 900_000


def test_the_limit_goes_with_the_viewer():
    limit = UpstreamLimit()
    assert limit.update([400_000.0]) == 400_000
    assert limit.update([]) is None


def test_small_changes_are_not_passed_on():
    limit = UpstreamLimit()
    figures = [limit.update([budget]) for budget in (500_000.0, 510_000.0, 495_000.0, 520_000.0)]
    assert figures == [500_000] * 4
    assert limit.update([560_000.0]) == 560_000
    assert limit.update([480_000.0]) == 480_000


def test_there_is_a_least():
    assert UpstreamLimit().update([60_000.0]) == LEAST_BPS


def test_what_is_asked_is_the_least_of_wish_estimate_and_viewers():
    rate = AskedRate(1_500_000)
    assert rate.asked_bps == 1_500_000
    rate.limit_bps = 600_000
    assert rate.asked_bps == 600_000
    rate.update(900_000, 0, saw_congestion=False)
    assert rate.update(400_000, 500, saw_congestion=True) == 400_000
    rate.limit_bps = None
    assert rate.asked_bps == 400_000
    rate.limit_bps = 1
    assert rate.asked_bps == LEAST_BPS
