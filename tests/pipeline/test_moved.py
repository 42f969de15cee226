import numpy as np
import pytest

from pipeline.fusion import smooth
from pipeline.moved import explain_peak, rank_moved, to_peak_point
from pipeline.trend import TrendState, follow_trend
from tests.fakes.signals import signal, tick


def session(n: int = 60, rise_at: int = 45, missing: tuple[int, ...] = ()) -> list:
    """Estimates whose raw stress is face.fear + voice.f0, the voice alone rising for three seconds."""
    dice = np.random.default_rng(1)
    smoothing, trend, found = None, TrendState(), []
    for t in range(n):
        parts = {"face.fear": 0.1 + 0.02 * dice.random(), "voice.f0": 0.2 + 0.02 * dice.random()}
        if rise_at <= t < rise_at + 3:
            parts["voice.f0"] += 0.4
        if t in missing:
            found.append(tick(float(t), None))
            continue
        raw = sum(parts.values())
        smoothing = smooth(smoothing, float(t), raw)
        trend, view = follow_trend(trend, float(t), smoothing.value)
        moved = signal("voice.f0_sd", 3.0, z=4.0, quality=0.5), signal("gaze.contact_share", 0.2, z=-3.0)
        found.append(tick(float(t), smoothing.value, *moved, raw=raw, parts=parts, peak_t_s=view.peak_t_s))
    return found


def peak_of(estimates: list) -> float:
    (peak_t_s,) = {item.peak_t_s for item in estimates if item.peak_t_s is not None and item.peak_t_s > 40}
    return peak_t_s


@pytest.mark.parametrize("missing", [(), (20, 21), (25, 26, 27, 28, 29, 30), (43,)])
def test_the_parts_add_up_to_the_rise_of_what_is_shown(missing):
    estimates = session(missing=missing)
    peak_t_s = peak_of(estimates)
    why = explain_peak([to_peak_point(item) for item in estimates], peak_t_s)
    assert why is not None
    window = [item.stress.value for item in estimates if peak_t_s - 30 < item.t_s <= peak_t_s]
    known = [value for value in window if value is not None]
    assert why.rise == pytest.approx(known[-1] - np.mean(known))
    assert sum(part.amount for part in why.parts) == pytest.approx(why.rise)
    assert why.parts[0].signal == "voice.f0"
    assert why.parts[0].amount > 0.8 * why.rise
    assert [item.name for item in why.moved] == ["gaze.contact_share", "voice.f0_sd"]


def test_a_modality_that_comes_and_goes_has_its_part():
    steady = [tick(float(t), 0.3, parts={"voice.f0": 0.3}) for t in range(30)]
    peak = tick(30.0, 0.7 * 0.3 + 0.3 * 0.5, parts={"voice.f0": 0.1, "face.fear": 0.4})
    why = explain_peak([to_peak_point(item) for item in (*steady, peak)], 30.0)
    assert why is not None
    assert {part.signal: part.amount > 0 for part in why.parts} == {"face.fear": True, "voice.f0": False}
    assert sum(part.amount for part in why.parts) == pytest.approx(why.rise)


def test_an_unknown_peak_is_not_explained():
    points = [to_peak_point(item) for item in session()]
    assert explain_peak(points, 1000.0) is None
    assert explain_peak([], 1.0) is None
    assert explain_peak([to_peak_point(tick(1.0, None))], 1.0) is None


def test_signals_are_ranked_by_distance_and_quality():
    found = rank_moved(
        (
            signal("a", z=-4.0, quality=0.5),
            signal("b", z=3.0),
            signal("c", z=0.9),
            signal("d", z=None),
            signal("e", None),
            signal("f", z=9.0, quality=0.0),
            signal("voice.mfcc3", z=9.0),
        )
    )
    assert [(item.name, item.z) for item in found] == [("b", 3.0), ("a", -4.0)]
    assert len(rank_moved([signal(f"s{i}", z=2.0) for i in range(9)])) == 5
