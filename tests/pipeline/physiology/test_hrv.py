import neurokit2
import numpy as np
import pytest

from pipeline.physiology.beats import find_beats
from pipeline.physiology.hrv import intervals, lf_hf_ratio, measure_variability
from pipeline.physiology.methods import RATE_HZ


def beats(seconds, *, mean_s=0.85, slow=0.03, fast=0.02, jitter=0.008, seed=4):
    """Return beat times whose intervals swing at 0.1 Hz and at 0.25 Hz."""
    rng = np.random.default_rng(seed)
    times = [0.3]
    while times[-1] < seconds:
        t = times[-1]
        swing = slow * np.sin(2 * np.pi * 0.1 * t) + fast * np.sin(2 * np.pi * 0.25 * t)
        times.append(t + mean_s + swing + rng.normal(0, jitter))
    return np.array(times)


def neurokit(beats_s, function):
    return function(np.round(beats_s * 1000).astype(int), sampling_rate=1000)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_time_domain_measures_equal_neurokit(seed):
    beats_s = np.round(beats(90, seed=seed), 3)
    found, kept = intervals(beats_s)
    measured = measure_variability(found)
    table = neurokit(beats_s, neurokit2.hrv_time)
    assert kept == 1.0
    assert measured.rmssd_ms == pytest.approx(table["HRV_RMSSD"][0], rel=0.005)
    assert measured.sdnn_ms == pytest.approx(table["HRV_SDNN"][0], rel=0.005)
    # Brennan et al. 2001: how the axes of the Poincare plot follow from the two.
    assert measured.sd1_ms == pytest.approx(table["HRV_RMSSD"][0] / np.sqrt(2), rel=0.01)
    expected = np.sqrt(2 * table["HRV_SDNN"][0] ** 2 - table["HRV_RMSSD"][0] ** 2 / 2)
    assert measured.sd2_ms == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("slow", "fast"), [(0.04, 0.015), (0.015, 0.04)])
def test_the_balance_is_near_neurokits(slow, fast):
    beats_s = np.round(beats(150, slow=slow, fast=fast), 3)
    ratio = lf_hf_ratio(beats_s, intervals(beats_s)[0])
    table = neurokit(beats_s, neurokit2.hrv_frequency)
    assert ratio == pytest.approx(table["HRV_LFHF"][0], rel=0.35)
    assert (ratio > 1) == (slow > fast)


def test_a_missed_beat_is_left_out():
    beats_s = beats(90)
    whole = measure_variability(intervals(beats_s)[0])
    found, kept = intervals(np.delete(beats_s, 40))
    assert 0.98 < kept < 1.0
    assert measure_variability(found).rmssd_ms == pytest.approx(whole.rmssd_ms, rel=0.1)


def test_too_few_beats_say_nothing():
    assert measure_variability(intervals(np.array([0.0, 0.8, 1.6]))[0]) is None
    assert lf_hf_ratio(beats(60), intervals(beats(60))[0]) is None
    assert intervals(np.array([1.0]))[1] == 0.0


def test_beats_between_frames_are_found_to_a_few_milliseconds():
    true_s = beats(70)
    t_s = np.arange(int(69 * RATE_HZ)) / RATE_HZ
    count = np.interp(t_s, true_s, np.arange(len(true_s)))
    wave = np.cos(2 * np.pi * count) + 0.25 * np.cos(4 * np.pi * count)
    found_s = find_beats(wave, 1 / 0.85)
    inside = true_s[(true_s > 2) & (true_s < 67)]
    nearest = np.abs(inside[:, None] - found_s).min(axis=1)
    assert np.median(nearest) < 0.006
    measured = measure_variability(intervals(found_s)[0])
    truth = measure_variability(intervals(true_s[true_s < 69])[0])
    assert measured.sdnn_ms == pytest.approx(truth.sdnn_ms, rel=0.1)
    assert measured.rmssd_ms == pytest.approx(truth.rmssd_ms, rel=0.25)
