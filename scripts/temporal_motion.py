"""How a face moves in a call, as warps of one still picture: the head turns, the mouth speaks, eyes blink.

Places are in units of the 48 px crop of ``pipeline.video.crop``, x to the right and y down, both 0 to 1. The amounts
are modest on purpose: the expression people voted on has to stay the one in the picture.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

MAP_PX = 64
"""Side of the grid on which displacements are computed."""

EYE_Y = 0.40
EYE_X = (0.32, 0.68)
BROW_Y = 0.28
MOUTH_Y = 0.78

EXPRESSIONS = ((0.0, 0.05, 0.0, 0.04), (-0.035, -0.04, 0.0, 0.0), (0.04, 0.0, 0.09, -0.01))
"""Smile, frown, gape: how far brows, corners, jaw and width go, shares of the crop."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """One value per frame of everything that moves, each of shape (n_frames,)."""

    yaw: Values
    """Turn to the side, radians."""
    pitch: Values
    """Nod, radians."""
    roll: Values
    """Tilt, radians."""
    scale: Values
    """Size relative to the mean."""
    shift_x: Values
    """Way to the right, shares of the crop."""
    shift_y: Values
    jaw: Values
    """How far the lower lip has gone down, shares of the crop, >= 0."""
    width: Values
    """Mouth spread (positive) or rounded (negative), shares of the crop."""
    brows: Values
    """Brows raised (positive) or lowered, shares of the crop."""
    corners: Values
    """Corners of the mouth raised (positive) or lowered, shares of the crop."""
    blink: Values
    """Lids from open 0 to closed 1."""


def draw_motion(rng: np.random.Generator, t_s: Values) -> Motion:
    """Draw the motion of one sequence.

    Args:
        rng: where chance comes from.
        t_s: shape (n_frames,), times of the frames.
    """
    is_speaking = rng.random() < 0.7
    rate_hz = rng.uniform(3.0, 5.5)
    syllable = np.maximum(0.0, np.sin(2 * np.pi * rate_hz * t_s + rng.uniform(0, 2 * np.pi)))
    loudness = np.clip(0.6 + _wander(rng, t_s, 0.5, 1.5), 0.0, 1.2)
    blink = np.zeros(len(t_s))
    if rng.random() < 0.3 * (t_s[-1] - t_s[0] + 0.3):
        blink = np.clip(1.5 - np.abs(t_s - rng.uniform(t_s[0], t_s[-1])) / 0.08, 0.0, 1.0)
    return Motion(
        yaw=_wander(rng, t_s, np.radians(rng.uniform(1, 7)), 0.5),
        pitch=_wander(rng, t_s, np.radians(rng.uniform(1, 5)), 0.6),
        roll=_wander(rng, t_s, np.radians(rng.uniform(0.5, 4)), 0.5),
        scale=np.exp(_wander(rng, t_s, 0.02, 0.4)),
        shift_x=_wander(rng, t_s, rng.uniform(0.005, 0.05), 0.5),
        shift_y=_wander(rng, t_s, rng.uniform(0.005, 0.04), 0.6),
        jaw=(rng.uniform(0.015, 0.06) if is_speaking else 0.004) * loudness * syllable,
        width=_wander(rng, t_s, 0.012 if is_speaking else 0.003, 2.0),
        brows=_wander(rng, t_s, rng.uniform(0.0, 0.012), 0.7),
        corners=_wander(rng, t_s, rng.uniform(0.0, 0.008), 0.7),
        blink=blink,
    )


def change_expression(motion: Motion, step: Values, rng: np.random.Generator) -> Motion:
    """Let the same face smile, frown or open mouth and brows, as strongly as step says.

    Args:
        motion: what the face does otherwise.
        step: shape (n_frames,), 0 for the still's expression to 1 for the other.
        rng: chooses the expression and its strength.
    """
    strength = rng.uniform(0.8, 1.4) * step
    brows, corners, jaw, width = EXPRESSIONS[int(rng.integers(len(EXPRESSIONS)))]
    return replace(
        motion,
        brows=motion.brows + brows * strength,
        corners=motion.corners + corners * strength,
        jaw=motion.jaw + jaw * strength,
        width=motion.width + width * strength,
    )


def _wander(rng: np.random.Generator, t_s: Values, deviation: float, rate_hz: float) -> Values:
    """Sum three slow sines of random phase: mean 0, the given standard deviation over all phases."""
    rates_hz = rate_hz * np.array((0.5, 1.0, 1.7)) * rng.uniform(0.8, 1.2, 3)
    phases = rng.uniform(0, 2 * np.pi, 3)
    waves = np.sin(2 * np.pi * rates_hz[:, None] * t_s + phases[:, None])
    return np.asarray(deviation * (2 / 3) ** 0.5 * waves.sum(axis=0), np.float64)


def sample_maps(motion: Motion) -> npt.NDArray[np.float32]:
    """Say where each point of the moved face comes from in the still, head position left out.

    Returns:
        Shape (n_frames, MAP_PX, MAP_PX, 2): x and y in the still, shares of the crop.
    """
    x, y = np.meshgrid(_CENTRES, _CENTRES)
    amounts = np.stack(
        (np.sin(motion.yaw), np.sin(motion.pitch), motion.jaw, motion.width, motion.brows, motion.corners, motion.blink)
    )
    moved = np.einsum("kt,khwc->thwc", amounts, _FIELDS)
    return np.asarray(np.stack((x, y), axis=-1) + moved, np.float32)


def mouth_darkness(motion: Motion) -> npt.NDArray[np.float32]:
    """Return the gain of the open mouth's inside, shape (n_frames, MAP_PX, MAP_PX), in (0, 1]."""
    depth = 0.7 * np.minimum(1.0, motion.jaw / 0.05)
    return np.asarray(1 - depth[:, None, None] * _CAVITY, np.float32)


