"""A decision module that researchers train on their own labelled sessions (``scripts/train_stress``), run by numpy.

It looks at the last half minute: of each signal the median and the spread of its distance from the person's own
baseline. A feature that is unknown counts as 0, "as in the beginning". What the module answers is only as good as the
labels and the people it was trained with; its card says how good that was. Its answer stands beside the published
score, never in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.signals import Definition, Group, absent
from pipeline.types import Reason, Signal

WINDOW_S = 30.0
MIN_QUALITY = 0.5
"""Values below this are left out of the features."""
MIN_KNOWN_SHARE = 0.5
"""A signal needs values in this share of the window, the module needs features of this share of its signals."""
STATISTICS = ("median", "spread")
"""Of each signal; spread is the range between the quartiles."""

Array = npt.NDArray[np.float64]

DEFINITIONS = (
    Definition(
        name="nonverbal.learned_stress",
        label="Learned stress",
        unit="",
        group=Group.NONVERBAL,
        what="Probability of stress by the decision module that the operator has trained and named, over 30 s.",
        low=0.0,
        high=1.0,
        has_baseline=False,
        is_experimental=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """Logistic regression: p = 1 / (1 + exp(-(w x + b)))."""

    weights: Array
    """Shape (n_features,)."""
    bias: float

    def __call__(self, x: Array) -> float:
        """Return the probability for standardised features of shape (n_features,)."""
        return _logistic(float(self.weights @ x) + self.bias)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """Random forest: the mean of the trees' leaf shares. All trees' nodes stand one after the other."""

    roots: npt.NDArray[np.int64]
    """Shape (n_trees,): index of each tree's first node."""
    left: npt.NDArray[np.int64]
    """Shape (n_nodes,): where values up to the threshold go; -1 at a leaf."""
    right: npt.NDArray[np.int64]
    feature: npt.NDArray[np.int64]
    threshold: Array
    share: Array
    """Share of label 1 at each node."""

    def __call__(self, x: Array) -> float:
        """Return the probability for standardised features of shape (n_features,)."""
        values = x.astype(np.float32)  # the precision in which the thresholds were found
        nodes = self.roots.copy()
        while (inner := self.left[nodes] >= 0).any():
            at = nodes[inner]
            goes_left = values[self.feature[at]] <= self.threshold[at]
            nodes[inner] = np.where(goes_left, self.left[at], self.right[at])
        return float(self.share[nodes].mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelMachine:
    """Support vector machine with the kernel exp(-gamma |x - v|^2) and Platt's (1999) logistic on its distance."""

    vectors: Array
    """Shape (n_vectors, n_features)."""
    weights: Array
    """Shape (n_vectors,)."""
    bias: float
    gamma: float
    slope: float
    offset: float

    def __call__(self, x: Array) -> float:
        """Return the probability for standardised features of shape (n_features,)."""
        kernel = np.exp(-self.gamma * np.square(self.vectors - x).sum(axis=1))
        return _logistic(self.slope * (float(self.weights @ kernel) + self.bias) + self.offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedStress:
    """A trained decision module."""

    version: str
    """Name and short hash of its file."""
    signals: tuple[str, ...]
    """Names of the signals it looks at."""
    centre: Array
    """Shape (n_features,), n_features = len(signals) * len(STATISTICS): mean of each feature in training."""
    scale: Array
    """Standard deviation of each feature in training, > 0."""
    decide: Linear | Forest | KernelMachine

    def judge(self, features: Array) -> float:
        """Return the probability of stress in [0, 1] for one window's features, NaN where unknown."""
        return self.decide((np.nan_to_num(features, nan=0.0) - self.centre) / self.scale)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedState:
    """(time, distances of the module's signals from the baseline, NaN where unknown) over the last WINDOW_S."""

    rows: tuple[tuple[float, tuple[float, ...]], ...] = ()


def extract_features(distances: Array, *, n_due: int) -> Array:
    """Compute the features of one window.

    Args:
        distances: shape (n_ticks, n_signals): z of each signal, NaN where it is unknown or of low quality.
        n_due: ticks that the window should have.

    Returns:
        Shape (2 n_signals,): medians, then spreads; NaN for a signal known in less than MIN_KNOWN_SHARE of the window.
    """
    n_signals = distances.shape[1]
    features = np.full((len(STATISTICS), n_signals), np.nan)
    n_known = np.isfinite(distances).sum(axis=0)
    usable = n_known >= max(MIN_KNOWN_SHARE * n_due, 1)
    if usable.any():
        low, middle, high = np.nanpercentile(distances[:, usable], (25, 50, 75), axis=0)
        features[:, usable] = middle, high - low
    return features.reshape(-1)


def follow_learned(
    state: LearnedState, module: LearnedStress, t_s: float, signals: Sequence[Signal]
) -> tuple[LearnedState, tuple[Signal, ...]]:
    """Take in a tick's signals, compared with the baseline, and judge the last WINDOW_S.

    Returns:
        The new state and one signal per definition. Its quality is the share of the module's signals that were known;
        below MIN_KNOWN_SHARE there is no value.
    """
    z = {signal.name: signal.z for signal in signals if signal.z is not None and signal.quality >= MIN_QUALITY}
    row = (t_s, tuple(z.get(name, np.nan) for name in module.signals))
    rows = (*(old for old in state.rows if old[0] > t_s - WINDOW_S), row)
    features = extract_features(np.array([values for _, values in rows], np.float64), n_due=round(WINDOW_S))
    coverage = float(np.isfinite(features[: len(module.signals)]).mean())
    if coverage < MIN_KNOWN_SHARE:
        is_young = len(rows) < MIN_KNOWN_SHARE * WINDOW_S
        return LearnedState(rows=rows), absent(DEFINITIONS, Reason.TOO_SHORT if is_young else Reason.CALIBRATING)
    signal = Signal(
        name=DEFINITIONS[0].name, value=module.judge(features), quality=coverage, reason=Reason.OK, age_s=0.0
    )
    return LearnedState(rows=rows), (signal,)


def _logistic(x: float) -> float:
    return float(0.5 * (1 + np.tanh(x / 2)))
