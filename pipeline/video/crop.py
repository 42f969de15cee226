"""The face crop the emotion network sees: live frames and ready-made pictures end in one and the same preparation.

The network was trained on FER2013, whose pictures are 48 x 48 grey crops of roughly upright faces. A live face is
first brought to that framing and resolution (:func:`level_face`), and from there both kinds of picture take the same
way (:func:`prepare_faces`). The framing constants were measured on 1,424 FER2013 training faces on which FaceMesh
found landmarks, after levelling the eyes: the larger side of the face oval has median 43.6 of 48 px, the middle of
its bounding box lies at (24.0, 26.3).
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.types import FaceLandmarks, FloatArray, ImageArray

FACE_SIZE_PX = 48
"""Side of the network's input."""

SOURCE_SIZE_PX = 48
"""Side of a FER2013 picture, the resolution every face passes through."""

CROP_PER_FACE = 48 / 43.6
"""Side of the crop per larger side of the face oval."""

CENTRE_LIFT = (26.3 - 24) / 48
"""How far the middle of the crop lies above the middle of the oval's box, per side of the crop."""

MIN_CONTRAST = 8.0
"""Smallest standard deviation in grey levels used for normalising, so that a flat picture's noise stays small."""

# FaceMesh indices: both corners of either eye (right and left as the person's own), and the rim of the face.
RIGHT_EYE = (33, 133)
LEFT_EYE = (362, 263)
FACE_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip

_MAX_OVERSAMPLING = 12


def crop_face(grey: ImageArray, landmarks: FaceLandmarks) -> FloatArray:
    """Cut the face out of a frame and prepare it for the network.

    Args:
        grey: shape (height, width), the frame in grey levels.
        landmarks: the face in the same frame's pixels.

    Returns:
        Shape (1, FACE_SIZE_PX, FACE_SIZE_PX).
    """
    face: FloatArray = prepare_faces(level_face(grey, landmarks)[None])[0]
    return face


def level_face(grey: ImageArray, landmarks: FaceLandmarks) -> ImageArray:
    """Cut a square around the face, eyes level, framed like a FER2013 picture.

    What lies outside the frame is filled with the frame's nearest edge.

    Args:
        grey: shape (height, width), the frame in grey levels.
        landmarks: the face in the same frame's pixels.

    Returns:
        Shape (48, 48), grey levels.
    """
    frame_to_crop, side_px = framing(landmarks)
    # Sample as finely as the frame and average down, else a large face would alias.
    factor = min(max(math.ceil(side_px / SOURCE_SIZE_PX), 1), _MAX_OVERSAMPLING)
    fine_px = SOURCE_SIZE_PX * factor
    warp = frame_to_crop * factor
    # From pixel centres at whole numbers to pixel edges at whole numbers and back.
    warp[:, 2] += warp[:, :2].sum(axis=1) * 0.5 - 0.5
    fine = cv2.warpAffine(grey, warp, (fine_px, fine_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if factor > 1:
        fine = cv2.resize(fine, (SOURCE_SIZE_PX, SOURCE_SIZE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(fine, np.uint8)


def framing(landmarks: FaceLandmarks) -> tuple[npt.NDArray[np.float64], float]:
    """Say which square of the frame the crop shows.

    Returns:
        The matrix of shape (2, 3) that takes a frame point (x, y, 1) to the 48 px crop, and the side of the square
        in pixels of the frame.
    """
    points = landmarks.points[:, :2].astype(np.float64)
    right, left = points[RIGHT_EYE, :].mean(axis=0), points[LEFT_EYE, :].mean(axis=0)
    angle = np.arctan2(left[1] - right[1], left[0] - right[0])
    cos, sin = np.cos(angle), np.sin(angle)
    level = np.array([[cos, sin], [-sin, cos]])
    oval = points[FACE_OVAL, :] @ level.T
    low, high = oval.min(axis=0), oval.max(axis=0)
    side_px = max(float((high - low).max()) * CROP_PER_FACE, 1.0)
    centre = (low + high) / 2 - (0, CENTRE_LIFT * side_px)
    scale = SOURCE_SIZE_PX / side_px
    return np.column_stack((level * scale, SOURCE_SIZE_PX / 2 - centre * scale)), side_px


def prepare_faces(faces: ImageArray) -> FloatArray:
    """Resize grey face pictures to the network's input and normalise each.

    Args:
        faces: shape (n, height, width), grey levels.

    Returns:
        Shape (n, 1, FACE_SIZE_PX, FACE_SIZE_PX); all zeros for a picture of one flat grey.
    """
    size = (FACE_SIZE_PX, FACE_SIZE_PX)
    shrinking = max(faces.shape[1:]) > FACE_SIZE_PX
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    resized = np.empty((len(faces), *size), np.float32)
    for i_face, face in enumerate(faces):
        resized[i_face] = cv2.resize(face, size, interpolation=interpolation)
    return normalise(resized)[:, None]


def normalise(faces: npt.NDArray[np.float32]) -> FloatArray:
    """Bring each picture to mean 0 and standard deviation 0.5, whatever the exposure of the camera was.

    Args:
        faces: shape (n, height, width), grey levels 0 to 255.

    Returns:
        Same shape; a picture whose contrast is below MIN_CONTRAST keeps a smaller deviation.
    """
    mean = faces.mean(axis=(1, 2), keepdims=True)
    contrast = np.maximum(faces.std(axis=(1, 2), keepdims=True), MIN_CONTRAST)
    return np.asarray((faces - mean) / (2 * contrast), np.float32)
