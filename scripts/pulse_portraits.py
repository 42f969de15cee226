"""A portrait whose skin pulses at a known rate, as a camera would see it.

The pulse multiplies the skin's colour by 1 + amplitude x waveform, in the ratio of red, green and blue that blood
gives (0.33 : 0.77 : 0.53, de Haan and van Leest 2014, here with green as 1). Beats come from a rate that breathing
modulates. The picture has sensor noise, a slow drift of the light, and light that differs across the room, so that a
moving face changes its brightness; movement is talk, blinks, sway and tilt.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.types import FloatArray, ImageArray
from scripts.temporal_motion import Values
from server.demo.portrait import HEIGHT, WIDTH, Portrait, Pose, load_picture

FPS = 30
MOTIONS = ("still", "moving")
COLOUR_RATIO = np.array((0.33, 0.77, 0.53)) / 0.77
NOISE_LEVELS = 2.0
DRIFT = 0.01
"""Slow drift of the light: share of the light, peak."""
SLOPE = 0.25
"""Light falls by this share from one side of the frame to the other."""
TILT_SHADING = 0.004
"""Share by which the skin's brightness changes per degree of tilt."""
UNCLIPPED = 0.85
"""Brings the portrait's clipped highlights down; no pulse could show in them."""
_FACE = (slice(90, 380), slice(190, 450))
"""Rows and columns that hold all skin, however the head moves."""
_HAIRLINE_PX = 145
_NECK_PX = (305, 358)
_POOL_MARGIN_PX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One generated person; everything follows from the seed."""

    seed: int
    rate_bpm: float
    """Mean pulse rate, 50 to 120."""
    amplitude: float
    """Of the green channel, share of its mean: 0.002 to 0.005 from trough to crest, halved by the waveform."""
    variability: float
    """Standard deviation of the rate by breathing, share of it."""
    brightness: float
    """Of the light beside the portrait's, 0.4 to 1."""
    is_mirrored: bool


def draw_subject(seed: int) -> Subject:
    """Draw a person."""
    rng = np.random.default_rng(seed)
    return Subject(
        seed=seed,
        rate_bpm=round(float(rng.uniform(50, 120)), 1),
        amplitude=round(float(rng.uniform(0.002, 0.005)), 4),
        variability=round(float(rng.uniform(0.01, 0.03)), 3),
        brightness=round(float(rng.uniform(0.4, 1.0)), 2),
        is_mirrored=bool(rng.integers(2)),
    )


def pulse_wave(subject: Subject, t_s: Values) -> tuple[Values, Values]:
    """Return the pulse and the rate at given times.

    Args:
        subject: whose pulse.
        t_s: shape (n,), increasing.

    Returns:
        The waveform, peak to peak 2, with a second harmonic as a real pulse has; and the rate in bpm, each (n,).
    """
    rng = np.random.default_rng(subject.seed + 1000)
    breath_hz, phase = rng.uniform(0.2, 0.3), rng.uniform(0, 2 * np.pi)
    swing = np.sin(2 * np.pi * breath_hz * t_s + phase) + 0.7 * np.sin(2 * np.pi * 0.09 * t_s + 2 * phase)
    rate_bpm = subject.rate_bpm * (1 + subject.variability * swing)
    beats = np.concatenate(([0.0], np.cumsum(np.diff(t_s) * (rate_bpm[1:] + rate_bpm[:-1]) / 120)))
    angle = 2 * np.pi * beats
    return (np.sin(angle) + 0.35 * np.sin(2 * angle + 0.8)) / 1.2, rate_bpm


def draw_poses(subject: Subject, motion: str, t_s: Values) -> list[Pose]:
    """Return the pose of the head at given times, one of MOTIONS."""
    rng = np.random.default_rng(subject.seed + 2000 + 7 * MOTIONS.index(motion))
    is_moving = motion == "moving"
    sway = 4.0 if is_moving else 0.3
    x = sway * _wander(rng, t_s, 0.4) + 0.2 * sway * _wander(rng, t_s, 1.6)
    y = 0.7 * sway * _wander(rng, t_s, 0.4) + 0.2 * sway * _wander(rng, t_s, 1.6)
    roll = (1.2 if is_moving else 0.1) * _wander(rng, t_s, 0.4)
    speech = np.maximum(0.0, np.sin(2 * np.pi * 4.3 * t_s)) * np.clip(0.5 + _wander(rng, t_s, 0.5), 0.0, 1.0)
    jaw = speech * 0.5 if is_moving else np.zeros(len(t_s))
    blink = np.zeros(len(t_s))
    for blink_s in np.cumsum(rng.uniform(2.0, 5.0, size=int(t_s[-1]))):
        blink = np.maximum(blink, np.clip(1.5 - np.abs(t_s - blink_s) / 0.08, 0.0, 1.0))
    return [
        Pose(blink=float(b), jaw=float(j), shift=(float(u), float(v)), roll_deg=float(r))
        for b, j, u, v, r in zip(blink, jaw, x, y, roll, strict=True)
    ]


