"""The three kinds of decision module: fitted by scikit-learn, handed over as plain numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.svm import SVC

from pipeline.learned import Array, Forest, KernelMachine, LearnedStress, Linear

MIN_SCALE = 1e-6
N_TREES = 200
MAX_DEPTH = 6
MIN_LEAF = 5
SEED = 1
MAX_INNER_FOLDS = 5

Labels = npt.NDArray[np.int64]
Subjects = npt.NDArray[np.str_]


def fit(
    kind: str, signals: tuple[str, ...], features: Array, labels: Labels, subjects: Subjects, *, n_trees: int = N_TREES
) -> LearnedStress:
    """Fit a module.

    Args:
        kind: a key of FITS.
        signals: names, n of them.
        features: shape (n_windows, 2 n), NaN where unknown: counted as 0, as the module does.
        labels: shape (n_windows,), both 0 and 1.
        subjects: shape (n_windows,).
        n_trees: of a forest.
    """
    known = np.nan_to_num(features, nan=0.0)
    centre, scale = known.mean(axis=0), np.maximum(known.std(axis=0), MIN_SCALE)
    decide = FITS[kind]((known - centre) / scale, labels, subjects, n_trees)
    return LearnedStress(version=kind, signals=signals, centre=centre, scale=scale, decide=decide)


def _fit_logistic(x: Array, labels: Labels, subjects: Subjects, n_trees: int) -> Linear:
    model = LogisticRegression(C=0.1, max_iter=2000).fit(x, labels)
    return Linear(weights=model.coef_[0].astype(np.float64), bias=float(model.intercept_[0]))


def _fit_forest(x: Array, labels: Labels, subjects: Subjects, n_trees: int) -> Forest:
    model = RandomForestClassifier(
        n_estimators=n_trees, max_depth=MAX_DEPTH, min_samples_leaf=MIN_LEAF, random_state=SEED
    ).fit(x, labels)
    trees = [estimator.tree_ for estimator in model.estimators_]
    roots = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]

    def joined(read: Callable[[Any], Any]) -> Any:
        return np.concatenate([read(tree) for tree in trees])

    def moved(name: str) -> Any:
        own = [getattr(tree, name) for tree in trees]
        return np.concatenate([np.where(at >= 0, at + root, -1) for at, root in zip(own, roots, strict=True)])

    return Forest(
        roots=roots.astype(np.int64),
        left=moved("children_left"),
        right=moved("children_right"),
        feature=joined(lambda tree: tree.feature).astype(np.int64),
        threshold=joined(lambda tree: tree.threshold),
        share=joined(lambda tree: tree.value[:, 0, 1] / tree.value[:, 0, :].sum(axis=1)),
    )


def _fit_svm(x: Array, labels: Labels, subjects: Subjects, n_trees: int) -> KernelMachine:
    gamma = 1.0 / x.shape[1]
    model = SVC(C=1.0, gamma=gamma).fit(x, labels)
    slope, offset = _calibrate(x, labels, subjects, gamma)
    return KernelMachine(
        vectors=model.support_vectors_,
        weights=model.dual_coef_[0],
        bias=float(model.intercept_[0]),
        gamma=gamma,
        slope=slope,
        offset=offset,
    )


def _calibrate(x: Array, labels: Labels, subjects: Subjects, gamma: float) -> tuple[float, float]:
    """Platt's logistic from distances of subjects that the machine had not seen; plain when there are too few."""
    distances = np.full(len(labels), np.nan)
    n_folds = min(MAX_INNER_FOLDS, len(set(subjects.tolist())))
    if n_folds > 1:
        for rest, held_out in GroupKFold(n_folds).split(x, labels, subjects):
            if len(set(labels[rest].tolist())) > 1:
                distances[held_out] = SVC(C=1.0, gamma=gamma).fit(x[rest], labels[rest]).decision_function(x[held_out])
    known = np.isfinite(distances)
    if len(set(labels[known].tolist())) < 2:
        return 1.0, 0.0
    platt = LogisticRegression(C=1.0).fit(distances[known, None], labels[known])
    return float(platt.coef_[0, 0]), float(platt.intercept_[0])


FITS: dict[str, Callable[[Array, Labels, Subjects, int], Linear | Forest | KernelMachine]] = {
    "logistic": _fit_logistic,
    "forest": _fit_forest,
    "svm": _fit_svm,
}
