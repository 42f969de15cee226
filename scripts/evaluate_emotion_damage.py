"""Faces made worse in one way at a time: smaller, blurred, darker, brighter, or sent through a video call.

The limits of quality in pipeline/video/face.py come from the accuracy on these.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.types import ImageArray
from pipeline.video.crop import SOURCE_SIZE_PX
from scripts.video_codec import through_codec

CALL_SIZE_PX = (480, 640)
CALL_FACE_PX = 120
N_CALL_FRAMES = 6
"""Frames that each face is shown for: a fifth of a second after a cut, as hard as a call gets."""
N_PER_VIDEO = 100

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


def through_call(pixels: ImageArray, codec: str, kbps: int) -> ImageArray:
    """Show each face in a call of a constant bit rate and cut it out again.

    A face of 120 px sways in the middle of a 640 x 480 picture, 30 frames a second, before a still background; after
    a fifth of a second the next one takes its place, and its last frame is kept.

    Args:
        pixels: shape (n, height, width).
        codec: ``vp8`` or ``h264``.
        kbps: bit rate in kbit/s.

    Returns:
        Shape (n, 48, 48).
    """
    rng = np.random.default_rng(0)
    height_px, width_px = CALL_SIZE_PX
    coarse = rng.integers(40, 200, (height_px // 40, width_px // 40)).astype(np.uint8)
    background = cv2.resize(coarse, (width_px, height_px), interpolation=cv2.INTER_CUBIC)
    top, left = (height_px - CALL_FACE_PX) // 2, (width_px - CALL_FACE_PX) // 2
    seen = np.empty((len(pixels), SOURCE_SIZE_PX, SOURCE_SIZE_PX), np.uint8)
    for first in range(0, len(pixels), N_PER_VIDEO):
        frames = []
        for face in pixels[first : first + N_PER_VIDEO]:
            large = cv2.resize(face, (CALL_FACE_PX, CALL_FACE_PX), interpolation=cv2.INTER_CUBIC)
            for shift in (*rng.integers(-2, 3, N_CALL_FRAMES - 1).tolist(), 0):
                frame = np.array(background, np.uint8)
                frame[top : top + CALL_FACE_PX, left + shift : left + shift + CALL_FACE_PX] = large
                frames.append(frame)
        last = through_codec(frames, codec, {"kbps": kbps})[N_CALL_FRAMES - 1 :: N_CALL_FRAMES]
        for i_face, frame in enumerate(last):
            cut = frame[top : top + CALL_FACE_PX, left : left + CALL_FACE_PX]
            small = cv2.resize(cut, (SOURCE_SIZE_PX, SOURCE_SIZE_PX), interpolation=cv2.INTER_AREA)
            seen[first + i_face] = small
    return seen


def _lower_resolution(face: ImageArray, size_px: int) -> ImageArray:
    height_px, width_px = face.shape
    small = cv2.resize(face, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width_px, height_px), interpolation=cv2.INTER_LINEAR), np.uint8)


def _to_levels(levels: npt.NDArray[np.floating]) -> ImageArray:
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)
