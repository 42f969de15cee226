import numpy as np
import pytest

from pipeline.learned import Forest, LearnedState, LearnedStress, Linear, extract_features, follow_learned
from pipeline.types import Reason
from tests.fakes.signals import signal

MODULE = LearnedStress(
    version="test",
    signals=("a", "b"),
    centre=np.zeros(4),
    scale=np.ones(4),
    decide=Linear(weights=np.array([1.0, 0.0, 0.0, 0.0]), bias=0.0),
)


def test_features_are_medians_then_spreads():
    distances = np.stack([np.arange(5.0), np.full(5, 2.0)], axis=1)
    assert extract_features(distances, n_due=5) == pytest.approx([2.0, 2.0, 2.0, 0.0])


def test_a_signal_known_in_less_than_half_of_the_window_is_unknown():
    distances = np.stack([[1.0, np.nan, np.nan, np.nan], [1.0, 3.0, np.nan, np.nan]], axis=1)
    features = extract_features(distances, n_due=4)
    assert np.isnan(features).tolist() == [True, False, True, False]
    assert features[1] == 2.0
    assert np.isnan(extract_features(np.zeros((0, 2)), n_due=4)).all()


def run(n: int, *signals):
    state, found = LearnedState(), []
    for t in range(n):
        state, (said,) = follow_learned(state, MODULE, float(t), signals)
        found.append(said)
    return state, found


def test_it_answers_once_half_the_window_is_known():
    state, found = run(60, signal("a", z=2.0), signal("b", z=0.0))
    assert (found[13].value, found[13].reason) == (None, Reason.TOO_SHORT)
    assert found[14].value == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert found[14].quality == 1.0
    assert len(state.rows) == 30


def test_poor_values_and_values_without_a_baseline_do_not_count():
    _, found = run(40, signal("a", z=2.0, quality=0.4), signal("b", z=None))
    assert (found[-1].value, found[-1].reason) == (None, Reason.CALIBRATING)
    _, found = run(40, signal("a", z=2.0), signal("b", z=None))
    assert found[-1].quality == 0.5
    assert found[-1].value is not None


def test_what_is_unknown_counts_as_in_the_beginning():
    assert MODULE.judge(np.array([np.nan, np.nan, np.nan, np.nan])) == 0.5


def test_a_forest_is_the_mean_of_its_trees():
    forest = Forest(
        roots=np.array([0, 3]),
        left=np.array([1, -1, -1, -1]),
        right=np.array([2, -1, -1, -1]),
        feature=np.array([1, -2, -2, -2]),
        threshold=np.array([0.5, -2.0, -2.0, -2.0]),
        share=np.array([0.5, 0.1, 0.9, 0.4]),
    )
    assert forest(np.array([9.0, 0.5])) == pytest.approx(0.25)
    assert forest(np.array([-9.0, 0.6])) == pytest.approx(0.65)
