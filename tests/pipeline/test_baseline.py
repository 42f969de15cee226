import math
import pickle
import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from pipeline.baseline import (
    DRIFT_S,
    MAX_VALUES,
    MAX_Z,
    MIN_SPEECH_S,
    MIN_VALUES,
    BaselineState,
    learn_and_compare,
    new_baseline,
)
from pipeline.catalogue import CATALOGUE as FULL_CATALOGUE
from pipeline.signals import Definition, Group, absent
from pipeline.types import Reason, Signal

CATALOGUE_OF_ALL = tuple(item for item in FULL_CATALOGUE.values() if item.has_baseline)


def define(name: str, group: Group, *, is_log: bool = False, has_baseline: bool = True) -> Definition:
    return Definition(
        name=name, label=name, unit="", group=group, what=name, is_log=is_log, has_baseline=has_baseline, digits=2,
        window_s=1.0,
    )  # fmt: skip


CATALOGUE = {
    item.name: item
    for item in (
        define("head.tilt", Group.HEAD),
        define("voice.f0", Group.VOICE, is_log=True),
        define("eyes.count", Group.EYES, has_baseline=False),
        replace(define("turns.latency", Group.TURNS), is_event=True),
        replace(define("head.sway", Group.HEAD), window_s=10.0),
        replace(define("gaze.share", Group.GAZE), window_s=60.0),
    )
}


def signal(name: str, value: float, *, quality: float = 1.0, age_s: float = 0.0) -> Signal:
    return Signal(name=name, value=value, quality=quality, reason=Reason.OK, age_s=age_s)


def follow(
    state: BaselineState,
    name: str,
    values: Iterable[float],
    *,
    from_s: float = 0.0,
    quality: float = 1.0,
    is_speaking: bool = True,
) -> tuple[BaselineState, list[float | None]]:
    """Give one value a second; return the distances."""
    distances = []
    speech_s = state.heard_s or 0.0
    for i, value in enumerate(values):
        speech_s += float(is_speaking)
        state, (out,) = learn_and_compare(
            state, from_s + i, (signal(name, value, quality=quality),), speech_s=speech_s, catalogue=CATALOGUE
        )
        distances.append(out.z)
    return state, distances


def normal(n: int, *, mean: float = 5.0, sd: float = 0.5, seed: int = 1) -> list[float]:
    return list(np.random.default_rng(seed).normal(mean, sd, n))


def test_a_distance_is_in_robust_spreads_of_the_first_minute():
    values = normal(MAX_VALUES)
    state, _ = follow(new_baseline(), "head.tilt", values)
    _, (z,) = follow(state, "head.tilt", [7.0], from_s=100.0)
    centre = np.median(values)
    widening = math.sqrt((MAX_VALUES + 1) / (MAX_VALUES - 1))
    assert z == pytest.approx((7.0 - centre) / (widening * 1.4826 * np.median(np.abs(values - centre))))
    assert z == pytest.approx(4.0, rel=0.35)


def test_there_is_no_distance_before_twenty_values():
    _, distances = follow(new_baseline(), "head.tilt", normal(MIN_VALUES + 1))
    assert distances[:-1] == [None] * MIN_VALUES
    assert distances[-1] is not None


def test_a_fifth_of_wild_values_hardly_moves_the_centre():
    values = normal(50) + [500.0] * 10
    state, _ = follow(new_baseline(), "head.tilt", values)
    assert state.yardsticks["head.tilt"].centre == pytest.approx(5.0, abs=0.25)


def test_weak_values_teach_nothing_but_are_compared():
    state, distances = follow(new_baseline(), "head.tilt", normal(40), quality=0.49)
    assert distances == [None] * 40
    state, _ = follow(state, "head.tilt", normal(40), from_s=40.0)
    before = state.yardsticks["head.tilt"]
    state, (z,) = follow(state, "head.tilt", [9.0], from_s=90.0, quality=0.1)
    assert z is not None
    assert z > 3
    assert state.yardsticks["head.tilt"] == before


def test_a_constant_gives_a_finite_distance():
    state, distances = follow(new_baseline(), "head.tilt", [5.0] * 60)
    assert distances[-1] == 0.0
    _, (near, far) = follow(state, "head.tilt", [5.1, 9.0], from_s=60.0)
    assert near == pytest.approx(1.0, abs=0.01)
    assert far == MAX_Z


