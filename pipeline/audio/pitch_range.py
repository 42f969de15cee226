"""The range of a speaker's pitch, from the pitch heard so far.

Source: the two-pass method of C. De Looze and D. Hirst (Speech Prosody 2008): floor and ceiling of the second pass are
0.75 of the first and 1.5 of the third quartile of what the first finds; 2.5 of the third for expressive speech.
"""

import numpy as np
import numpy.typing as npt

from pipeline.audio.framing import HOP_S, Doubles
from pipeline.audio.pitch_candidates import MAX_F0_HZ, MIN_F0_HZ, PitchSpan

FLOOR_SHARE = 0.75
"""Of the first quartile."""
CEILING_SHARE = 1.5
"""Of the third quartile; for a recording whose own quartiles they are."""
RAISED_CEILING_SHARE = 2.5
"""Of the third quartile; for what a speaker says later, perhaps with a raised voice."""
MIN_VOICED_S = 1.0
"""With less voiced speech the quartiles say nothing: the whole range stays."""
BINS_PER_SEMITONE = 4

Counts = npt.NDArray[np.int32]
_N_BINS = int(np.ceil(12 * np.log2(MAX_F0_HZ / MIN_F0_HZ) * BINS_PER_SEMITONE)) + 1


def no_pitch_seen() -> Counts:
    """Return the counts before any speech."""
    return np.zeros(_N_BINS, np.int32)


def count_pitch(seen: Counts, f0_hz: Doubles) -> Counts:
    """Add the voiced frames of f0_hz, shape (n,), 0 where unvoiced, to the counts by quarter semitones."""
    semitones = 12 * np.log2(f0_hz[f0_hz > 0] / MIN_F0_HZ)
    bins = np.clip(np.round(semitones * BINS_PER_SEMITONE), 0, _N_BINS - 1).astype(np.intp)
    return (seen + np.bincount(bins, minlength=_N_BINS)).astype(np.int32)


def find_range(seen: Counts, ceiling_share: float = CEILING_SHARE) -> PitchSpan:
    """Return floor and ceiling, within MIN_F0_HZ and MAX_F0_HZ; all of it before MIN_VOICED_S of voiced speech."""
    n = int(seen.sum())
    if n < round(MIN_VOICED_S / HOP_S):
        return PitchSpan()
    below = np.cumsum(seen)
    q25_hz, q75_hz = (
        MIN_F0_HZ * 2 ** (int(np.searchsorted(below, share * n)) / BINS_PER_SEMITONE / 12) for share in (0.25, 0.75)
    )
    return PitchSpan(floor_hz=max(MIN_F0_HZ, FLOOR_SHARE * q25_hz), ceiling_hz=min(MAX_F0_HZ, ceiling_share * q75_hz))
