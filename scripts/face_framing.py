"""Cut faces out of pictures by framings that ``scripts.align_faces`` found."""

import cv2
import numpy as np

from pipeline.types import FloatArray, ImageArray
from pipeline.video.crop import SOURCE_SIZE_PX


def apply_framing(pixels: ImageArray, framing: FloatArray) -> ImageArray:
    """Return the framed faces, shape (n, 48, 48).

    Args:
        pixels: shape (n, height, width), grey.
        framing: shape (n, 2, 3), affine matrices from the framed face to the picture, both from -1 to 1 as PyTorch's
            ``affine_grid`` takes them; the identity leaves a picture as it is.
    """
    side = SOURCE_SIZE_PX
    framed = np.empty((len(pixels), side, side), np.uint8)
    for i_face, (face, matrix) in enumerate(zip(pixels, framing, strict=True)):
        if max(face.shape) > 2 * side:  # else sampling would alias
            face = cv2.resize(face, (2 * side, 2 * side), interpolation=cv2.INTER_AREA)
        half_in, half_out = np.array(face.shape[::-1]) / 2, side / 2
        # Pixel x lies at (x + 1/2) / half - 1.
        scale = matrix[:, :2] * half_in[:, None] / half_out
        offset = matrix[:, 2] * half_in + half_in - 0.5 + scale @ np.full(2, 0.5 - half_out)
        framed[i_face] = cv2.warpAffine(
            face,
            np.column_stack((scale, offset)),
            (side, side),
            # Bilinear sampling blurs: it costs a point of accuracy.
            flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return framed
