"""Pitch by window-normalised autocorrelation and a best path through the candidates.

Source: P. Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
sampled sound", IFA Proceedings 17 (1993): normalisation, octave cost, octave-jump cost and voicing thresholds.
"""

import numpy as np

from pipeline.audio.framing import Doubles, Flags
from pipeline.types import SAMPLE_RATE_HZ

MIN_F0_HZ = 75.0
MAX_F0_HZ = 500.0
N_CANDIDATES = 5
OCTAVE_COST = 0.03
"""Per octave; prefers the higher of two equally strong candidates."""
OCTAVE_JUMP_COST = 0.35
"""Per octave between neighbouring frames."""
VOICING_COST = 0.14
"""Per change between voiced and unvoiced."""
VOICING_STRENGTH = 0.45
"""Strength of the unvoiced candidate: below it a frame is not voiced."""

_LAG_FROM = int(SAMPLE_RATE_HZ / MAX_F0_HZ)
_LAG_TO = int(np.ceil(SAMPLE_RATE_HZ / MIN_F0_HZ)) + 1


def find_candidates(acf: Doubles) -> tuple[Doubles, Doubles]:
    """Find the strongest maxima of each frame's autocorrelation.

    Args:
        acf: shape (n, at least _LAG_TO + 1), window-normalised.

    Returns:
        Pitch in Hz and strength (octave cost taken off), each of shape (n, N_CANDIDATES), strongest first;
        a place without a candidate has 0 Hz and strength 0.
    """
    left, here, right = (acf[:, _LAG_FROM + d : _LAG_TO + d] for d in (-1, 0, 1))
    is_maximum = (here > left) & (here >= right) & (here > 0.2)
    curve = left - 2 * here + right
    safe = np.where(is_maximum & (curve < 0), curve, -1.0)
    shift = np.clip(0.5 * (left - right) / safe, -0.5, 0.5)
    peak = here - 0.25 * (left - right) * shift
    lag = np.arange(_LAG_FROM, _LAG_TO) + shift
    # Above 1 the estimate is an artefact of dividing by a small window value; Boersma mirrors it.
    peak = np.where(peak > 1, 1 / np.maximum(peak, 1), peak)
    strength = np.where(is_maximum, peak - OCTAVE_COST * np.log2(lag * MIN_F0_HZ / SAMPLE_RATE_HZ), 0.0)
    order = np.argsort(-strength, axis=1, kind="stable")[:, :N_CANDIDATES]
    best = np.take_along_axis(strength, order, axis=1)
    f0_hz = np.where(best > 0, SAMPLE_RATE_HZ / np.take_along_axis(lag, order, axis=1), 0.0)
    return f0_hz, best


def track_pitch(f0_hz: Doubles, strength: Doubles, may_voice: Flags) -> Doubles:
    """Choose one candidate, or unvoiced, per frame so that the whole path is best (Viterbi).

    Args:
        f0_hz: candidates of shape (n, k), 0 where there is none.
        strength: their strengths, shape (n, k).
        may_voice: shape (n,); False for frames too weak to be voice.

    Returns:
        Pitch in Hz, shape (n,), 0 where unvoiced. n = 0 gives an empty array.
    """
    path = np.zeros(len(f0_hz))
    # Frames without a usable candidate are unvoiced whatever the path: the runs between them are independent.
    usable = may_voice & (strength.max(axis=1, initial=0.0) > VOICING_STRENGTH / 2)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], usable, [False])).astype(np.int8)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        path[start:stop] = _track_run(f0_hz[start:stop], strength[start:stop])
    return path


def _track_run(f0_hz: Doubles, strength: Doubles) -> Doubles:
    """Best path through one run of frames; the last state of each frame is "unvoiced"."""
    n = len(f0_hz)
    reward = np.concatenate((np.where(f0_hz > 0, strength, -1.0), np.full((n, 1), VOICING_STRENGTH)), axis=1)
    octave = np.log2(np.maximum(f0_hz, 1.0))
    jump = OCTAVE_JUMP_COST * np.abs(octave[1:, None, :] - octave[:-1, :, None])
    cost = np.pad(jump, ((0, 0), (0, 1), (0, 1)), constant_values=VOICING_COST)
    cost[:, -1, -1] = 0.0
    came_from = np.zeros(reward.shape, np.intp)
    total = reward[0] - np.where(np.arange(reward.shape[1]) < reward.shape[1] - 1, VOICING_COST, 0.0)
    states = np.arange(reward.shape[1])
    for i in range(1, n):
        options = total[:, None] - cost[i - 1]
        came_from[i] = options.argmax(axis=0)
        total = options[came_from[i], states] + reward[i]
    path = np.zeros(n)
    state = int(total.argmax())
    for i in range(n - 1, -1, -1):
        path[i] = f0_hz[i, state] if state < f0_hz.shape[1] else 0.0
        state = int(came_from[i, state])
    return path
