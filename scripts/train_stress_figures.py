"""How good a decision module is for people it has not seen: leave one subject out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from pipeline.learned import Array
from scripts.evaluate_emotion_figures import expected_calibration_error
from scripts.train_stress_data import DataError, Windows
from scripts.train_stress_fit import Labels, fit

N_BOOTSTRAP = 300
MAX_PROBABILITY = 1 - 1e-6
"""For logarithms of odds: trees may answer 0 or 1."""
N_BINS = 5

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What modules that had not seen a subject said about that subject's windows."""

    probability: Array
    evidence: Array
    """Logarithm of the odds by which an answer differs from the share of label 1 among the subjects the module was
    fitted to. That share falls as the share of the subject left out rises: probabilities themselves would rank
    subjects by it, the wrong way round, and guessing would have an AUROC far below 0.5."""

    @property
    def decision(self) -> npt.NDArray[np.bool_]:
        """Probability above that share."""
        return self.evidence > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of some windows. None where they have but one label."""

    n_windows: int
    n_subjects: int
    share: float
    """Of label 1."""
    balanced_accuracy: float | None
    auroc: float | None
    brier: float
    ece: float
    balanced_accuracy_ci95: Interval | None = None
    """Bootstrap over subjects."""
    auroc_ci95: Interval | None = None


def leave_one_subject_out(kind: str, windows: Windows, *, n_trees: int) -> Answers:
    """Fit a module without each subject in turn and ask it about that subject.

    Raises:
        DataError: fewer than three subjects, or all windows of one label come from one subject.
    """
    subjects = np.unique(windows.subjects)
    if len(subjects) < 3:
        raise DataError(f"{len(subjects)} subjects: at least three are needed to leave one out")
    probability = np.zeros(len(windows.labels))
    evidence = np.zeros(len(windows.labels))
    for subject in subjects:
        out = windows.subjects == subject
        labels = windows.labels[~out]
        if len(set(labels.tolist())) < 2:
            raise DataError(f"without subject {subject} there is only one label: each needs two subjects")
        module = fit(kind, windows.signals, windows.features[~out], labels, windows.subjects[~out], n_trees=n_trees)
        probability[out] = [module.judge(row) for row in windows.features[out]]
        evidence[out] = _log_odds(probability[out]) - _log_odds(labels.mean())
    return Answers(probability=probability, evidence=evidence)


def _log_odds(probability: Array | float) -> Array:
    clipped = np.clip(probability, 1 - MAX_PROBABILITY, MAX_PROBABILITY)
    return np.asarray(np.log(clipped / (1 - clipped)), np.float64)


def measure(
    windows: Windows, answers: Answers, rows: npt.NDArray[np.bool_] | None = None, *, has_intervals: bool = False
) -> Figures:
    """Compute the figures of some windows, all of them by default; at least one."""
    rows = np.ones(len(windows.labels), np.bool_) if rows is None else rows
    labels, subjects = windows.labels[rows], windows.subjects[rows]
    probability, evidence = answers.probability[rows], answers.evidence[rows]
    both = np.stack([1 - probability, probability], axis=1).astype(np.float32)
    accuracy, auroc = _score(labels, evidence)
    intervals = _bootstrap(labels, evidence, subjects) if has_intervals else (None, None)
    return Figures(
        n_windows=len(labels),
        n_subjects=len(np.unique(subjects)),
        share=float(labels.mean()),
        balanced_accuracy=accuracy,
        auroc=auroc,
        brier=float(np.square(probability - labels).mean()),
        ece=expected_calibration_error(both, labels),
        balanced_accuracy_ci95=intervals[0],
        auroc_ci95=intervals[1],
    )


def measure_subgroups(windows: Windows, answers: Answers) -> dict[str, dict[str, Figures]]:
    """Return the figures of each value of each subgroup column."""
    return {
        column: {str(value): measure(windows, answers, values == value) for value in np.unique(values)}
        for column, values in windows.groups.items()
    }


def measure_speech(windows: Windows) -> float | None:
    """AUROC of the share of speech alone: what knowing who talks is worth, or None when it is not known.

    Figures near this say that a module has learnt to tell talking from listening.
    """
    known = np.isfinite(windows.speech_share)
    if len(set(windows.labels[known].tolist())) < 2:
        return None
    auroc = area_under_roc(windows.labels[known], windows.speech_share[known])
    return max(auroc, 1 - auroc)


def calibration_bins(windows: Windows, answers: Answers) -> list[tuple[int, float, float]]:
    """Return (windows, mean probability, share of label 1) of N_BINS equally full bins of probability."""
    order = np.argsort(answers.probability, kind="stable")
    return [
        (len(rows), float(answers.probability[rows].mean()), float(windows.labels[rows].mean()))
        for rows in np.array_split(order, N_BINS)
        if len(rows)
    ]


def to_plain(figures: Figures) -> Mapping[str, object]:
    """Return the figures rounded, for a file."""
    plain: dict[str, object] = {}
    for name in Figures.__slots__:
        value = getattr(figures, name)
        rounded = [round(bound, 4) for bound in value] if isinstance(value, tuple) else value
        plain[name] = round(value, 4) if isinstance(value, float) else rounded
    return plain


def area_under_roc(labels: Labels, score: Array) -> float:
    """Share of the pairs of a window of label 1 and one of label 0 in which the first scores higher, ties half.

    Both labels must occur. Mann and Whitney's U over the number of pairs.
    """
    n_positive = int(labels.sum())
    u = float(rankdata(score)[labels == 1].sum()) - n_positive * (n_positive + 1) / 2
    return u / (n_positive * (len(labels) - n_positive))


def _score(labels: Labels, evidence: Array) -> tuple[float | None, float | None]:
    """Balanced accuracy (mean recall of the two labels) and AUROC; None where only one label occurs."""
    if not 0 < labels.sum() < len(labels):
        return None, None
    recalls = [float(((evidence > 0)[labels == label] == label).mean()) for label in (0, 1)]
    return sum(recalls) / 2, area_under_roc(labels, evidence)


def _bootstrap(
    labels: Labels, evidence: Array, subjects: npt.NDArray[np.str_]
) -> tuple[Interval | None, Interval | None]:
    """Percentile intervals of 95 %, drawing subjects, whose windows are not independent of each other."""
    dice = np.random.default_rng(0)
    of_subject = [np.flatnonzero(subjects == subject) for subject in np.unique(subjects)]
    scores = []
    for _ in range(N_BOOTSTRAP):
        rows = np.concatenate([of_subject[i] for i in dice.integers(len(of_subject), size=len(of_subject))])
        accuracy, auroc = _score(labels[rows], evidence[rows])
        if accuracy is not None and auroc is not None:
            scores.append((accuracy, auroc))
    if not scores:
        return None, None
    low, high = np.percentile(scores, (2.5, 97.5), axis=0)
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))
