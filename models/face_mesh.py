"""MediaPipe FaceMesh behind the pipeline's FaceFinder: the only module that knows mediapipe.

The models come inside the mediapipe wheel (Apache-2.0), so nothing is downloaded.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from models.errors import ModelError
from models.face_choice import CLEARLY_MORE, Box, Identity, Size, are_one_face, box_of, choose
from pipeline.types import FaceLandmarks, FloatArray, ImageArray

SCORE_EVERY_CALLS = 5
"""The detection score is taken anew at every fifth tracked frame: a third of a second at 15 frames/s."""

SEARCH_EVERY_CALLS = 3
"""While no face is known, the slower search for small faces runs at every third frame."""

COUNT_EVERY_CALLS = 15
"""While a face is followed, the whole frame is searched for others at every fifteenth call: half a second at 30
frames/s."""

WINDOW_PER_FACE = 2.5
"""Side of the window cut around a face for a closer look, per larger side of the face."""

SAME_SHAPE = 0.03
"""Frames whose width over height differs by at most this share have one shape: senders round sizes to whole blocks."""

MIN_SEARCH_SCORE = 0.5
MIN_SCORE = 0.1


class Window(NamedTuple):
    """A part of the frame in pixels: columns left to right, rows top to bottom, ends excluded."""

    left: int
    top: int
    right: int
    bottom: int

    def cut(self, rgb: ImageArray) -> ImageArray:
        """Return the part as an array of its own."""
        return np.ascontiguousarray(rgb[self.top : self.bottom, self.left : self.right])

    def within(self, rgb: ImageArray) -> "Window":
        """Return what lies in the frame."""
        height_px, width_px = rgb.shape[:2]
        left, top = max(0, self.left), max(0, self.top)
        return Window(left, top, min(width_px, self.right), min(height_px, self.bottom))

    @property
    def is_empty(self) -> bool:
        """True when there is nothing in it: MediaPipe ends the process at a picture without pixels."""
        return self.right <= self.left or self.bottom <= self.top


class FaceMeshFinder:
    """Tracks the most prominent face of one video stream; implements ``pipeline.types.FaceFinder``.

    Several faces: FaceMesh follows one. At each new face and every COUNT_EVERY_CALLS calls the full-range detector
    counts the faces of the frame; two counts that agree change ``n_faces``. A new face gives way at once to one that is
    larger or more central, a face that has been followed only to one that is CLEARLY_MORE prominent at two counts.
    ``identity`` changes when the followed face cannot be the one from before (``models.face_choice``).

    Small faces: FaceMesh alone finds only faces wider than about an eighth of the frame. Where it finds none,
    MediaPipe's full-range detector looks for faces down to a fourteenth of the frame, and FaceMesh then works in a
    window around what it found.

    Frames of another size: what is known of the face goes with them where they have the same shape, as when a sender
    lowers its resolution; else, as after another camera or a turn of the phone, the face is looked for anew.

    Score: FaceMesh itself reports no graded score; its face-presence output stays at 1.0 until it loses the face. So
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
                self._close_up: Any = FaceDetection(model_selection=0, min_detection_confidence=MIN_SCORE)
                self._far: Any = FaceDetection(model_selection=1, min_detection_confidence=MIN_SEARCH_SCORE)
            except (ImportError, RuntimeError, FileNotFoundError, ValueError) as exc:
                raise ModelError(f"MediaPipe FaceMesh cannot be loaded: {exc}") from exc
            self._size: Size | None = None
            self._window: Window | None = None
            self._score = 0.0
            self._n_since_score = SCORE_EVERY_CALLS
            self._n_since_search = SEARCH_EVERY_CALLS
            self._n_since_count = 0
            self._is_new = True
            self._n_faces = 1
            self._counted = 1
            self._wanted: Box | None = None
            self._identity = Identity()
            self._warm_up(astronaut())  # type: ignore[no-untyped-call]  # skimage has no types

    def _warm_up(self, portrait: ImageArray) -> None:
        """Make every network run once, which also draws out its start-up notices; then forget the face."""
        self(portrait)
        self(np.zeros_like(portrait))
        self._n_since_search = SEARCH_EVERY_CALLS
        self._size = None
        self._identity.forget()

    def __call__(self, rgb: ImageArray) -> FaceLandmarks | None:
        """Find the face in an image of shape (height, width, 3), or return None."""
        self._fit(rgb)
        points = self._track(rgb)
        if points is None and self._window is not None:
            # FaceMesh looks afresh only at the picture after the one on which it lost the face.
            points = self._track(rgb)
        if points is None:
            points = self._search(rgb)
        if points is None:
            self._n_since_score = SCORE_EVERY_CALLS
            self._is_new = True
            self._identity.miss()
            return None
        points = self._count(rgb, points)
        around = _window_around(points, rgb)
        if self._window is not None and _has_left(points, self._window):
            self._window = around
        self._n_since_score += 1
        if self._n_since_score >= SCORE_EVERY_CALLS:
            self._score = self._detection_score(rgb, around)
            self._n_since_score = 0
        return FaceLandmarks(
            points=points,
            score=self._score,
            n_faces=self._n_faces,
            identity=self._identity.see(box_of(points), _size(rgb)),
        )

    def _fit(self, rgb: ImageArray) -> None:
        """Bring what is known in pixels to the size of this frame, or forget it where the shape is another."""
        old, new = self._size, _size(rgb)
        self._size = new
        if old is None or old == new:
            return
        self._n_since_score = SCORE_EVERY_CALLS
        if abs(old[0] / old[1] - new[0] / new[1]) > SAME_SHAPE * old[0] / old[1]:
            self._window = self._wanted = None
            self._is_new = True
            self._n_since_search = SEARCH_EVERY_CALLS
            self._forget_face()
            return
        if self._wanted is not None:
            self._wanted = self._wanted.carried(old, new)
        if self._window is not None:
            window = Window(*(round(edge) for edge in Box(*self._window).carried(old, new))).within(rgb)
            self._window = None if window.is_empty else window

    def _forget_face(self) -> None:
        """Make FaceMesh forget the face that it follows, which a picture without one does."""
        self._mesh.process(np.zeros((64, 64, 3), np.uint8))

    def _count(self, rgb: ImageArray, points: FloatArray) -> FloatArray:
        """Count the faces now and then; return the points of the face to follow from here, mostly the present ones."""
        self._n_since_count += 1
        if not self._is_new and self._n_since_count < COUNT_EVERY_CALLS:
            return points
        self._n_since_count = 0
        followed, boxes = box_of(points), self._detect(rgb)
        others = [box for box in boxes if not are_one_face(box, followed)]
        # The two networks draw their boxes differently: like is compared with like where it can be.
        present = next((box for box in boxes if are_one_face(box, followed)), followed)
        n_faces = 1 + len(others)
        if self._is_new or n_faces == self._counted:
            self._n_faces = n_faces
        self._counted = n_faces
        better = choose(present, others, _size(rgb), margin=1.0 if self._is_new else CLEARLY_MORE)
        is_sure = self._is_new or (
            better is not None and self._wanted is not None and are_one_face(better, self._wanted)
        )
        self._is_new, self._wanted = False, better
        if better is None or not is_sure:
            return points
        return self._turn_to(rgb, better, points)

    def _turn_to(self, rgb: ImageArray, face: Box, points: FloatArray) -> FloatArray:
        """Follow another face; stay with the present points when it is not found there."""
        kept = self._window
        for window in (_window_around(np.array((face[:2], face[2:]), np.float32), rgb), kept):
            self._forget_face()
            self._window = window
            found = self._track(rgb)
            if found is not None and are_one_face(box_of(found), face):
                self._n_since_score = SCORE_EVERY_CALLS
                return found
        return points

    def _track(self, rgb: ImageArray) -> FloatArray | None:
        """Run FaceMesh on the frame or the present window; return points in pixels of the frame."""
        window = self._window or Window(0, 0, *_size(rgb))
        if window.is_empty:
            return None
        faces = self._mesh.process(window.cut(rgb)).multi_face_landmarks
        if not faces:
            return None
        shares = np.array([(p.x, p.y, p.z) for p in faces[0].landmark], np.float32)
        # MediaPipe gives shares of the picture; z has the scale of x.
        width_px, height_px = window.right - window.left, window.bottom - window.top
        scale, origin = (width_px, height_px, width_px), (window.left, window.top, 0)
        return shares * np.array(scale, np.float32) + np.array(origin, np.float32)

    def _search(self, rgb: ImageArray) -> FloatArray | None:
        """Look for a small face in the whole frame now and then; set the window and track it when there is one."""
        self._window = None
        self._n_since_search += 1
        if self._n_since_search < SEARCH_EVERY_CALLS:
            return None
        self._n_since_search = 0
        boxes = self._detect(rgb)
        if not boxes:
            return None
        corners = np.array((boxes[0][:2], boxes[0][2:]), np.float32)
        self._window = _window_around(corners, rgb)
        return self._track(rgb)

    def _detect(self, rgb: ImageArray) -> list[Box]:
        """Find all faces of a frame, small ones too, the surest first."""
        height_px, width_px = rgb.shape[:2]
        found = self._far.process(np.ascontiguousarray(rgb)).detections or ()
        boxes = [face.location_data.relative_bounding_box for face in sorted(found, key=lambda face: -face.score[0])]
        return [
            Box(b.xmin * width_px, b.ymin * height_px, (b.xmin + b.width) * width_px, (b.ymin + b.height) * height_px)
            for b in boxes
        ]

    def _detection_score(self, rgb: ImageArray, around: Window) -> float:
        """Return the confidence of the detector in a window around the face, 0 when it sees none there."""
        if around.is_empty:
            return 0.0
        found = self._close_up.process(around.cut(rgb)).detections
        return max((float(face.score[0]) for face in found), default=0.0) if found else 0.0

    def close(self) -> None:
        """Free the native graphs; the object cannot be used afterwards."""
        for graph in (self._mesh, self._close_up, self._far):
            graph.close()


def _window_around(points: FloatArray, rgb: ImageArray) -> Window:
    """Return a square of WINDOW_PER_FACE faces around points of shape (n, 2 or 3), cut at the frame's edges."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    half = WINDOW_PER_FACE * float((high - low).max()) / 2
    (left, top), (right, bottom) = (low + high) / 2 - half, (low + high) / 2 + half
    return Window(int(left), int(top), int(right), int(bottom)).within(rgb)


def _size(rgb: ImageArray) -> Size:
    return rgb.shape[1], rgb.shape[0]


def _has_left(points: FloatArray, window: Window) -> bool:
    """Say whether a face has moved out of the middle of its window, or grown or shrunk much."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    side = max(window.right - window.left, window.bottom - window.top)
    shift = (low + high) / 2 - ((window.left + window.right) / 2, (window.top + window.bottom) / 2)
    relative = WINDOW_PER_FACE * float((high - low).max()) / side
    return bool(np.abs(shift).max() > side / 5) or not 0.6 < relative < 1.6


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
