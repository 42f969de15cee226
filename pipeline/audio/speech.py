"""Which frames are speech, and where it pauses."""

from itertools import pairwise

import numpy as np

from pipeline.audio.framing import HOP_S, Doubles, Flags

ABOVE_FLOOR_DB = 6.0
"""A frame weaker than this over the noise floor is not speech."""
BELOW_LOUDEST_DB = 30.0
"""Nor is one this far under the loudest voiced frame: reverberation and breath."""
MIN_VOICED_S = 0.05
"""Shorter voiced runs are chance: noise has periods too."""
HANGOVER_S = 0.15
"""Consonants reach this far around a voiced run."""
MIN_PAUSE_S = 0.25
"""Shorter holes are stops inside words; the usual threshold of pause research is 200-250 ms."""


def find_speech(level_dbfs: Doubles, floor_dbfs: Doubles, f0_hz: Doubles) -> tuple[Flags, Flags]:
    """Decide which frames are speech: voiced runs and what belongs to them.

    Voicing is what tells a voice from a keyboard or a fan that has just been switched on.

    Args:
        level_dbfs: frame levels, shape (n,).
        floor_dbfs: noise floor at each frame, shape (n,).
        f0_hz: pitch path, shape (n,), 0 where unvoiced.

    Returns:
        Two masks of shape (n,): speech, and the voiced frames within it.
    """
    loud = level_dbfs > floor_dbfs + ABOVE_FLOOR_DB
    voiced = keep_long_runs((f0_hz > 0) & loud, round(MIN_VOICED_S / HOP_S))
    if not voiced.any():
        return voiced, voiced
    loud &= level_dbfs > level_dbfs[voiced].max() - BELOW_LOUDEST_DB
    reach = round(HANGOVER_S / HOP_S)
    near = np.convolve(voiced, np.ones(2 * reach + 1), mode="full")[reach : reach + len(voiced)] > 0
    return near & loud, voiced & loud


def find_pauses(is_speech: Flags) -> tuple[int, float]:
    """Count the pauses between speech.

    Args:
        is_speech: frame mask, shape (n,).

    Returns:
        Number of pauses of at least MIN_PAUSE_S with speech on both sides, and their total length in seconds.
    """
    holes = np.diff(np.flatnonzero(is_speech)) - 1
    pauses = holes[holes >= round(MIN_PAUSE_S / HOP_S)]
    return len(pauses), float(pauses.sum()) * HOP_S


def keep_long_runs(flags: Flags, n_min: int) -> Flags:
    """Drop runs of True shorter than n_min."""
    kept = flags.copy()
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    for start, stop in list(pairwise(edges))[::2]:
        if stop - start < n_min:
            kept[start:stop] = False
    return kept
