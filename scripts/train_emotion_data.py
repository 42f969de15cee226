"""FER2013 with FER+ votes, read from one npz file: faces, labels and vote shares for training and evaluation."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.types import EMOTIONS, FloatArray, ImageArray

TRAINING = 0
PUBLIC_TEST = 1

# Columns of `ferplus_votes` of the seven emotions in the order of EMOTIONS. The columns are: neutral, happiness,
# surprise, sadness, anger, disgust, fear, contempt, unknown, not-a-face.
VOTE_COLUMNS = (4, 5, 6, 1, 0, 3, 2)

# FER2013's own codes are 0 angry 1 disgust 2 fear 3 happy 4 sad 5 surprise 6 neutral.
FER2013_TO_EMOTION = np.array([EMOTIONS.index(name) for name in (
    "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"
)])  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFaces:
    """Faces with what people said about them."""

    pixels: ImageArray
    """Shape (n, height, width), grey."""
    labels: npt.NDArray[np.int64]
    """Shape (n,), index into EMOTIONS."""
    shares: FloatArray
    """Shape (n, 7), share of the votes for each emotion; one-hot where only a label is known."""


def load_ferplus7(path: Path, usage: int) -> LabelledFaces:
    """Read the rows whose largest of the ten FER+ vote columns is one of the seven emotions.

    Ties go to the first in the order anger, disgust, fear, happiness, neutral, sadness, surprise; an emotion that
    ties with contempt, unknown or not-a-face wins. Lone votes are dropped from the shares as outliers, as in Barsoum
    et al. 2016, "Training deep networks for facial expression recognition with crowd-sourced label distribution".

    Args:
        path: npz with `pixels`, `usage` and `ferplus_votes`.
        usage: TRAINING or PUBLIC_TEST.
    """
    with np.load(path) as data:
        rows = data["usage"] == usage
        pixels, votes = data["pixels"][rows], data["ferplus_votes"][rows]
    emotion_votes = votes[:, VOTE_COLUMNS].astype(np.float32)
    kept = emotion_votes.max(axis=1) >= votes.max(axis=1)
    kept &= votes.max(axis=1) > 0
    emotion_votes = emotion_votes[kept]
    agreed = np.where(emotion_votes > 1, emotion_votes, 0)
    agreed = np.where(agreed.sum(axis=1, keepdims=True) > 0, agreed, emotion_votes)
    return LabelledFaces(
        pixels=pixels[kept],
        labels=emotion_votes.argmax(axis=1),
        shares=np.asarray(agreed / agreed.sum(axis=1, keepdims=True), np.float32),
    )


def load_fer2013(path: Path, usage: int) -> LabelledFaces:
    """Read all rows of one usage with the original FER2013 labels."""
    with np.load(path) as data:
        rows = data["usage"] == usage
        pixels, labels = data["pixels"][rows], FER2013_TO_EMOTION[data["emotion"][rows]]
    return LabelledFaces(pixels=pixels, labels=labels, shares=np.eye(len(EMOTIONS), dtype=np.float32)[labels])
