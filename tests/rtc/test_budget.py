import itertools

import pytest

from server.rtc.budget import CALM_S, LEAST_BPS, SILENT_S, ViewerBudget
from server.rtc.layers import ALL_LAYERS, LayerChoice
from server.rtc.rates import RateMeter

CEILING = 1_500_000


def grown(budget, from_s, to_s, remb_bps=None, sent_bps=0.0):
    """Let time pass with a report each second; return the limit at the end."""
    for second in range(int(from_s), int(to_s) + 1):
        if remb_bps is not None:
            budget.on_remb(remb_bps, sent_bps, second)
        budget.limit_bps(second)
    return budget.limit_bps(to_s)


def test_nothing_is_limited_at_first():
    assert ViewerBudget(CEILING).limit_bps(0) is None


def test_a_low_estimate_while_little_is_sent_is_no_limit():
    budget = ViewerBudget(CEILING)
    budget.on_remb(150_000, 100_000, 1)
    budget.on_remb(140_000, 100_000, 2)
    assert budget.limit_bps(2) is None


def test_a_rate_that_rises_past_an_old_estimate_is_no_congestion():
    budget = ViewerBudget(CEILING)
    budget.on_remb(300_000, 200_000, 1)
    budget.on_remb(310_000, 1_200_000, 2)
    budget.on_remb(310_000, 1_200_000, 3)
    assert budget.limit_bps(3) is None


def test_an_estimate_that_falls_below_what_is_sent_is_a_limit():
    budget = ViewerBudget(CEILING)
    budget.on_remb(2_000_000, 1_400_000, 1)
    budget.on_remb(290_000, 1_400_000, 2)
    assert budget.limit_bps(2) == 290_000


def test_a_first_estimate_far_below_what_is_sent_is_a_limit():
    budget = ViewerBudget(CEILING)
    budget.on_remb(300_000, 1_400_000, 5)
    assert budget.limit_bps(5) == 300_000


def test_it_waits_then_grows_and_is_forgotten_at_the_ceiling():
    budget = ViewerBudget(CEILING)
    budget.on_remb(500_000, 1_400_000, 0)
    assert grown(budget, 1, 2, 400_000, 300_000) == 500_000
    assert grown(budget, 3, 3, 400_000, 300_000) == pytest.approx(540_000, rel=0.01)
    limits = [grown(budget, second, second, 400_000, 300_000) for second in range(4, 30)]
    assert None in limits
    assert 12 < limits.index(None) < 16


def test_it_follows_the_estimate_up():
    budget = ViewerBudget(CEILING)
    budget.on_remb(500_000, 1_400_000, 0)
    budget.on_remb(700_000, 480_000, 1)
    assert budget.limit_bps(1) == 700_000


def test_a_viewer_who_is_truly_limited_is_pushed_less_and_less_often():
    budget = ViewerBudget(CEILING)
    now_s, falls_s = 0.0, []
    budget.on_remb(1_000_000, 900_000, now_s)
    while now_s < 200:
        now_s += 1
        limit_bps = budget.limit_bps(now_s)
        sent_bps = CEILING if limit_bps is None else limit_bps
        # A connection of 400 kbit/s: more than that is congestion.
        if sent_bps > 400_000:
            falls_s.append(now_s)
            budget.on_remb(340_000, sent_bps, now_s)
            budget.on_remb(345_000, sent_bps, now_s + 0.1)
        else:
            budget.on_remb(345_000, sent_bps, now_s)
    pauses_s = [b - a for a, b in itertools.pairwise(falls_s)]
    assert pauses_s[0] < 8
    assert max(pauses_s) > 25
    assert len(falls_s) < 12


def test_congestion_after_a_long_calm_is_the_first_again():
    budget = ViewerBudget(CEILING)
    for now_s in (0, 10, 20, 30):
        budget.on_remb(600_000, 500_000, now_s)
        budget.on_remb(200_000, 500_000, now_s + 1)
        for second in range(now_s + 2, min(now_s + 10, 32)):
            budget.on_loss(0.0, 500_000, second)
    assert grown(budget, 32, 37, 200_000, 100_000) == 200_000
    later_s = 31 + 16 + CALM_S + 1
    for second in range(38, int(later_s)):
        budget.on_loss(0.0, 500_000, second)
    budget.on_remb(600_000, 500_000, later_s)
    budget.on_remb(200_000, 500_000, later_s + 1)
    assert grown(budget, later_s + 2, later_s + 5, 200_000, 100_000) > 210_000


def test_no_news_for_a_while_lifts_the_limit_but_not_while_nothing_is_sent():
    budget = ViewerBudget(CEILING)
    budget.on_remb(300_000, 1_400_000, 0)
    assert budget.limit_bps(SILENT_S) is not None
    assert budget.limit_bps(SILENT_S + 0.1) is None
    paused = ViewerBudget(CEILING)
    paused.on_remb(300_000, 1_400_000, 0)
    paused.is_paused = True
    assert 300_000 < paused.limit_bps(SILENT_S + 1) < 700_000


def test_heavy_loss_is_congestion_and_light_loss_is_not():
    budget = ViewerBudget(CEILING)
    budget.on_loss(0.09, 1_000_000, 0)
    assert budget.limit_bps(0) is None
    budget.on_loss(0.4, 1_000_000, 1)
    assert budget.limit_bps(1) == 800_000
    budget.on_loss(0.4, 1_000_000, 1.5)
    assert budget.limit_bps(1.5) == 800_000, "that report is about the time before the decrease"
    budget.on_loss(0.2, 1_000_000, 2.5)
    assert budget.limit_bps(2.5) == pytest.approx(720_000, rel=0.05)