def _bump(x: Values, centre: float, width: float) -> Values:
    return np.asarray(np.exp(-(((x - centre) / width) ** 2)), np.float64)


def _fields() -> Values:
    """Return the displacement per unit of each of the seven movements: shape (7, MAP_PX, MAP_PX, 2)."""
    x, y = np.meshgrid(_CENTRES, _CENTRES)
    none = np.zeros_like(x)
    # The head as an ellipsoid: its middle moves, its rim, by which the crop is framed, stays.
    depth = 0.4 * np.sqrt(np.maximum(0.0, 1 - 3.2 * (x - 0.5) ** 2 - 2.6 * (y - 0.52) ** 2))
    across = _bump(x, 0.5, 0.34)
    lower = 1 / (1 + np.exp(-(y - MOUTH_Y) / 0.015))
    jaw = -across * (lower - 0.2 * _bump(y, MOUTH_Y - 0.05, 0.05))
    width = -(x - 0.5) / 0.15 * _bump(x, 0.5, 0.2) * _bump(y, MOUTH_Y, 0.1)
    brows = _bump(y, BROW_Y, 0.08) * _bump(x, 0.5, 0.4)
    corners = (_bump(x, 0.36, 0.08) + _bump(x, 0.64, 0.08)) * _bump(y, MOUTH_Y, 0.08)
    lids = -0.05 * (_bump(x, EYE_X[0], 0.1) + _bump(x, EYE_X[1], 0.1)) * _bump(y, EYE_Y, 0.045)
    pairs = ((depth, none), (none, depth), (none, jaw), (width, none), (none, brows), (none, corners), (none, lids))
    return np.stack([np.stack(pair, axis=-1) for pair in pairs])


_CENTRES = (np.arange(MAP_PX) + 0.5) / MAP_PX
_FIELDS = _fields()
_CAVITY = np.outer(_bump(_CENTRES, MOUTH_Y + 0.025, 0.028), _bump(_CENTRES, 0.5, 0.1))
