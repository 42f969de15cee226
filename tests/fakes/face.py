"""Stand-ins for the networks, for tests of what is around them."""

from dataclasses import replace

import numpy as np

from pipeline.types import EMOTIONS, EYE_EMOTIONS, VOICE_EMOTIONS, FaceFinder, FaceLandmarks, FloatArray, ImageArray


class FixedClassifier:
    """Sees the same emotions everywhere."""

    version = "fixed"

    def __call__(self, faces: FloatArray) -> FloatArray:
        """Return equal shares, shape (n, 7)."""
        return np.full((len(faces), len(EMOTIONS)), 1 / len(EMOTIONS), np.float32)


class FixedEyeClassifier:
    """Sees the same in all eyes."""

    version = "fixed-eyes"

    def __call__(self, strips: FloatArray) -> FloatArray:
        """Return equal shares, shape (n, 6)."""
        return np.full((len(strips), len(EYE_EMOTIONS)), 1 / len(EYE_EMOTIONS), np.float32)


class FixedVoiceClassifier:
    """Hears one emotion in every voice."""

    version = "fixed-voice"

    def __init__(self, emotion: str = "calm", share: float = 0.65) -> None:
        self._shares = np.full(len(VOICE_EMOTIONS), (1 - share) / (len(VOICE_EMOTIONS) - 1), np.float32)
        self._shares[VOICE_EMOTIONS.index(emotion)] = share
        self.n_frames: list[int] = []

    def __call__(self, rows: FloatArray) -> FloatArray:
        """Return the same shares for each, shape (n, 8), and note how long they were."""
        self.n_frames.append(rows.shape[2])
        return np.tile(self._shares, (len(rows), 1))


class NumberedFinder:
    """Sees what another finder sees, its faces numbered from another number on."""

    def __init__(self, finder: FaceFinder, first: int) -> None:
        self._finder = finder
        self._first = first

    def __call__(self, rgb: ImageArray) -> FaceLandmarks | None:
        """Ask the other finder."""
        face = self._finder(rgb)
        return None if face is None else replace(face, identity=self._first + face.identity)

    def close(self) -> None:
        """There is nothing to free."""


class NobodyFinder:
    """Sees no face, or breaks once it has looked n_before_error times."""

    def __init__(self, n_before_error: int | None = None) -> None:
        self.n_calls = 0
        self.is_closed = False
        self._n_before_error = n_before_error

    def __call__(self, rgb: ImageArray) -> FaceLandmarks | None:
        """Count the look."""
        self.n_calls += 1
        if self._n_before_error is not None and self.n_calls > self._n_before_error:
            raise RuntimeError("graph broke")
        return None

    def close(self) -> None:
        """Remember that it was freed."""
        self.is_closed = True