def test_a_high_estimate_in_the_same_datagram_does_not_lift_the_limit_by_loss():
    """Browsers put both into one; the estimate speaks of delay alone."""
    budget = ViewerBudget(CEILING)
    budget.on_remb(2_000_000, 1_400_000, 0)
    budget.on_loss(0.4, 1_400_000, 1)
    budget.on_remb(2_000_000, 1_400_000, 1)
    assert budget.limit_bps(1) == pytest.approx(1_120_000)
    budget.on_remb(2_100_000, 1_100_000, 2)
    assert budget.limit_bps(2) == pytest.approx(1_120_000)


def test_the_lesser_of_both_limits_counts():
    budget = ViewerBudget(CEILING)
    budget.on_remb(400_000, 1_400_000, 0)
    budget.on_loss(0.2, 380_000, 1.5)
    assert budget.limit_bps(1.5) == pytest.approx(342_000)
    budget.on_remb(900_000, 340_000, 2)
    assert budget.limit_bps(2) == pytest.approx(342_000), "the estimate lifts its own limit alone"
    assert grown(budget, 3, 8, 900_000, 340_000) == pytest.approx(342_000 * 1.08**4.5)
    assert grown(budget, 9, 30, 900_000, 340_000) is None


COSTS = [520_000.0, 810_000.0, 1_400_000.0]


def policed(link_bps, costs_bps, *, follows=False, free_after_s=float("inf"), seconds=240):
    """A viewer whose link drops what is too much and delays nothing, reporting five times a second.

    Returns:
        Share of what was sent that was lost, share of the time with a picture, and when nothing was limited any more.
    """
    budget, choice, meter = ViewerBudget(CEILING), LayerChoice(), RateMeter()
    scale, sent, lost, n_shown, whole_s = 1.0, 0.0, 0.0, 0, None
    for step in range(5 * seconds):
        now_s = 0.2 * step
        costs = [scale * cost for cost in costs_bps]
        limit_bps = budget.limit_bps(now_s)
        choice.update(costs, limit_bps, now_s)
        budget.is_paused = choice.is_paused
        rate_bps = 0.0 if choice.is_paused else costs[min(choice.highest, len(costs) - 1)]
        too_much_bps = max(0.0, rate_bps - link_bps) if 2 < now_s < free_after_s else 0.0
        sent, lost, n_shown = sent + rate_bps, lost + too_much_bps, n_shown + (not choice.is_paused)
        meter.add(round(rate_bps * 0.2 / 8), now_s)
        if rate_bps:
            budget.on_loss(too_much_bps / rate_bps, meter.bits_per_s(now_s), now_s)
        budget.on_remb(2_100_000, meter.bits_per_s(now_s), now_s)
        if follows:  # the only viewer's budget is what the sender is asked for
            scale += 0.3 * (min(1.0, (limit_bps or CEILING) / costs_bps[-1]) - scale)
        if now_s >= free_after_s and whole_s is None and limit_bps is None and choice.highest == ALL_LAYERS:
            whole_s = now_s - free_after_s
    return lost / sent, n_shown / (5 * seconds), whole_s


def test_behind_a_policer_the_layers_that_fit_are_sent_and_little_is_lost():
    loss, shown, _ = policed(600_000, COSTS)
    assert loss < 0.03
    assert shown == 1.0


def test_behind_a_policer_that_carries_no_layer_the_picture_is_paused_most_of_the_time():
    _, shown, _ = policed(600_000, [1_400_000.0])
    assert shown < 0.15


def test_a_sender_who_is_asked_for_what_a_policer_carries_is_not_paused():
    loss, shown, _ = policed(600_000, [1_400_000.0], follows=True)
    assert loss < 0.12  # up to a tenth is borne
    assert shown > 0.9


@pytest.mark.parametrize("link_bps", [600_000, 300_000, 120_000])
def test_without_the_policer_all_comes_back(link_bps):
    _, _, whole_s = policed(link_bps, COSTS, free_after_s=120)
    assert whole_s < 70


def test_there_is_a_least():
    budget = ViewerBudget(CEILING)
    budget.on_remb(0, 1_000_000, 0)
    assert budget.limit_bps(0) == LEAST_BPS


def test_what_an_outage_did_to_the_reports_is_no_limit():
    budget = ViewerBudget(CEILING)
    for second in range(10):
        budget.on_remb(2_000_000, 1_000_000, second)
        budget.on_loss(0.0, 1_000_000, second)
    # Nothing for four seconds; then the browser tells what that did to it.
    budget.on_remb(60_000, 1_000_000, 14.0)
    budget.on_loss(0.9, 1_000_000, 14.1)
    budget.on_remb(50_000, 1_000_000, 15.0)
    budget.on_loss(0.5, 1_000_000, 15.1)
    assert budget.limit_bps(15.1) is None
    for second in (16, 17, 18, 19):
        budget.on_remb(90_000 * second, 1_000_000, second)
    assert budget.limit_bps(19) is None
    budget.on_loss(0.5, 1_000_000, 20)  # this is of now
    assert budget.limit_bps(20) == pytest.approx(750_000)


def test_a_viewer_who_is_sent_nothing_has_no_outage():
    budget = ViewerBudget(CEILING)
    budget.on_remb(300_000, 1_000_000, 0)
    budget.is_paused = True
    assert budget.limit_bps(20) is not None
    budget.on_remb(60_000, 1_000_000, 20)
    assert budget.limit_bps(20) == pytest.approx(60_000)