def test_a_constant_zero_gives_a_finite_distance():
    state, _ = follow(new_baseline(), "head.tilt", [0.0] * 60)
    _, (near, far) = follow(state, "head.tilt", [-0.01, -1.0], from_s=60.0)
    assert near == pytest.approx(-1.0, abs=0.01)
    assert far == -MAX_Z


def test_an_octave_up_and_an_octave_down_are_as_far_on_the_logarithmic_scale():
    values = list(120.0 * np.exp(np.random.default_rng(2).normal(0, 0.2, 60)))
    state, _ = follow(new_baseline(), "voice.f0", values)
    centre = state.yardsticks["voice.f0"].centre
    assert centre is not None
    _, (up, down, none) = follow(state, "voice.f0", [2 * math.exp(centre), math.exp(centre) / 2, 0.0], from_s=60.0)
    assert up is not None
    assert down is not None
    assert up == pytest.approx(-down, rel=0.01)
    assert up == pytest.approx(math.log(2) / 0.2, rel=0.3)
    assert none == -MAX_Z


def test_the_voice_learns_only_while_speech_comes_in():
    state, distances = follow(new_baseline(), "voice.f0", normal(80, mean=120), is_speaking=False)
    assert distances == [None] * 80
    assert "voice.f0" not in state.yardsticks
    assert not state.is_reliable
    state, distances = follow(state, "voice.f0", normal(80, mean=120), from_s=80.0)
    assert distances[-1] is not None
    assert state.is_reliable


@pytest.mark.parametrize(("name", "window_s"), [("head.tilt", 1), ("head.sway", 10), ("gaze.share", 60)])
def test_after_a_restart_a_window_that_reaches_back_before_it_teaches_nothing(name, window_s):
    state, _ = follow(new_baseline(from_s=100.0), name, [5.0] * window_s, from_s=100.0)
    assert name not in state.yardsticks
    state, distances = follow(state, name, [6.0] * (MIN_VALUES + 1), from_s=100.0 + window_s)
    assert state.yardsticks[name].centre == 6.0
    assert distances == [None] * MIN_VALUES + [0.0]


def test_after_a_restart_an_event_of_before_teaches_nothing_and_the_next_one_does():
    state = new_baseline(from_s=100.0)
    for t_s, age_s in ((101.0, 1.5), (102.0, 2.5), (103.0, 0.5), (104.0, 1.5)):
        old = signal("turns.latency", 1.0, age_s=age_s)
        state, _ = learn_and_compare(state, t_s, (old,), speech_s=0.0, catalogue=CATALOGUE)
    assert state.yardsticks["turns.latency"].first_s == 102.5
    assert len(state.yardsticks["turns.latency"].values) == 1


def test_a_score_is_reliable_after_twenty_seconds_of_speech_since_the_restart():
    state = new_baseline()
    for second in range(100, 121):
        assert not state.is_reliable
        state, _ = learn_and_compare(state, float(second), (), speech_s=float(second), catalogue=CATALOGUE)
    assert state.speech_s == MIN_SPEECH_S
    assert state.is_reliable
    restarted, _ = learn_and_compare(new_baseline(), 121.0, (), speech_s=121.0, catalogue=CATALOGUE)
    assert not restarted.is_reliable


def test_slow_speech_gives_no_distance_of_the_voice_before_twenty_seconds_of_it():
    state = new_baseline()
    for i in range(60):
        value = signal("voice.f0", 120.0 + i % 3)
        state, (out,) = learn_and_compare(state, float(i), (value,), speech_s=0.3 * i, catalogue=CATALOGUE)
        assert out.z is None
    for i in range(60, 70):
        value = signal("voice.f0", 120.0 + i % 3)
        state, (out,) = learn_and_compare(state, float(i), (value,), speech_s=0.3 * i, catalogue=CATALOGUE)
    assert out.z is not None


def test_the_centre_drifts_slowly_and_the_spread_stays():
    state, _ = follow(new_baseline(), "head.tilt", normal(60))
    begun = state.yardsticks["head.tilt"]
    assert begun.is_learnt
    state, _ = follow(state, "head.tilt", [6.0] * 60, from_s=60.0)
    soon = state.yardsticks["head.tilt"]
    state, distances = follow(state, "head.tilt", [6.0] * round(3 * DRIFT_S), from_s=120.0)
    late = state.yardsticks["head.tilt"]
    assert begun.centre is not None
    assert soon.centre is not None
    assert 0 < soon.centre - begun.centre < 0.06
    assert late.centre == pytest.approx(6.0, abs=0.06)
    assert distances[-1] == pytest.approx(0.0, abs=0.15)
    assert begun.spread == soon.spread == late.spread


