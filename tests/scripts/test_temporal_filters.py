"""Every rival keeps the same contract, and the figures are right where the answer is known."""

import numpy as np
import pytest

from pipeline.video.temporal import HZ_PER_DISTANCE, SLOW_HZ
from scripts.evaluate_temporal import run_steady
from scripts.temporal_figures import flicker, half_way, interval, lags_s, mean_response, settled, tick_variation
from scripts.temporal_filters import Filter, simple_filters

FILTERS = dict(simple_filters())
T_S = np.arange(60) / 20


def shares(seed: int, n_frames: int = 60) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(7, 0.5), (3, n_frames))


def step_at(switch_s: float, *, n: int = 2) -> np.ndarray:
    """Shares that go from emotion 1 to emotion 4 at once."""
    p = np.zeros((n, len(T_S), 7))
    n_before = int(np.searchsorted(T_S, switch_s))
    p[:, :n_before, 1] = 1
    p[:, n_before:, 4] = 1
    return p


@pytest.mark.parametrize("run", FILTERS.values(), ids=FILTERS.keys())
def test_shares_sum_to_one_and_the_future_is_not_seen(run: Filter) -> None:
    p = shares(0)
    out = run(p, T_S)
    assert out.shape == p.shape
    assert out.sum(axis=2) == pytest.approx(1.0)
    assert out.min() >= 0
    changed = p.copy()
    changed[:, 40:] = shares(1)[:, 40:]
    assert np.array_equal(run(changed, T_S)[:, :40], out[:, :40])


@pytest.mark.parametrize("run", FILTERS.values(), ids=FILTERS.keys())
def test_the_surest_emotion_of_a_constant_stream_stays_the_surest(run: Filter) -> None:
    p = np.repeat(shares(2, 1), 60, axis=1)
    assert (run(p, T_S).argmax(axis=2) == p.argmax(axis=2)).all()


@pytest.mark.parametrize("name", [name for name in FILTERS if name != "none"])
def test_every_filter_calms_noise(name: str) -> None:
    p = shares(3)
    assert flicker(FILTERS[name](p, T_S), T_S).variation_per_s < 0.9 * flicker(p, T_S).variation_per_s


def test_flicker_of_a_single_change() -> None:
    moved = flicker(step_at(1.0), T_S)
    assert moved.variation_per_s == pytest.approx(1 / T_S[-1])
    assert moved.changes_per_s == pytest.approx(1 / T_S[-1])


def test_tick_variation_of_shares_that_change_in_between() -> None:
    assert tick_variation(step_at(1.475), T_S) == pytest.approx(10 / 20, abs=0.06)
    assert tick_variation(np.repeat(shares(4, 1), 60, axis=1), T_S) == 0


def test_lag_of_an_exponential_filter_is_known() -> None:
    switch_s = np.full(2, 1.5)
    ends = np.array([[1, 4], [1, 4]])
    p = step_at(1.5)
    half, is_visible = half_way(p, T_S, switch_s, ends)
    assert is_visible.all()
    assert half == pytest.approx(0.0)
    out = FILTERS["exponential 0.3 s"](p, T_S)
    # The first changed frame counts for the 50 ms before it.
    assert lags_s(out, T_S, switch_s, ends, half) == pytest.approx(0.3 * np.log(2) - 0.05, abs=0.01)


def test_a_change_the_stream_never_shows_has_no_lag() -> None:
    p = step_at(9.0)
    half, is_visible = half_way(p, T_S, np.full(2, 1.5), np.array([[1, 4], [1, 4]]))
    assert not is_visible.any()
    assert np.isinf(lags_s(p, T_S, np.full(2, 1.5), np.array([[1, 4], [1, 4]]), half + 2)).all()


def test_the_mean_response_follows_an_exponential_filter() -> None:
    p, switch_s = 0.8 * step_at(1.5) + 0.2 / 7, np.full(2, 1.5)
    before, after = settled(p, T_S, switch_s)
    assert before[0] == pytest.approx(p[0, 0])
    assert after[0] == pytest.approx(p[0, -1])
    times_s, made = mean_response(FILTERS["exponential 0.5 s"](p, T_S), T_S, switch_s, before, after)
    assert made[0] == pytest.approx(0.0)
    assert made[-1] == pytest.approx(1 - np.exp(-(1.0 + 0.05) / 0.5), abs=0.01)
    assert times_s[np.flatnonzero(made >= 0.5)[0]] == pytest.approx(0.5 * np.log(2) - 0.05, abs=0.03)


def test_interval_holds_the_mean_and_is_the_same_each_time() -> None:
    values = np.random.default_rng(5).random(200)
    low, high = interval(values)
    assert low < values.mean() < high
    assert interval(values) == (low, high)


def test_the_filter_as_built_is_the_one_in_the_table() -> None:
    p = shares(6)
    assert run_steady(p, T_S) == pytest.approx(FILTERS[f"adaptive {SLOW_HZ} Hz, {HZ_PER_DISTANCE}"](p, T_S), abs=1e-5)
