"""The emotion network with its embedding, and a trained temporal head, as plain functions over arrays."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from models.loader import MODELS_DIR
from pipeline.types import FloatArray, ImageArray
from pipeline.video.crop import prepare_faces
from scripts.temporal_motion import Values

BATCH = 64


def open_session(content: bytes) -> Any:
    """Open an ONNX file on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class EmbeddingNetwork:
    """The emotion network, answering with shares and embedding."""

    def __init__(self, path: Path | None = None, *, needs_embedding: bool = True) -> None:
        """Open the given file, or the project's own.

        Raises:
            ValueError: the network has no output `embedding` and one is needed.
            OSError: the file cannot be read.
        """
        path = path or MODELS_DIR / "emotion.onnx"
        self.content = path.read_bytes()
        self._session = open_session(self.content)
        self._has_embedding = "embedding" in [output.name for output in self._session.get_outputs()]
        if needs_embedding and not self._has_embedding:
            raise ValueError(f"{path} has no output named embedding")

    def __call__(self, crops: ImageArray) -> tuple[FloatArray, FloatArray]:
        """Classify crops of shape (n, 48, 48).

        Returns:
            Shares (n, 7) and embeddings (n, 1280), or (n, 0) where the network gives none.
        """
        name = self._session.get_inputs()[0].name
        outputs = ["probabilities", "embedding"] if self._has_embedding else ["probabilities"]
        batches = [prepare_faces(crops[i : i + BATCH]) for i in range(0, len(crops), BATCH)]
        answers = [self._session.run(outputs, {name: batch}) for batch in batches]
        parts = [(each[0], each[1] if self._has_embedding else each[0][:, :0]) for each in answers]
        return np.concatenate([shares for shares, _ in parts]), np.concatenate([inner for _, inner in parts])


class HeadFilter:
    """A trained temporal head over whole sequences."""

    def __init__(self, path: Path) -> None:
        self._session = open_session(path.read_bytes())
        self.n_state = int(self._session.get_inputs()[3].shape[1])

    def __call__(self, p: Values, embeddings: FloatArray, t_s: Values) -> Values:
        """Filter shares (n, n_frames, 7) with embeddings (n, n_frames, 1280) at times (n_frames,)."""
        state = np.zeros((len(p), self.n_state), np.float32)
        out = np.empty_like(p)
        for i in range(len(t_s)):
            dt_s = np.full((len(p), 1), t_s[i] - t_s[i - 1] if i else 0.0, np.float32)
            inputs = {
                "embedding": np.asarray(embeddings[:, i], np.float32),
                "shares": np.asarray(p[:, i], np.float32),
                "dt_s": dt_s,
                "state": state,
            }
            out[:, i], state = self._session.run(None, inputs)
        return out
