"""The faces of FER2013 with FER+ votes as the eye network learns them: six emotions, disgust left out."""

from pathlib import Path

import numpy as np

from pipeline.types import EMOTIONS, EYE_EMOTIONS, FloatArray
from scripts.train_emotion_data import LabelledFaces, load_ferplus7

COLUMNS = tuple(EMOTIONS.index(name) for name in EYE_EMOTIONS)
"""Columns of the six in arrays of seven."""


def load_eyes6(path: Path, usage: int, teacher: FloatArray | None = None) -> LabelledFaces:
    """Read the faces of ``load_ferplus7`` whose label is one of the six emotions.

    Args:
        path: npz of FER2013 with FER+ votes.
        usage: TRAINING or PUBLIC_TEST of ``scripts.train_emotion_data``.
        teacher: shares of the seven emotions that larger networks give the same faces, shape (n, 7), rows as
            ``load_ferplus7`` returns them; averaged half and half with the votes. None for the votes alone.

    Returns:
        Labels index into EYE_EMOTIONS; shares have shape (n, 6) and add up to 1 without disgust.

    Raises:
        ValueError: teacher has another shape.
    """
    faces = load_ferplus7(path, usage)
    shares = faces.shares
    if teacher is not None:
        if teacher.shape != shares.shape:
            raise ValueError(f"teacher has shape {teacher.shape}, the faces need {shares.shape}")
        shares = np.asarray((shares + teacher) / 2, np.float32)
    kept = np.isin(faces.labels, COLUMNS)
    of_seven = np.full(len(EMOTIONS), -1)
    of_seven[list(COLUMNS)] = np.arange(len(COLUMNS))
    six = shares[kept][:, COLUMNS]
    return LabelledFaces(
        pixels=faces.pixels[kept],
        labels=of_seven[faces.labels[kept]],
        shares=np.asarray(six / six.sum(axis=1, keepdims=True), np.float32),
    )
