"""Faces as the tracker reports them, with a pulse of known rate in the colour of the skin."""

from dataclasses import replace

import numpy as np

from pipeline.types import FaceFrame

COLOUR = np.array((170.0, 120.0, 95.0))
RATIO = np.array((0.43, 1.0, 0.69))


def make_points(*, x: float = 320.0, y: float = 240.0, span_px: float = 85.0) -> np.ndarray:
    """Return landmarks of a face that looks ahead; only those that the pulse uses have a meaning."""
    points = np.zeros((478, 3), np.float32)
    points[:, :2] = (x, y)
    half = span_px / 2
    for i_point, dx, dy in (
        (33, -1, 0),
        (263, 1, 0),
        (133, -0.4, 0),
        (362, 0.4, 0),
        (6, 0, 0),
        (168, 0, -0.2),
        (234, -1.5, 0.3),
        (454, 1.5, 0.3),
    ):
        points[i_point, :2] = (x + dx * half, y + dy * half)
    return points


def make_faces(
    seconds: float,
    rate_bpm: float = 72.0,
    *,
    fps: float = 30.0,
    amplitude: float = 0.004,
    noise_levels: float = 0.08,
    light: float = 1.0,
    common_noise: float = 0.0,
    beats_s: np.ndarray | None = None,
    seed: int = 1,
    start_s: float = 0.0,
    kbps: float | None = None,
) -> list[FaceFrame]:
    """Return frames of a still face.

    Args:
        seconds: how long.
        rate_bpm: of the pulse; not used with beats_s.
        fps: frames a second.
        amplitude: of green, share of its mean.
        noise_levels: standard deviation of each mean colour, each by itself.
        light: share of ordinary light.
        common_noise: standard deviation of the light, share of it, from frame to frame.
        beats_s: times of the beats instead of a rate.
        seed: of the noise.
        start_s: time of the first frame.
        kbps: of the video.
    """
    rng = np.random.default_rng(seed)
    t_s = np.arange(round(seconds * fps)) / fps
    beats = t_s * rate_bpm / 60 if beats_s is None else np.interp(t_s, beats_s, np.arange(len(beats_s)))
    wave = np.cos(2 * np.pi * beats) + 0.1 * np.cos(4 * np.pi * beats)
    shade = light * (1 + 0.01 * np.sin(2 * np.pi * 0.05 * t_s) + common_noise * rng.normal(size=len(t_s)))
    points = make_points()
    frames = []
    for i_frame, t in enumerate(t_s):
        skin = COLOUR * shade[i_frame] * (1 + amplitude * RATIO * wave[i_frame])
        skin = np.tile(skin, (3, 1)) + rng.normal(0, noise_levels, (3, 3))
        frames.append(
            FaceFrame(
                t_s=start_s + float(t),
                size=(640, 480),
                points=points,
                skin=skin.astype(np.float32),
                n_faces=1,
                identity=1,
                kbps=kbps,
            )
        )
    return frames


def without_face(frame: FaceFrame) -> FaceFrame:
    """Return the frame as it is when nobody is seen."""
    return replace(frame, points=None, skin=None, n_faces=0)
