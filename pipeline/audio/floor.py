"""The level of the room without a voice, followed frame by frame."""

from dataclasses import dataclass

import numpy as np

from pipeline.audio.framing import HOP_S, Doubles

LOWEST_DBFS = -90.0
"""Digital silence between words (noise suppression, Opus DTX) says nothing about the room."""
FALL_SHARE = 0.2
"""Of the distance, per frame: a pause is believed within 50 ms."""
RISE_DB_PER_S = 8.0
"""While nothing is voiced: a fan switched on is room noise after a second or two."""
RISE_VOICED_DB_PER_S = 2.0
"""While somebody speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorState:
    """The floor after the last frame."""

    dbfs: float | None = None
    """None before the first frame."""


def follow_floor(
    state: FloorState, level_dbfs: Doubles, strength: Doubles, voicing: float
) -> tuple[FloorState, Doubles]:
    """Follow the noise floor through frames.

    Args:
        state: what the last call returned.
        level_dbfs: frame levels, shape (n,).
        strength: voicing strength of each frame in [0, 1], shape (n,).
        voicing: strength from which a frame may be voice.

    Returns:
        The new state and the floor at each frame in dBFS, shape (n,).
    """
    floor = state.dbfs
    out = np.empty(len(level_dbfs))
    for i, (level, voiced) in enumerate(zip(level_dbfs.tolist(), (strength >= voicing).tolist(), strict=True)):
        if floor is None:
            floor = level
        elif level < floor:
            floor += FALL_SHARE * (level - floor)
        else:
            floor = min(level, floor + HOP_S * (RISE_VOICED_DB_PER_S if voiced else RISE_DB_PER_S))
        floor = max(floor, LOWEST_DBFS)
        out[i] = floor
    return FloorState(dbfs=floor), out
