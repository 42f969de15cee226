"""What one video frame says about the face: seven emotion shares and how far to trust them.

Quality is the product of four factors, each rising linearly from 0 to 1 between two limits. The limits come from a
measurement: the accuracy of the emotion network on FER2013's public test faces under growing damage (the damage
table in models/cards/emotion.md). A factor starts to fall where one or two points of accuracy are lost, and reaches 0
where the network is no better than a rough guess.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.types import EmotionClassifier, FaceLandmarks, FaceSample, FloatArray, ImageArray, Reason
from pipeline.video.crop import MIN_CONTRAST, framing, level_face, prepare_faces

SCORE_LIMITS = (0.5, 0.8)
"""Detection score. On 30 s of ten undisturbed talkers it stays in 0.82-0.98; covered eyes give 0.78."""

SIZE_LIMITS_PX = (16.0, 48.0)
"""Side of the crop in pixels of the frame; 48 is what the network was trained on, 24 costs 5 points, 16 costs 13."""

LIGHT_LIMITS = (10.0, 40.0)
"""Mean grey level of the crop; with camera noise of 2 levels 39 costs 2 points, 13 costs 8 and 9 costs 16."""

CLIPPED_LIMITS = (0.25, 0.75)
"""Share of the crop at level 250 or more, here from full to no quality: 0.3 costs 3 points, 0.6 costs 9."""

SHARPNESS_LIMITS = (0.05, 0.18)
"""See :func:`sharpness`; a blur of 1 px of 48 gives 0.18 and costs 3 points, 3 px give 0.05 and cost 24."""

CLIPPED_LEVEL = 250

SMALL_FACE_PX = 32.0
"""A crop with a smaller side is reported as SMALL_FACE."""

DARK_LEVEL = 25.0
"""A crop, or a frame in which no face is found, with a smaller mean grey level is reported as DARK."""


MOSTLY_COVERED = 0.5
"""From this cover on it is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceQuality:
    """The four factors of quality, each in [0, 1]."""

    detection: float
    size: float
    light: float
    sharpness: float

    @property
    def overall(self) -> float:
        """The product of the factors."""
        return self.detection * self.size * self.light * self.sharpness


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredFace:
    """One frame's sample with the picture of the face behind it."""

    sample: FaceSample
    crop: ImageArray | None
    """Shape (48, 48), grey levels; None when no face was found. Not part of the sample, so that it is kept nowhere."""


def measure_face(
    *, t_s: float, rgb: ImageArray, landmarks: FaceLandmarks | None, classify: EmotionClassifier, cover: float = 0.0
) -> MeasuredFace:
    """Take a face all the way: crop it, classify it, judge it.

    Args:
        t_s: capture time of the frame.
        rgb: shape (height, width, 3).
        landmarks: the face in it, None when none was found.
        classify: the emotion network.
        cover: how sure it is that the lower half of the face is covered (``pipeline.video.cover``).
    """
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    if landmarks is None:
        return MeasuredFace(sample=observe_no_face(t_s=t_s, grey=grey), crop=None)
    crop = level_face(grey, landmarks)
    probabilities = classify(prepare_faces(crop[None]))[0]
    sample = observe(t_s=t_s, grey=grey, crop=crop, landmarks=landmarks, probabilities=probabilities, cover=cover)
    return MeasuredFace(sample=sample, crop=crop)


def observe_no_face(*, t_s: float, grey: ImageArray) -> FaceSample:
    """Report a frame of shape (height, width) without a face: DARK when the frame itself is dark, else NO_FACE."""
    reason = Reason.DARK if float(grey.mean()) < DARK_LEVEL else Reason.NO_FACE
    return FaceSample(t_s=t_s, emotions=None, quality=0.0, reason=reason)


def observe(
    *,
    t_s: float,
    grey: ImageArray,
    crop: ImageArray,
    landmarks: FaceLandmarks,
    probabilities: FloatArray,
    cover: float = 0.0,
) -> FaceSample:
    """Judge a face that was found and classified.

    Args:
        t_s: capture time of the frame.
        grey: the frame, shape (height, width).
        crop: the face in it, shape (48, 48), from :func:`pipeline.video.crop.level_face`.
        landmarks: the face in pixels of the frame.
        probabilities: shape (7,), order EMOTIONS.
        cover: as for :func:`measure_face`; it lowers the quality by its share.

    Returns:
        Emotions and quality > 0, with DARK, COVERED or SMALL_FACE as the reason where that weakens them; or no
        emotions and quality 0 when the face is unusable.
    """
    _, side_px = framing(landmarks)
    quality = assess(crop=crop, side_px=side_px, score=landmarks.score).overall * (1 - cover)
    if float(crop.mean()) < DARK_LEVEL:
        reason = Reason.DARK
    elif cover >= MOSTLY_COVERED:
        reason = Reason.COVERED
    elif side_px < SMALL_FACE_PX:
        reason = Reason.SMALL_FACE
    else:
        reason = Reason.OK
    if quality == 0:
        reason = Reason.NO_FACE if reason is Reason.OK else reason
        return FaceSample(t_s=t_s, emotions=None, quality=0.0, reason=reason, box=_box(landmarks, grey))
    return FaceSample(t_s=t_s, emotions=probabilities, quality=quality, reason=reason, box=_box(landmarks, grey))


def assess(*, crop: ImageArray, side_px: float, score: float) -> FaceQuality:
    """Rate a face crop.

    Args:
        crop: shape (48, 48), grey levels.
        side_px: side of the crop in pixels of the frame it came from.
        score: detection confidence in [0, 1].
    """
    return FaceQuality(
        detection=ramp(score, SCORE_LIMITS),
        size=ramp(side_px, SIZE_LIMITS_PX),
        light=light(crop),
        sharpness=ramp(sharpness(crop), SHARPNESS_LIMITS),
    )


def light(crop: ImageArray) -> float:
    """Rate the exposure of a crop, or of a part of one, in [0, 1]: neither dark nor clipped."""
    clipped = float((crop >= CLIPPED_LEVEL).mean())
    return min(ramp(float(crop.mean()), LIGHT_LIMITS), 1 - ramp(clipped, CLIPPED_LIMITS))


def sharpness(crop: ImageArray) -> float:
    """Mean size of the Laplacian of a 48 px crop over its standard deviation; median 0.53 on FER2013.

    Independent of exposure and contrast; camera noise raises it, so it says nothing in the dark.
    """
    levels = crop.astype(np.float32)
    edges = np.abs(cv2.Laplacian(levels, cv2.CV_32F))
    return float(edges.mean() / max(float(levels.std()), MIN_CONTRAST))


def ramp(value: float, limits: tuple[float, float]) -> float:
    """Rise linearly from 0 at the lower limit to 1 at the upper, and stay there."""
    low, high = limits
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _box(landmarks: FaceLandmarks, grey: ImageArray) -> tuple[float, float, float, float]:
    """Return the box of the landmarks, cut at the frame's edges: x, y, width, height as shares of the frame."""
    height_px, width_px = grey.shape
    shares = landmarks.points[:, :2] / np.array((width_px, height_px), np.float32)
    (left, top), (right, bottom) = np.clip((shares.min(axis=0), shares.max(axis=0)), 0.0, 1.0).tolist()
    return left, top, right - left, bottom - top
