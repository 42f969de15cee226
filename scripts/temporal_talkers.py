"""Real talking faces of a video, cropped as the live analysis crops them, cut where the speaker changes."""

from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from models.face_mesh import FaceMeshFinder
from pipeline.types import ImageArray
from pipeline.video.crop import level_face
from scripts.temporal_motion import Values

CUT_LEVELS = 6.0
"""Mean difference in grey levels of two frames between which the speaker changes: 11.8 and more in the ten talkers'
video, where speech stays below 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkingFace:
    """One person speaking."""

    crops: ImageArray
    """Shape (n_frames, 48, 48), grey."""
    t_s: Values
    """Shape (n_frames,), from 0."""


def read_talkers(path: Path, fps: float) -> list[TalkingFace]:
    """Crop the face of each frame that the live analysis would measure at the given rate.

    Frames without a face are left out; people with fewer than ten frames too.
    """
    finder = FaceMeshFinder()
    people: list[list[tuple[float, ImageArray]]] = [[]]
    before: ImageArray | None = None
    due_s = 0.0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            rgb = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
            if before is not None and float(cv2.absdiff(grey, before).mean()) > CUT_LEVELS:
                people.append([])
            before = grey
            t_s = float(frame.time or 0.0)
            # The rule of server/analysis/analyser.py.
            if t_s < due_s:
                continue
            due_s = max(due_s + 1 / fps, t_s + 0.5 / fps)
            landmarks = finder(rgb)
            if landmarks is not None:
                people[-1].append((t_s, level_face(grey, landmarks)))
    finder.close()
    return [
        TalkingFace(
            crops=np.stack([crop for _, crop in frames]), t_s=np.array([t_s - frames[0][0] for t_s, _ in frames])
        )
        for frames in people
        if len(frames) >= 10
    ]
