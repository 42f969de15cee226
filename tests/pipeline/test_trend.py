import numpy as np
import pytest

from pipeline.trend import MIN_PEAK_SAMPLES, WINDOW_S, Trend, TrendState, follow_trend, judge_band, judge_trajectory
from pipeline.types import Band, Trajectory

RIPPLE = [0.30, 0.32] * 10


def follow(values: list[float | None], start_s: float = 1.0) -> tuple[TrendState, list[Trend]]:
    state, trends = TrendState(), []
    for i, value in enumerate(values):
        state, trend = follow_trend(state, start_s + i, value)
        trends.append(trend)
    return state, trends


def peaks(values: list[float | None]) -> list[tuple[int, float]]:
    """Index of the confirming tick and the peak's time (tick i is at 1 + i seconds)."""
    return [(i, trend.peak_t_s) for i, trend in enumerate(follow(values)[1]) if trend.peak_t_s is not None]


def test_mean_and_sd_by_hand() -> None:
    _, trends = follow([0.2, None, 0.4])
    assert trends[0].mean == pytest.approx(0.2)
    assert trends[0].sd == 0.0
    assert trends[1].mean == pytest.approx(0.2)
    assert (trends[2].mean, trends[2].sd) == (pytest.approx(0.3), pytest.approx(0.1))


def test_an_empty_window_has_no_mean() -> None:
    _, (trend,) = follow([None])
    assert trend == Trend(mean=None, sd=None, peak_t_s=None, trajectory=None)


def test_the_window_forgets_after_thirty_seconds_and_is_bounded() -> None:
    state, trends = follow([1.0] * 5 + [0.2] * 40)
    assert len(state.t_s) == WINDOW_S
    assert trends[-1].mean == pytest.approx(0.2)


def test_a_peak_is_announced_one_tick_late_with_its_own_time() -> None:
    assert peaks([*RIPPLE, 0.6, 0.4]) == [(21, 21.0)]


def test_a_rise_that_goes_on_is_no_peak_until_it_turns() -> None:
    assert peaks([*RIPPLE, 0.5, 0.6, 0.7]) == []
    assert peaks([*RIPPLE, 0.5, 0.6, 0.7, 0.3]) == [(23, 23.0)]


def test_a_plateau_is_one_peak() -> None:
    assert peaks([*RIPPLE, 0.6, 0.6, 0.3]) == [(21, 21.0)]


def test_the_peak_rule_is_mean_plus_one_and_a_half_sd() -> None:
    values = [*RIPPLE, 0.34, 0.3]
    window = np.array(values[:-1])
    assert window[-1] > window.mean() + 1.5 * window.std()
    assert peaks(values) == [(21, 21.0)]
    lower = [*RIPPLE, 0.325, 0.3]
    window = np.array(lower[:-1])
    assert window[-1] < window.mean() + 1.5 * window.std()
    assert peaks(lower) == []


def test_a_flat_curve_has_no_peaks() -> None:
    assert peaks([0.3] * 20 + [0.301, 0.3]) == []
    assert peaks([0.3] * 25) == []


def test_a_short_window_has_no_peaks() -> None:
    assert peaks([*RIPPLE[: MIN_PEAK_SAMPLES - 3], 0.9, 0.2]) == []


def test_a_peak_beside_an_unknown_tick_is_not_confirmed() -> None:
    assert peaks([*RIPPLE, 0.6, None, 0.3]) == []
    assert peaks([*RIPPLE, None, 0.6, 0.3]) == []


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0.03, Trajectory.ASCENDING),
        (0.01, Trajectory.STABLE),
        (-0.01, Trajectory.STABLE),
        (-0.03, Trajectory.DESCENDING),
    ],
)
def test_the_trajectory_is_the_slope_over_five_samples(step: float, expected: Trajectory) -> None:
    stress = tuple(0.5 + step * i for i in range(5))
    assert judge_trajectory((1.0, 2.0, 3.0, 4.0, 5.0), stress) is expected


def test_the_slope_is_the_least_squares_one() -> None:
    stress = (0.1, 0.5, 0.2, 0.3, 0.2)
    slope = np.polyfit(np.arange(5), stress, 1)[0]
    assert -0.02 < slope < 0.02
    assert judge_trajectory((1.0, 2.0, 3.0, 4.0, 5.0), stress) is Trajectory.STABLE


def test_there_is_no_trajectory_before_five_values_nor_over_a_long_time() -> None:
    assert judge_trajectory((1.0, 2.0, 3.0, 4.0), (0.1, 0.2, 0.3, 0.4)) is None
    assert judge_trajectory((1.0, 2.0, 3.0, 4.0, 25.0), (0.1, 0.2, 0.3, 0.4, 0.5)) is None


def test_an_unknown_tick_has_no_trajectory() -> None:
    _, trends = follow([0.1, 0.2, 0.3, 0.4, 0.5, None])
    assert trends[4].trajectory is Trajectory.ASCENDING
    assert trends[5].trajectory is None


@pytest.mark.parametrize(
    ("stress", "band"),
    [
        (0.0, Band.LOW),
        (0.2999, Band.LOW),
        (0.3, Band.MODERATE),
        (0.5999, Band.MODERATE),
        (0.6, Band.HIGH),
        (1.0, Band.HIGH),
    ],
)
def test_the_bands(stress: float, band: Band) -> None:
    assert judge_band(stress) is band
