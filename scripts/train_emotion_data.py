"""FER2013 with FER+ votes, read from one npz file: faces, labels and vote shares for training and evaluation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.types import EMOTIONS, FloatArray, ImageArray
from scripts.train_emotion_twins import have_twin

TRAINING = 0
PUBLIC_TEST = 1
N_HELD_OUT = 600
"""Training faces with votes that no network sees; temperatures are fitted on them."""

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
    shares, kept = _shares(votes)
    labels = votes[kept][:, VOTE_COLUMNS].argmax(axis=1)
    return LabelledFaces(pixels=pixels[kept], labels=labels, shares=shares[kept])


def read_pixels(path: Path, usage: int) -> ImageArray:
    """Return all faces of one usage, shape (n, 48, 48)."""
    with np.load(path) as data:
        return np.asarray(data["pixels"][data["usage"] == usage])


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFaces:
    """Faces with everything that training can use; the same row means the same face in all arrays."""

    pixels: ImageArray
    """Shape (n, 48, 48), grey."""
    codec_pixels: ImageArray | None
    """Same shape: the faces after a video codec; None without codec.npz."""
    framing: FloatArray | None
    """Shape (n, 2, 3): where the aligned face lies, for ``affine_grid``; None without alignment.npz."""
    labels: npt.NDArray[np.int64]
    """Shape (n,), FER2013's label as an index into EMOTIONS."""
    shares: FloatArray
    """Shape (n, 7), share of the FER+ votes."""
    has_votes: npt.NDArray[np.bool_]
    """Shape (n,), whether the row counts in the FER+ seven-class protocol."""

    def rows(self, chosen: npt.NDArray[np.integer]) -> "TrainingFaces":
        """Return some of the rows."""
        return TrainingFaces(
            pixels=self.pixels[chosen],
            codec_pixels=None if self.codec_pixels is None else self.codec_pixels[chosen],
            framing=None if self.framing is None else self.framing[chosen],
            labels=self.labels[chosen],
            shares=self.shares[chosen],
            has_votes=self.has_votes[chosen],
        )


def load_training(folder: Path, usage: int = TRAINING) -> TrainingFaces:
    """Read all rows of one usage with both kinds of label.

    Args:
        folder: holds fer2013.npz and, if they were made, codec.npz and alignment.npz (rows as in fer2013.npz).
        usage: TRAINING or PUBLIC_TEST.
    """
    with np.load(folder / "fer2013.npz") as data:
        is_wanted = data["usage"] == usage
        pixels, votes = data["pixels"][is_wanted], data["ferplus_votes"][is_wanted]
        labels = FER2013_TO_EMOTION[data["emotion"][is_wanted]]
    shares, has_votes = _shares(votes)
    return TrainingFaces(
        pixels=pixels,
        codec_pixels=_optional(folder / "codec.npz", "pixels", is_wanted),
        framing=_optional(folder / "alignment.npz", "framing", is_wanted),
        labels=labels,
        shares=shares,
        has_votes=has_votes,
    )


def held_out_rows(has_votes: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Choose N_HELD_OUT of the training rows with votes, always the same ones."""
    return np.random.default_rng(1).permutation(np.flatnonzero(has_votes))[:N_HELD_OUT]


def seen_rows(training: TrainingFaces, test: TrainingFaces) -> npt.NDArray[np.int64]:
    """Return the training rows that a network may see: not held out, and no other copy of a held out or a test face."""
    held_out = held_out_rows(training.has_votes)
    rows = np.setdiff1d(np.arange(len(training.labels)), held_out)
    unseen = np.concatenate((test.pixels, training.pixels[held_out]))
    return np.asarray(rows[~have_twin(training.pixels[rows], unseen)], np.int64)


def _optional(path: Path, name: str, rows: npt.NDArray[np.bool_]) -> Any:
    if not path.exists():
        return None
    with np.load(path) as data:
        if len(data[name]) != len(rows):
            raise ValueError(f"{path} has {len(data[name])} rows, fer2013.npz has {len(rows)}: made from another file")
        return np.asarray(data[name][rows])


def _shares(votes: npt.NDArray[np.uint8]) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return the seven shares of each row, shape (n, 7), and which rows the protocol counts, shape (n,)."""
    emotion_votes = votes[:, VOTE_COLUMNS].astype(np.float32)
    counts = (emotion_votes.max(axis=1) >= votes.max(axis=1)) & (votes.max(axis=1) > 0)
    agreed = np.where(emotion_votes > 1, emotion_votes, 0)
    agreed = np.where(agreed.sum(axis=1, keepdims=True) > 0, agreed, emotion_votes)
    return np.asarray(agreed / agreed.sum(axis=1, keepdims=True).clip(1), np.float32), counts


def load_fer2013(path: Path, usage: int) -> LabelledFaces:
    """Read all rows of one usage with the original FER2013 labels."""
    with np.load(path) as data:
        rows = data["usage"] == usage
        pixels, labels = data["pixels"][rows], FER2013_TO_EMOTION[data["emotion"][rows]]
    return LabelledFaces(pixels=pixels, labels=labels, shares=np.eye(len(EMOTIONS), dtype=np.float32)[labels])
