"""Figures of a classifier from its probabilities and the labels."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.levels import LEVEL_OF_EMOTION, LEVELS
from pipeline.types import EMOTIONS, FloatArray, ImageArray

BATCH = 64
N_ECE_BINS = 15
N_BOOTSTRAP = 2000
N_TIMED_FACES = 300

Labels = npt.NDArray[np.int64]


def figures(probabilities: FloatArray, labels: Labels) -> dict[str, Any]:
    """Compute everything that follows from the answers of a seven-class classifier.

    Args:
        probabilities: shape (n, 7), n >= 1.
        labels: shape (n,), index into EMOTIONS.

    Returns:
        Those of :func:`class_figures` and three_level_accuracy.
    """
    level_of_emotion = np.array(LEVEL_OF_EMOTION)
    levels = np.stack([probabilities[:, level_of_emotion == level].sum(axis=1) for level in range(len(LEVELS))], axis=1)
    right = levels.argmax(axis=1) == level_of_emotion[labels]
    return class_figures(probabilities, labels, EMOTIONS) | {"three_level_accuracy": round(float(right.mean()), 4)}


def class_figures(probabilities: FloatArray, labels: Labels, names: Sequence[str]) -> dict[str, Any]:
    """Compute what any classifier is judged by.

    Args:
        probabilities: shape (n, len(names)), n >= 1.
        labels: shape (n,), index into names.
        names: of the classes.

    Returns:
        n, accuracy, ci95 (bootstrap, of accuracy), macro_f1 (over classes that occur), recall per class (None for a
        class that does not occur), confusion (rows truth, columns answer), ece, majority (accuracy of always giving
        the most frequent label).
    """
    answers = probabilities.argmax(axis=1)
    confusion = np.zeros((len(names), len(names)), np.int64)
    np.add.at(confusion, (labels, answers), 1)
    n_true, n_answered, n_right = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
    occurs = n_true > 0
    f1 = 2 * n_right[occurs] / (n_true + n_answered)[occurs]
    return {
        "n": len(labels),
        "accuracy": accuracy(probabilities, labels),
        "ci95": [round(bound, 4) for bound in bootstrap_interval(answers == labels)],
        "macro_f1": round(float(f1.mean()), 4),
        "recall": {
            name: round(float(n_right[i] / n_true[i]), 4) if occurs[i] else None for i, name in enumerate(names)
        },
        "confusion": confusion.tolist(),
        "ece": round(expected_calibration_error(probabilities, labels), 4),
        "majority": round(float(n_true.max() / len(labels)), 4),
    }


def accuracy(probabilities: FloatArray, labels: Labels) -> float:
    """Share of right answers; probabilities of shape (n, classes), labels of shape (n,), n >= 1."""
    return round(float((probabilities.argmax(axis=1) == labels).mean()), 4)


def answer_in_batches(answer: Callable[[ImageArray], FloatArray], pixels: ImageArray) -> FloatArray:
    """Return the answers to pictures of shape (n, height, width), n >= 1, as one array of shape (n, classes)."""
    return np.concatenate([answer(pixels[i : i + BATCH]) for i in range(0, len(pixels), BATCH)])


def expected_calibration_error(probabilities: FloatArray, labels: Labels) -> float:
    """Mean gap between confidence and accuracy over 15 equally wide bins of confidence, weighted by their counts.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * N_ECE_BINS).astype(int), N_ECE_BINS - 1)
    gaps = np.zeros(N_ECE_BINS)
    np.add.at(gaps, bins, right - confidence)
    return float(np.abs(gaps).sum() / len(labels))


def bootstrap_interval(right: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Percentile bootstrap interval of 95 % for a share; the same input gives the same interval."""
    rng = np.random.default_rng(0)
    shares = rng.binomial(len(right), float(right.mean()), N_BOOTSTRAP) / len(right)
    low, high = np.percentile(shares, (2.5, 97.5))
    return float(low), float(high)


def median_ms(answer: Callable[[ImageArray], object], pixels: ImageArray) -> float:
    """Return the median time in milliseconds that the answer to one picture alone takes.

    Args:
        answer: takes pictures of shape (1, height, width).
        pixels: shape (n, height, width), n >= 1; the first N_TIMED_FACES are used.
    """
    times_s = []
    for face in pixels[:N_TIMED_FACES]:
        started_s = time.perf_counter()
        answer(face[None])
        times_s.append(time.perf_counter() - started_s)
    return 1000 * float(np.median(times_s))
