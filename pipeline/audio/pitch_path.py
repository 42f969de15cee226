"""The best path through the candidates of successive frames, decided a bounded time later.

Source: Boersma (1993), equations 26-27: the path with the most strength, less a cost for each jump of pitch and each
change between voiced and unvoiced (Viterbi). Here a frame is decided when LAG_FRAMES more have been heard, by the best
path as it is then; further on it would hardly change (tests compare the two).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.audio.framing import Doubles
from pipeline.audio.pitch_candidates import N_CANDIDATES

LAG_FRAMES = 25
"""0.25 s, with the half frame of look-ahead less than 0.3 s."""
OCTAVE_JUMP_COST = 0.35
"""Per octave between neighbouring frames 10 ms apart."""
VOICING_COST = 0.14
"""Per change between voiced and unvoiced."""
NO_CANDIDATE = -1e3
"""Reward of an empty place: no path goes there."""

N_STATES = N_CANDIDATES + 1
"""The candidates of a frame and, last, "unvoiced"."""

States = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathState:
    """The frames that are not yet decided, at most LAG_FRAMES of them."""

    total: Doubles
    """What the best path to each state of the newest frame is worth, the best of them 0; shape (N_STATES,)."""
    came_from: States
    """Which state of the frame before it came from, shape (n pending, N_STATES)."""


def new_path() -> PathState:
    """Return the state before any frame."""
    return PathState(total=np.zeros(N_STATES), came_from=np.zeros((0, N_STATES), np.int8))


def cost_transitions(f0_hz: Doubles) -> Doubles:
    """Costs between the states of neighbouring frames.

    Args:
        f0_hz: candidates, shape (n, N_CANDIDATES), 0 where there is none.

    Returns:
        Shape (n - 1, N_STATES, N_STATES): from a state (second axis) to one of the next frame (third axis).
    """
    octave = np.log2(np.maximum(f0_hz, 1.0))
    jump = OCTAVE_JUMP_COST * np.abs(octave[1:, None, :] - octave[:-1, :, None])
    cost = np.pad(jump, ((0, 0), (0, 1), (0, 1)), constant_values=VOICING_COST)
    cost[:, -1, -1] = 0.0
    return cost


def advance_path(state: PathState, cost: Doubles, reward: Doubles) -> tuple[PathState, States]:
    """Go on by n frames.

    Args:
        state: what the last call returned.
        cost: from the frame before to each frame, shape (n, N_STATES, N_STATES); all 0 for the very first.
        reward: of being in each state, shape (n, N_STATES).

    Returns:
        The new state, and the states of the frames that are now decided, oldest first.
    """
    n_pending, n = len(state.came_from), len(reward)
    came_from = np.concatenate((state.came_from, np.empty((n, N_STATES), np.int8)))
    best = np.empty(n, np.intp)
    total, columns = state.total, np.arange(N_STATES)
    for i in range(n):
        options = total[:, None] - cost[i]
        origin = options.argmax(axis=0)
        came_from[n_pending + i] = origin
        total = options[origin, columns] + reward[i]
        best[i] = total.argmax()
        total = total - total[best[i]]
    from_frame = np.arange(n_pending, n_pending + n)
    ripe = from_frame >= LAG_FRAMES
    decided, at = best[ripe], from_frame[ripe]
    for _ in range(LAG_FRAMES):
        decided, at = came_from[at, decided].astype(np.intp), at - 1
    return PathState(total=total, came_from=came_from[-LAG_FRAMES:].copy()), decided.astype(np.int8)


def preview_path(state: PathState) -> States:
    """Return the states of the pending frames as they would be decided if nothing followed, oldest first."""
    path = np.empty(len(state.came_from), np.int8)
    at = int(state.total.argmax())
    for i in range(len(path) - 1, -1, -1):
        path[i] = at
        at = int(state.came_from[i, at])
    return path
