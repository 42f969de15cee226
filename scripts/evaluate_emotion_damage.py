"""Faces made worse in one way at a time: smaller, blurred, darker, brighter.

The limits of quality in pipeline/video/face.py come from the accuracy on these.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.types import ImageArray

NOISE_LEVELS = 2.0
"""Standard deviation of camera noise in grey levels, added to darkened pictures."""


def damages(pixels: ImageArray) -> Iterator[tuple[str, ImageArray]]:
    """Yield each kind and strength of damage as (name, faces).

    Args:
        pixels: shape (n, height, width).
    """
    for size_px in (36, 30, 24, 20, 16, 12):
        yield f"size_{size_px}_px", np.stack([_lower_resolution(face, size_px) for face in pixels])
    for sigma_px in (0.5, 1.0, 1.5, 2.0, 3.0):
        blurred = [np.asarray(cv2.GaussianBlur(face, (0, 0), sigma_px), np.uint8) for face in pixels]
        yield f"blur_{sigma_px}_px", np.stack(blurred)
    mean = float(pixels.mean())
    for level in (64, 39, 26, 19, 13, 9):
        noise = np.random.default_rng(0).normal(0, NOISE_LEVELS, pixels.shape)
        yield f"mean_level_{level}", _to_levels(pixels * (level / mean) + noise)
    for gain in (1.5, 2.0, 3.0):
        brightened = _to_levels(pixels * gain)
        yield f"mean_level_{brightened.mean():.0f}", brightened


def _lower_resolution(face: ImageArray, size_px: int) -> ImageArray:
    height_px, width_px = face.shape
    small = cv2.resize(face, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width_px, height_px), interpolation=cv2.INTER_LINEAR), np.uint8)


def _to_levels(levels: npt.NDArray[np.floating]) -> ImageArray:
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)
