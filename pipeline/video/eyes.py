"""The region of the eyes: the strip of the levelled face crop that the eye network sees.

Training, evaluation and live frames cut the same strip of the same 48 px crop. On 455 FER2013 training faces on which
FaceMesh found landmarks, levelled as live ones are, the upper edge of the brows lies at 11.0-14.4 of 48 px (5th to 95th
percentile), the skin under the lower lids at 21.4-25.0, the outer corners of the eyes at 7.8 and 41.0. The strip adds
three pixels on each side of that.
"""

from dataclasses import replace

import cv2
import numpy as np

from pipeline.types import EyeClassifier, FloatArray, ImageArray, Reason
from pipeline.video.crop import SOURCE_SIZE_PX, normalise
from pipeline.video.face import DARK_LEVEL, MeasuredFace, light, ramp, sharpness

STRIP_ROWS = slice(8, 28)
STRIP_COLUMNS = slice(4, 44)
"""The strip in pixels of the 48 px crop: 20 rows of 40."""

STRIP_SIZE_PX = (32, 64)
"""Height and width of the eye network's input."""


SHARPNESS_LIMITS = (0.10, 0.25)
"""Of the strip alone, see :func:`pipeline.video.face.sharpness`: a blur of 1 px of 48 gives 0.25 and
costs 2 points of accuracy, one of 3 px gives 0.10 and costs 18 (models/cards/eyes.md)."""

MIN_QUALITY = 0.3
"""Below it nothing is said: a region of 40 x 20 px bears less damage than the whole face."""


def cut_strips(crops: ImageArray) -> ImageArray:
    """Cut the strip out of levelled face crops.

    Args:
        crops: shape (n, 48, 48), grey levels, as ``pipeline.video.crop.level_face`` makes them.

    Returns:
        Shape (n, 20, 40).

    Raises:
        ValueError: the crops have another size.
    """
    if crops.ndim != 3 or crops.shape[1:] != (SOURCE_SIZE_PX, SOURCE_SIZE_PX):
        raise ValueError(f"crops must have shape (n, {SOURCE_SIZE_PX}, {SOURCE_SIZE_PX}), got {crops.shape}")
    return crops[:, STRIP_ROWS, STRIP_COLUMNS]


def prepare_strips(crops: ImageArray) -> FloatArray:
    """Cut the strips, resize them to the eye network's input and normalise each by itself.

    Args:
        crops: shape (n, 48, 48), grey levels.

    Returns:
        Shape (n, 1, 32, 64), mean 0 and standard deviation 0.5; all zeros for a strip of one flat grey.
    """
    height_px, width_px = STRIP_SIZE_PX
    strips = cut_strips(crops)
    resized = np.empty((len(strips), height_px, width_px), np.float32)
    for i_strip, strip in enumerate(strips):
        resized[i_strip] = cv2.resize(strip.astype(np.float32), (width_px, height_px), interpolation=cv2.INTER_LINEAR)
    return normalise(resized)[:, None]


def look_at_eyes(face: MeasuredFace, classify: EyeClassifier) -> MeasuredFace:
    """Add to a measured face what the region of the eyes says, if it can be read.

    Quality is that of the face times light and sharpness of the strip itself.

    Args:
        face: a frame's sample with its crop.
        classify: the eye network; not called unless the quality reaches MIN_QUALITY.

    Returns:
        The face with eyes, eyes_quality > 0 and OK; or without eyes and with the reason: that of the face, DARK, or
        UNCLEAR (blurred, over-exposed, small or half hidden).
    """
    sample = face.sample
    if face.crop is None or sample.quality <= 0:
        return _without_eyes(face, sample.reason, Reason.NO_FACE)
    strip = cut_strips(face.crop[None])[0]
    quality = sample.quality * light(strip) * ramp(sharpness(strip), SHARPNESS_LIMITS)
    if quality < MIN_QUALITY:
        is_dark = float(strip.mean()) < DARK_LEVEL
        return _without_eyes(face, Reason.DARK if is_dark else sample.reason, Reason.UNCLEAR)
    shares = classify(prepare_strips(face.crop[None]))[0]
    return replace(face, sample=replace(sample, eyes=shares, eyes_quality=quality, eyes_reason=Reason.OK))


def _without_eyes(face: MeasuredFace, reason: Reason, instead_of_ok: Reason) -> MeasuredFace:
    said = instead_of_ok if reason is Reason.OK else reason
    return replace(face, sample=replace(face.sample, eyes=None, eyes_quality=0.0, eyes_reason=said))