def film(subject: Subject, motion: str, seconds: float) -> Iterator[ImageArray]:
    """Yield the frames, each of shape (480, 640, 3), FPS a second.

    Args:
        subject: who is seen.
        motion: one of MOTIONS.
        seconds: length.
    """
    t_s = np.arange(round(seconds * FPS)) / FPS
    wave, _ = pulse_wave(subject, t_s)
    picture, mask = _paint(subject)
    face = Portrait(picture)
    rng = np.random.default_rng(subject.seed + 3000)
    pool = rng.normal(0, NOISE_LEVELS, (HEIGHT + _POOL_MARGIN_PX, WIDTH + _POOL_MARGIN_PX, 3)).astype(np.float32)
    slope = np.linspace(1 + SLOPE / 2, 1 - SLOPE / 2, WIDTH, dtype=np.float32)[None, :, None]
    slope = np.ascontiguousarray(np.broadcast_to(slope, (HEIGHT, WIDTH, 3)))
    for i_frame, pose in enumerate(draw_poses(subject, motion, t_s)):
        gain = subject.amplitude / 2 * COLOUR_RATIO * wave[i_frame] + TILT_SHADING * pose.roll_deg
        drift = 1 + DRIFT * np.sin(2 * np.pi * 0.05 * t_s[i_frame] + subject.seed)
        light = slope * np.float32(drift)
        light[_FACE] *= 1 + _move(mask, pose)[..., None] * gain.astype(np.float32)
        frame = cv2.multiply(face.render(pose), light, dtype=cv2.CV_32F)
        down, right = rng.integers(_POOL_MARGIN_PX, size=2)
        seen = cv2.add(frame, pool[down : down + HEIGHT, right : right + WIDTH], dtype=cv2.CV_8U)
        yield np.ascontiguousarray(seen[:, ::-1]) if subject.is_mirrored else np.asarray(seen, np.uint8)


def _move(mask: FloatArray, pose: Pose) -> FloatArray:
    """Return the part of the mask inside _FACE, moved with the head."""
    rows, columns = _FACE
    angle = np.deg2rad(pose.roll_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = _NECK_PX[0] - columns.start, _NECK_PX[1] - rows.start
    matrix = np.array(
        ((cos, -sin, pose.shift[0] + x - cos * x + sin * y), (sin, cos, pose.shift[1] + y - sin * x - cos * y))
    )
    part = np.ascontiguousarray(mask[_FACE])
    return np.asarray(cv2.warpAffine(part, matrix, (part.shape[1], part.shape[0])), np.float32)


def _paint(subject: Subject) -> tuple[ImageArray, FloatArray]:
    """Return the portrait in the subject's light, and where the skin is: shape (480, 640), 0 to 1, soft edges."""
    picture = load_picture()
    luma, red, blue = cv2.split(cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb))
    is_skin = ((luma > 90) & (red > 138) & (red < 175) & (blue > 90) & (blue < 128)).astype(np.uint8) * 255
    outside = np.ones_like(is_skin, dtype=bool)
    outside[_FACE] = False
    outside[:_HAIRLINE_PX] = True
    is_skin[outside] = 0
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    is_skin = np.asarray(cv2.morphologyEx(is_skin, cv2.MORPH_OPEN, kernel), np.uint8)
    mask = np.asarray(cv2.GaussianBlur(is_skin.astype(np.float32) / 255, (0, 0), 2), np.float32)
    return (picture.astype(np.float32) * (UNCLIPPED * subject.brightness)).astype(np.uint8), mask


def _wander(rng: np.random.Generator, t_s: Values, cutoff_hz: float) -> npt.NDArray[np.float64]:
    """Return smooth noise of standard deviation 1 with frequencies up to about the cutoff."""
    total = np.zeros(len(t_s))
    for frequency_hz in rng.uniform(0.1 * cutoff_hz, cutoff_hz, size=12):
        total += np.sin(2 * np.pi * frequency_hz * t_s + rng.uniform(0, 2 * np.pi))
    return np.asarray(total / np.sqrt(6), np.float64)
