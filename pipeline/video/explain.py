"""What the emotion network's answer rests on: how much a share falls when a part of the face is hidden.

Source: Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 4.2 (occlusion
sensitivity). A grey patch slides over the face; where hiding lowers the share most, the network looked most. Patches
have the mean grey of the face and are laid over the prepared picture, so that the rest of it stays as it is.
"""

import numpy as np

from pipeline.types import EMOTIONS, EmotionClassifier, Explanation, FloatArray, ImageArray, PartEffect, Reason
from pipeline.video.crop import MIN_CONTRAST, SOURCE_SIZE_PX, prepare_faces

PATCH_PX = 16
STRIDE_PX = 8
"""Of the 48 px crop: 5 x 5 patches, each overlapping the next by half. On 60 FER2013 test faces the largest fall of a
cell has median 0.21; patches of 12 px, with twice the work, gave 0.17."""

N_CELLS = SOURCE_SIZE_PX // STRIDE_PX
"""The map has N_CELLS x N_CELLS cells of STRIDE_PX, each covered by up to four patches."""

PARTS: dict[str, tuple[tuple[int, int, int, int], ...]] = {
    "forehead": ((0, 8, 10, 40),),
    "eyes": ((10, 5, 24, 43),),
    "nose": ((24, 18, 33, 30),),
    "cheeks": ((24, 5, 38, 14), (24, 34, 38, 43)),
    "mouth": ((33, 14, 43, 34),),
    "chin": ((43, 14, 48, 34),),
}
"""Boxes (top, left, bottom, right) in pixels of the levelled crop; the eyes with their brows. From the medians of
FaceMesh landmarks on 455 FER2013 training faces: brows at 13, eyes at 18.8, nose to 31, lips 34.6 to 40.5."""


def explain(
    crop: ImageArray,
    classify: EmotionClassifier,
    *,
    t_s: float,
    quality: float,
    reason: Reason,
    emotion: str | None = None,
) -> Explanation:
    """Make the map of one face, with a single call of the network on 32 pictures.

    Args:
        crop: shape (48, 48), grey levels, from :func:`pipeline.video.crop.level_face`.
        classify: the emotion network.
        t_s: capture time of the picture.
        quality: of the face, in [0, 1].
        reason: of the face's sample.
        emotion: one of EMOTIONS, or None for the one with the largest share.

    Returns:
        Without a map when the quality is 0 (with the sample's reason) or the crop is flat (NO_FACE).

    Raises:
        ValueError: the crop has another shape, or the emotion is none of the seven.
    """
    if crop.shape != (SOURCE_SIZE_PX, SOURCE_SIZE_PX):
        raise ValueError(f"crop must have shape ({SOURCE_SIZE_PX}, {SOURCE_SIZE_PX}), got {crop.shape}")
    if emotion is not None and emotion not in EMOTIONS:
        raise ValueError(f"emotion must be one of {', '.join(EMOTIONS)}, got {emotion!r}")
    if quality <= 0 or float(crop.std()) < MIN_CONTRAST:
        return Explanation(reason=Reason.NO_FACE if reason is Reason.OK else reason, t_s=t_s)
    starts = range(0, SOURCE_SIZE_PX - PATCH_PX + 1, STRIDE_PX)
    patches = [((top, left, top + PATCH_PX, left + PATCH_PX),) for top in starts for left in starts]
    shares = classify(_hide(prepare_faces(crop[None])[0], [(), *patches, *PARTS.values()]))
    index = int(shares[0].argmax()) if emotion is None else EMOTIONS.index(emotion)
    whole = float(shares[0, index])
    falls = np.clip(whole - shares[1:, index].astype(np.float64), -1.0, 1.0)
    by_patch, by_part = falls[: len(patches)], falls[len(patches) :]
    effects = [PartEffect(part=part, fall=float(fall)) for part, fall in zip(PARTS, by_part, strict=True)]
    return Explanation(
        reason=reason,
        t_s=t_s,
        quality=quality,
        emotion=EMOTIONS[index],
        share=whole,
        falls=tuple(_spread(by_patch.reshape(len(starts), len(starts))).ravel().tolist()),
        parts=tuple(sorted(effects, key=lambda effect: -effect.fall)),
        crop=crop.tobytes(),
    )


def _hide(face: FloatArray, hidden: list[tuple[tuple[int, int, int, int], ...]]) -> FloatArray:
    """Return a copy of a prepared face of shape (1, size, size) for each set of boxes, with these at its mean, 0."""
    copies = np.repeat(face[None], len(hidden), axis=0)
    scale = face.shape[-1] / SOURCE_SIZE_PX
    for copy, boxes in zip(copies, hidden, strict=True):
        for box in boxes:
            top, left, bottom, right = (round(edge * scale) for edge in box)
            copy[:, top:bottom, left:right] = 0.0
    return copies


def _spread(by_patch: np.ndarray) -> np.ndarray:
    """Average the falls of all patches that cover a cell: shape (5, 5) to (6, 6)."""
    total, count = np.zeros((N_CELLS, N_CELLS)), np.zeros((N_CELLS, N_CELLS))
    n_cells_per_patch = PATCH_PX // STRIDE_PX
    for (row, column), fall in np.ndenumerate(by_patch):
        cells = slice(row, row + n_cells_per_patch), slice(column, column + n_cells_per_patch)
        total[cells] += fall
        count[cells] += 1
    return np.asarray(total / count)
