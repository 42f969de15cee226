"""Filled-pause candidates: stretches in which a voice holds one sound, as in ``uh`` and ``um``.

Pitch and formants stand still for 200 ms or more and the spectrum hardly changes (Goto, Itou and Hayamizu, Eurospeech
1999). A drawn-out vowel inside a word looks the same, so that these are candidates and no filled pauses.
"""

import numpy as np

from pipeline.audio.framing import HOP_S, Doubles, Flags

MIN_LENGTH_S = 0.2
REACH_FRAMES = 5
"""To either side: what stands still is judged over eleven frames, 110 ms."""
MAX_PITCH_RANGE_ST = 0.7
"""Highest less lowest pitch over them."""
MAX_FORMANT_SPREAD = 0.08
"""Standard deviation of F1 and of F2 over them, as a share of their mean. Estimates of a held vowel scatter by half
of that."""
MAX_FLUX = 0.3
"""Mean over them."""
_N = 2 * REACH_FRAMES + 1


def find_filled_pauses(
    f0_st: Doubles, formants_hz: Doubles, flux: Doubles, follows: Flags | None = None
) -> list[tuple[int, int]]:
    """Find candidates among successive frames.

    Args:
        f0_st: pitch in semitones over any reference, shape (n,), NaN where unvoiced.
        formants_hz: F1, F2 and more, shape (n, >= 2), NaN where unknown.
        flux: as in ``spectral_features``, shape (n,).
        follows: False where a frame does not follow on the one before; shape (n,), by default all do.

    Returns:
        First frame of each and the frame after its last, in order.
    """
    n = len(f0_st) - _N + 1
    if n <= 0:
        return []
    f0, first, second, change = (_windows(x) for x in (f0_st, formants_hz[:, 0], formants_hz[:, 1], flux))
    # Comparisons with NaN are False: a window with an unvoiced frame does not stand still.
    stands = np.ptp(f0, axis=1) <= MAX_PITCH_RANGE_ST
    stands &= first.std(axis=1) <= MAX_FORMANT_SPREAD * first.mean(axis=1)
    stands &= second.std(axis=1) <= MAX_FORMANT_SPREAD * second.mean(axis=1)
    stands &= change.mean(axis=1) <= MAX_FLUX
    if follows is not None:
        stands &= _windows(follows)[:, 1:].all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], stands, [False])).astype(np.int8)))
    n_min = round(MIN_LENGTH_S / HOP_S)
    runs = ((int(start), int(stop) + _N - 1) for start, stop in zip(edges[::2], edges[1::2], strict=True))
    return [(start, stop) for start, stop in runs if stop - start >= n_min]


def _windows(values: Doubles | Flags) -> Doubles:
    return np.asarray(np.lib.stride_tricks.sliding_window_view(values, _N))
