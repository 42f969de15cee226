from server.rtc.asked_rate import LEAST_BPS, AskedRate


def test_little_sent_is_no_reason_to_ask_for_little():
    rate = AskedRate(1_500_000)
    assert {rate.update(500_000 - n, 500 * n, saw_congestion=False) for n in range(20)} == {1_500_000}


def test_congestion_lowers_it_and_time_raises_it():
    rate = AskedRate(1_500_000)
    rate.update(900_000, 0, saw_congestion=False)
    assert rate.update(600_000, 500, saw_congestion=True) == 600_000
    grown = [rate.update(600_000 + n, 500 + 1000 * n, saw_congestion=True) for n in range(1, 30)]
    assert grown == sorted(grown)
    assert round(grown[0] / 600_000, 2) == 1.08
    assert 10 < sum(value < 1_500_000 for value in grown) < 14
    assert grown[-1] == 1_500_000
    assert rate.update(400_000, 40_000, saw_congestion=True) == 400_000


def test_there_is_a_least():
    assert AskedRate(1_500_000).update(1000, 0, saw_congestion=True) == LEAST_BPS
