"""Figures of the voice network from its answers: eight classes, three levels, their calibration, each speaker."""

from typing import Any

import numpy as np

from pipeline.audio.voice_emotion import LEVEL_OF_VOICE_EMOTION, sum_levels
from pipeline.types import VOICE_EMOTIONS, FloatArray, Level
from scripts.evaluate_emotion_figures import N_BOOTSTRAP, Labels, class_figures

LEVEL_NAMES = tuple(level.value for level in Level)


def voice_figures(shares: FloatArray, labels: Labels, actors: Labels) -> dict[str, Any]:
    """Compute everything that follows from the answers.

    Args:
        shares: shape (n, 8), n >= 1, order VOICE_EMOTIONS.
        labels: shape (n,), index into VOICE_EMOTIONS.
        actors: shape (n,), who speaks.

    Returns:
        Those of class_figures, and uar (mean recall over the classes that occur) with uar_ci95 (bootstrap over
        speakers), three_level_accuracy, three_level_uar, three_level_confusion (rows truth, columns answer),
        three_level_ece, uar_by_actor.
    """
    levels = sum_levels(shares)
    level_labels = np.array(LEVEL_OF_VOICE_EMOTION)[labels]
    of_levels = class_figures(levels, level_labels, LEVEL_NAMES)
    answers = shares.argmax(axis=1)
    return class_figures(shares, labels, VOICE_EMOTIONS) | {
        "uar": round(mean_recall(answers, labels), 4),
        "uar_ci95": [round(bound, 4) for bound in _speaker_interval(answers, labels, actors)],
        "three_level_accuracy": of_levels["accuracy"],
        "three_level_uar": round(mean_recall(levels.argmax(axis=1), level_labels), 4),
        "three_level_confusion": of_levels["confusion"],
        "three_level_ece": of_levels["ece"],
        "uar_by_actor": {
            str(actor): round(mean_recall(answers[actors == actor], labels[actors == actor]), 4)
            for actor in np.unique(actors).tolist()
        },
    }


def mean_recall(answers: Labels, labels: Labels) -> float:
    """Unweighted average recall over the classes that occur in labels, both of shape (n,), n >= 1."""
    return float(np.mean([np.mean(answers[labels == label] == label) for label in np.unique(labels)]))


def _speaker_interval(answers: Labels, labels: Labels, actors: Labels) -> tuple[float, float]:
    """Percentile bootstrap interval of 95 % for the mean recall, drawing speakers: clips of one are not independent."""
    rng = np.random.default_rng(0)
    rows_of = [np.flatnonzero(actors == actor) for actor in np.unique(actors)]
    recalls = []
    for _ in range(N_BOOTSTRAP):
        rows = np.concatenate([rows_of[i] for i in rng.integers(0, len(rows_of), len(rows_of))])
        recalls.append(mean_recall(answers[rows], labels[rows]))
    low, high = np.percentile(recalls, (2.5, 97.5))
    return float(low), float(high)
