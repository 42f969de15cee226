"""Find the face in each picture of fer2013.npz and write where it lies to alignment.npz.

The framing is that of the live crop (pipeline/video/crop.py). Pictures on which no plausible face is found keep
their own framing.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from models.face_mesh import FaceMeshFinder
from pipeline.types import FaceLandmarks, FloatArray, ImageArray
from pipeline.video.crop import SOURCE_SIZE_PX, framing

ENLARGEMENT = 3
MARGIN_PX = 72
"""Border around the enlarged picture, filled with its edge: the tracker wants some room around a face."""
MAX_TURN_DEG, SCALES, MAX_SHIFT = 35.0, (0.65, 1.4), 0.4


def main() -> None:
    """Write alignment.npz: framing, shape (n, 2, 3), and found, shape (n,)."""
    parser = argparse.ArgumentParser(prog="align_faces", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of fer2013.npz; gets alignment.npz")
    options = parser.parse_args()
    with np.load(options.data / "fer2013.npz") as data:
        pixels = data["pixels"]
    frames, found = align(pixels)
    np.savez_compressed(options.data / "alignment.npz", framing=frames, found=found)
    print(f"faces found in {found.sum()} of {len(found)} pictures")


def align(pixels: ImageArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Find the aligned face of each picture.

    Args:
        pixels: shape (n, 48, 48), grey.

    Returns:
        Affine matrices of shape (n, 2, 3) from the aligned face to the picture, both from -1 to 1 as PyTorch's
        ``affine_grid`` takes them, the identity where no face is found; and shape (n,), whether one is.
    """
    frames = np.tile(np.eye(2, 3, dtype=np.float32), (len(pixels), 1, 1))
    found = np.zeros(len(pixels), bool)
    find = FaceMeshFinder()
    for i_face, face in enumerate(pixels):
        side_px = SOURCE_SIZE_PX * ENLARGEMENT
        large = cv2.resize(face, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
        canvas = cv2.copyMakeBorder(large, MARGIN_PX, MARGIN_PX, MARGIN_PX, MARGIN_PX, cv2.BORDER_REPLICATE)
        rgb = np.asarray(cv2.cvtColor(canvas, cv2.COLOR_GRAY2RGB), np.uint8)
        find(rgb)  # the tracker begins where the last face was; the second look has settled
        landmarks = find(rgb)
        if landmarks is not None and landmarks.score > 0:
            matrix = _framing(landmarks)
            if _is_plausible(matrix):
                frames[i_face], found[i_face] = matrix, True
    find.close()
    return frames, found


def _framing(landmarks: FaceLandmarks) -> npt.NDArray[np.float64]:
    to_crop, _ = framing(landmarks)
    half = SOURCE_SIZE_PX / 2
    from_crop = np.linalg.inv(to_crop[:, :2])
    centre = from_crop @ (half - to_crop[:, 2])
    return np.column_stack((from_crop / ENLARGEMENT, (centre - MARGIN_PX) / (half * ENLARGEMENT) - 1))


def _is_plausible(matrix: npt.NDArray[np.float64]) -> bool:
    turn_deg = abs(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    return bool(turn_deg < MAX_TURN_DEG and SCALES[0] < scale < SCALES[1] and np.abs(matrix[:, 2]).max() < MAX_SHIFT)


if __name__ == "__main__":
    main()
