"""One video frame as the extractors that work at frame rate take it."""

import numpy as np

from pipeline.physiology.skin import CHEEKS, mean_skin
from pipeline.types import FaceFrame, FaceLandmarks, ImageArray
from pipeline.video.cover import measure_cover
from pipeline.video.face import MOSTLY_COVERED


def make_frame(*, t_s: float, rgb: ImageArray, landmarks: FaceLandmarks | None, kbps: float | None) -> FaceFrame:
    """Reduce a frame to the face's geometry and skin.

    Args:
        t_s: capture time of the frame.
        rgb: shape (height, width, 3).
        landmarks: the face in it, None when none was found.
        kbps: bit rate of the video, None when it is not known.
    """
    size = (rgb.shape[1], rgb.shape[0])
    if landmarks is None:
        return FaceFrame(t_s=t_s, size=size, points=None, kbps=kbps)
    skin, cover = mean_skin(rgb, landmarks.points), measure_cover(rgb, landmarks.points)
    if cover >= MOSTLY_COVERED:
        # What lies over the cheeks has no pulse.
        skin[CHEEKS] = np.nan
    return FaceFrame(
        t_s=t_s,
        size=size,
        points=landmarks.points,
        skin=skin,
        n_faces=landmarks.n_faces,
        identity=landmarks.identity,
        score=landmarks.score,
        kbps=kbps,
        cover=cover,
    )
