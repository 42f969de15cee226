"""How fast somebody speaks: syllable nuclei, found in the loudness and the pitch of the voice.

After de Jong and Wempe (2009), "Praat script to detect syllable nuclei and measure speech rate automatically": a
nucleus is a voiced peak of intensity, parted from the next one by a dip of at least 2 dB, not more than 25 dB under the
loudest. Here the dip has to be there on both sides, so that it can be done frame by frame.
"""

from dataclasses import dataclass, replace

import numpy as np

from pipeline.audio.activity import DECIDED_S
from pipeline.audio.framing import FRAME_S, HOP_S, Doubles, Flags
from pipeline.audio.voice import FrameTrack

DIP_DB = 2.0
BELOW_LOUDEST_DB = 25.0
"""Under the loudest of the seconds that the track holds."""
ABOVE_FLOOR_DB = 3.0
"""Over the noise floor. The voice score asks for 6 dB, which at an SNR of 10 dB leaves out a third of the syllables."""
SMOOTHING_FRAMES = 7
"""Hann window of 70 ms over the level: pitch pulses and rough voices make peaks of their own in 40 ms frames."""
VOICED_NEAR_FRAMES = 2
"""The peak of loudness may lie this far beside a voiced frame."""
KEPT_S = 60.0

_WINDOW = np.hanning(SMOOTHING_FRAMES + 2)[1:-1]
_WINDOW = _WINDOW / _WINDOW.sum()


@dataclass(frozen=True, slots=True, kw_only=True)
class RateState:
    """The search for nuclei between two calls."""

    nuclei_s: tuple[float, ...] = ()
    """Times of the nuclei of the last KEPT_S."""
    done_s: float = -np.inf
    """Everything up to here has been searched; frame time, as ``FrameTrack.t_s``."""
    is_rising: bool = False
    """Since the last dip the level has risen by DIP_DB: a peak is near."""
    extreme_db: float = np.inf
    """Level of the highest frame since then, or of the lowest since the last peak."""
    peak_s: float | None = None
    """Time of that highest frame when it may be a nucleus (loud and voiced), else None."""


def follow_rate(state: RateState, track: FrameTrack) -> RateState:
    """Search the frames that have come since the last call and are decided.

    Args:
        state: what the last call returned.
        track: the last seconds of the voice; frames that left it before they were searched count as not heard.
    """
    if not len(track.t_s):
        return state
    is_new = (track.t_s > state.done_s) & (track.t_s <= track.t_s[-1] - DECIDED_S)
    if not is_new.any():
        return state
    level_db, may_be = _smooth(track.level_dbfs), _may_be_nucleus(track)
    nuclei_s = list(state.nuclei_s)
    last_s = state.done_s
    rising, extreme_db, peak_s = state.is_rising, state.extreme_db, state.peak_s
    for i in np.flatnonzero(is_new).tolist():
        t_s, level = float(track.t_s[i]), float(level_db[i])
        if t_s - last_s > 2.5 * HOP_S:  # sound on both sides of a hole makes no peak
            rising, extreme_db, peak_s = False, level, None
        last_s = t_s
        if rising and level > extreme_db:
            extreme_db, peak_s = level, t_s - FRAME_S / 2 if may_be[i] else None
        elif rising and level < extreme_db - DIP_DB:
            if peak_s is not None:
                nuclei_s.append(peak_s)
            rising, extreme_db, peak_s = False, level, None
        elif not rising:
            extreme_db = min(extreme_db, level)
            if level > extreme_db + DIP_DB:
                rising, extreme_db, peak_s = True, level, t_s - FRAME_S / 2 if may_be[i] else None
    return replace(
        state,
        nuclei_s=tuple(nucleus_s for nucleus_s in nuclei_s if nucleus_s > last_s - KEPT_S),
        done_s=last_s,
        is_rising=rising,
        extreme_db=extreme_db,
        peak_s=peak_s,
    )


def _smooth(level_dbfs: Doubles) -> Doubles:
    """Average the power over SMOOTHING_FRAMES; at both ends over what is there."""
    reach = SMOOTHING_FRAMES // 2
    power = np.pad(10 ** (level_dbfs / 10), reach, mode="edge")
    return 10 * np.log10(np.maximum(np.convolve(power, _WINDOW, mode="valid"), 1e-12))


def _may_be_nucleus(track: FrameTrack) -> Flags:
    """Frames loud enough, and voiced or next to a voiced one."""
    reach = VOICED_NEAR_FRAMES
    voiced = np.convolve(track.f0_hz > 0, np.ones(2 * reach + 1), mode="full")[reach : reach + len(track.t_s)] > 0
    is_loud = track.level_dbfs > track.level_dbfs.max() - BELOW_LOUDEST_DB
    flags: Flags = voiced & is_loud & (track.level_dbfs > track.floor_dbfs + ABOVE_FLOOR_DB)
    return flags
