"""Photographs that FER2013 holds several times: with another crop, a watermark, another size.

Its pictures were found on the web by many searches. Where such a twin of a test face is a training face, the test asks
in part for what was learnt by heart.
"""

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.types import FloatArray, ImageArray

GRID = 12
"""Faces are compared by the means of so many by so many blocks."""
LEAST_CORRELATION = 0.95
"""From here on nearly all pairs that were looked at are one photograph."""
CHUNK = 2048


def have_twin(faces: ImageArray, others: ImageArray) -> npt.NDArray[np.bool_]:
    """Tell which faces show the same photograph as one of the others; shapes (n, h, w) and (m, h, w), returns (n,)."""
    theirs = _summaries(others)
    return np.concatenate(
        [np.zeros(0, np.bool_)]
        + [
            (_summaries(faces[i : i + CHUNK]) @ theirs.T).max(axis=1, initial=-1) >= LEAST_CORRELATION
            for i in range(0, len(faces), CHUNK)
        ]
    )


def _summaries(faces: ImageArray) -> FloatArray:
    """Return block means of each face with mean 0 and length 1, shape (n, GRID * GRID); zeros for a flat one."""
    blocks = np.zeros((len(faces), GRID * GRID), np.float32)
    for row, face in zip(blocks, faces, strict=True):
        row[:] = cv2.resize(face, (GRID, GRID), interpolation=cv2.INTER_AREA).ravel()
    blocks -= blocks.mean(axis=1, keepdims=True)
    length = np.linalg.norm(blocks, axis=1, keepdims=True)
    return np.asarray(blocks / np.maximum(length, 1e-6), np.float32)
