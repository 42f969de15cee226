import pytest

from server.analysis.bitrate import WINDOW_S, BitRate


def test_the_rate_is_that_of_the_last_seconds():
    rate = BitRate()
    for i in range(300):
        rate.add(i / 30, 5000 if i < 150 else 2500)
    assert rate.kbps() == pytest.approx(2500 * 30 * 8 / 1000, rel=0.01)
    assert 10 - WINDOW_S > 5  # nothing of the first half is in it


def test_a_first_key_frame_alone_has_no_rate():
    rate = BitRate()
    assert rate.kbps() is None
    rate.add(0.0, 90_000)
    rate.add(0.5, 2000)
    assert rate.kbps() is None


def test_time_that_goes_back_begins_anew():
    rate = BitRate()
    for i in range(60):
        rate.add(i / 30, 9000)
    rate.add(0.0, 1000)
    assert rate.kbps() is None
    for i in range(1, 61):
        rate.add(i / 30, 1000)
    assert rate.kbps() == pytest.approx(1000 * 30 * 8 / 1000)