def test_an_outlier_pulls_no_harder_than_three_spreads():
    state, _ = follow(new_baseline(), "head.tilt", normal(60))
    mild, _ = follow(state, "head.tilt", [5.0 + 3.2 * 0.6], from_s=60.0)
    wild, _ = follow(state, "head.tilt", [1e9], from_s=60.0)
    assert wild.yardsticks["head.tilt"].centre == pytest.approx(mild.yardsticks["head.tilt"].centre, abs=1e-3)


def test_a_value_that_only_grows_older_counts_once():
    state = new_baseline()
    for i in range(60):
        old = signal("head.tilt", 5.0, age_s=float(i))
        state, (out,) = learn_and_compare(state, float(i), (old,), speech_s=0.0, catalogue=CATALOGUE)
    assert out.z is None
    assert len(state.yardsticks["head.tilt"].values) == 1


def test_five_events_make_a_baseline_with_a_spread_that_is_not_too_small():
    _, distances = follow(new_baseline(), "turns.latency", [0.9, 1.0, 1.0, 1.0, 1.1, 1.4])
    assert distances[:5] == [None] * 5
    assert distances[5] == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize(("name", "window", "most"), [("head.sway", 10, 0.02), ("gaze.share", 60, 0.12)])
def test_a_steady_person_is_seldom_far_from_themselves_however_much_the_windows_overlap(name, window, most):
    """Means of noise over windows that overlap; without a wider spread 0.025 and 0.22 of them are 3 spreads away."""
    random, far = np.random.default_rng(3), []
    for _ in range(60):
        noise = np.convolve(random.normal(size=MAX_VALUES + 3 * window), np.ones(window) / math.sqrt(window), "valid")
        state, _ = follow(new_baseline(), name, noise[:MAX_VALUES])
        _, distances = follow(state, name, noise[MAX_VALUES + window - 1 :: 7], from_s=100.0)
        far += [abs(z) > 3 for z in distances if z is not None]
    assert np.mean(far) < most


def test_a_ratio_that_changes_by_a_twentieth_is_within_one_spread():
    state, _ = follow(new_baseline(), "voice.f0", [120.0] * 60)
    _, (near,) = follow(state, "voice.f0", [126.0], from_s=60.0)
    assert near == pytest.approx(1.0, abs=0.05)


def test_the_window_of_a_definition_is_the_one_that_it_tells():
    told = {item.name: re.search(r"(?:last|over) (?:10 to )?(\d+) s\b", item.what) for item in CATALOGUE_OF_ALL}
    assert {name for name, match in told.items() if match} >= {"voice.jitter", "head.motion", "pulse.rate"}
    for item in CATALOGUE_OF_ALL:
        match = told[item.name]
        if match:
            assert item.window_s == float(match[1]), item.name
        elif "last minute" in item.what:
            assert item.window_s == 60.0, item.name


def test_what_has_no_baseline_or_no_definition_passes_through():
    given = (
        signal("eyes.count", 3.0),
        signal("nobody.knows", 3.0),
        *absent((CATALOGUE["head.tilt"],), Reason.NO_FACE),
        signal("head.tilt", math.nan),
    )
    state = new_baseline()
    for i in range(40):
        state, out = learn_and_compare(state, float(i), given, speech_s=0.0, catalogue=CATALOGUE)
        assert all(one is other for one, other in zip(out, given, strict=True))
    assert not state.yardsticks


def test_memory_is_bounded_and_the_state_survives_pickling_between_any_two_ticks():
    straight, distances = follow(new_baseline(), "head.tilt", normal(300))
    state, resumed = new_baseline(), []
    for i, value in enumerate(normal(300)):
        state, out = follow(pickle.loads(pickle.dumps(state)), "head.tilt", [value], from_s=float(i))
        resumed += out
        assert len(state.yardsticks["head.tilt"].values) < MAX_VALUES
    assert resumed == distances
    assert state == straight


def test_signals_learn_apart_and_keep_their_order():
    state = new_baseline()
    for i in range(30):
        given = (signal("voice.f0", 100.0 + i % 2), signal("head.tilt", -3.0 + i % 2))
        state, out = learn_and_compare(state, float(i), given, speech_s=float(i), catalogue=CATALOGUE)
    assert [item.name for item in out] == ["voice.f0", "head.tilt"]
    assert math.exp(state.yardsticks["voice.f0"].centre or 0) == pytest.approx(100.5, abs=0.6)
    assert state.yardsticks["head.tilt"].centre == pytest.approx(-2.5, abs=0.6)
