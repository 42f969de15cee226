import pytest

from server.rtc.rates import LayerMeter, RateMeter


def fed(rate_bps, seconds, start_s=1000.0, pause_s=0.02):
    meter = RateMeter()
    n = round(seconds / pause_s)
    for i in range(n):
        meter.add(round(rate_bps / 8 * pause_s), start_s + i * pause_s)
    return meter, start_s + n * pause_s


@pytest.mark.parametrize("seconds", [0.6, 1.0, 7.3])
def test_the_rate_is_that_of_the_last_second(seconds):
    meter, now_s = fed(800_000, seconds)
    assert meter.bits_per_s(now_s) == pytest.approx(800_000, rel=0.12)


def test_what_is_older_than_a_second_is_forgotten():
    meter, now_s = fed(800_000, 5)
    assert meter.bits_per_s(now_s + 0.5) == pytest.approx(400_000, rel=0.25)
    assert meter.bits_per_s(now_s + 1.1) == 0
    assert meter.bits_per_s(now_s + 1e6) == 0


def test_nothing_was_sent_yet():
    assert RateMeter().bits_per_s(5) == 0


def test_layers_cost_what_they_and_those_below_cost():
    meter = LayerMeter()
    for n in range(200):
        meter.add((0, 2, 1, 2)[n % 4], (400, 100, 200, 100)[n % 4], 50 + n * 0.01)
    costs = meter.cumulative_bps(52)
    assert [cost / costs[-1] for cost in costs] == pytest.approx([0.5, 0.75, 1.0], abs=0.02)
    assert costs[-1] == pytest.approx(8 * 200 * 100, rel=0.1)


def test_layers_that_ended_are_no_layers():
    meter = LayerMeter()
    meter.add(2, 100, 1)
    meter.add(0, 100, 5)
    assert len(meter.cumulative_bps(5)) == 1
    assert len(LayerMeter().cumulative_bps(5)) == 1
