"""MediaPipe FaceMesh behind the pipeline's FaceFinder: the only module that knows mediapipe.

The models come inside the mediapipe wheel (Apache-2.0), so nothing is downloaded.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from models.errors import ModelError
from pipeline.types import FaceLandmarks, FloatArray, ImageArray

SCORE_EVERY_CALLS = 5
"""The detection score is taken anew at every fifth tracked frame: a third of a second at 15 frames/s."""

SCORE_WINDOW_PER_FACE = 2.5
"""Side of the square in which the detector looks again, per larger side of the face."""

N_POINTS = 478


class FaceMeshFinder:
    """Tracks the most prominent face of one video stream; implements ``pipeline.types.FaceFinder``.

    FaceMesh itself reports no graded score: its face-presence output stays at 1.0 until it loses the face. So
    ``FaceLandmarks.score`` is the confidence of MediaPipe's short-range face detector on a window around the
    tracked face, refreshed every SCORE_EVERY_CALLS calls and at every new face. It is 0 when the
    detector does not confirm the face. Blur, darkness and covered parts lower it.

    The object remembers the last face, so it serves one stream and one thread; the same frames in the same order
    give the same results.
    """

    def __init__(self) -> None:
        with _quiet_native_log():
            try:
                from mediapipe.python.solutions.face_detection import FaceDetection
                from mediapipe.python.solutions.face_mesh import FaceMesh
                from skimage.data import astronaut

                self._mesh: Any = FaceMesh(max_num_faces=1, refine_landmarks=True)
                self._detector: Any = FaceDetection(model_selection=0, min_detection_confidence=0.1)
            except (ImportError, RuntimeError, FileNotFoundError, ValueError) as exc:
                raise ModelError(f"MediaPipe FaceMesh cannot be loaded: {exc}") from exc
            self._score = 0.0
            self._n_since_score = SCORE_EVERY_CALLS
            self._warm_up(astronaut())  # type: ignore[no-untyped-call]  # skimage has no types

    def _warm_up(self, portrait: ImageArray) -> None:
        """Make every network run once, which also draws out its start-up notices; then forget the face."""
        self(portrait)
        self(np.zeros_like(portrait))

    def __call__(self, rgb: ImageArray) -> FaceLandmarks | None:
        """Find the face in an image of shape (height, width, 3), or return None."""
        height_px, width_px = rgb.shape[:2]
        faces = self._mesh.process(np.ascontiguousarray(rgb)).multi_face_landmarks
        if not faces:
            self._n_since_score = SCORE_EVERY_CALLS
            return None
        points = np.array([(p.x, p.y, p.z) for p in faces[0].landmark], np.float32)
        # MediaPipe gives shares of the frame; z has the scale of x.
        points *= np.array((width_px, height_px, width_px), np.float32)
        self._n_since_score += 1
        if self._n_since_score >= SCORE_EVERY_CALLS:
            self._score = self._detection_score(rgb, points)
            self._n_since_score = 0
        return FaceLandmarks(points=points, score=self._score)

    def _detection_score(self, rgb: ImageArray, points: FloatArray) -> float:
        """Return the confidence of the detector in a window around the face, 0 when it sees none there."""
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        half = SCORE_WINDOW_PER_FACE * float((high - low).max()) / 2
        (left, top), (right, bottom) = (low + high) / 2 - half, (low + high) / 2 + half
        window = rgb[max(0, int(top)) : max(0, int(bottom)), max(0, int(left)) : max(0, int(right))]
        if window.size == 0:
            return 0.0
        found = self._detector.process(np.ascontiguousarray(window)).detections
        return max((float(face.score[0]) for face in found), default=0.0) if found else 0.0

    def close(self) -> None:
        """Free the native graphs; the object cannot be used afterwards."""
        self._mesh.close()
        self._detector.close()


@contextmanager
def _quiet_native_log() -> Iterator[None]:
    """Discard what native code writes to standard error, for the length of the block.

    MediaPipe's C++ code writes notices there that no setting of this release switches off.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
