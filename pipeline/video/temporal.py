"""Steadies the emotion shares of consecutive frames: slow while a face hardly changes, quick when it does.

An exponential filter of all seven shares with one gain, so that they keep adding up to 1. The gain follows how far,
and how lastingly, new frames are from what is kept. Frames count by their quality. The constants were chosen by
measurement: docs/temporal.md.

Source: the speed-dependent cut-off of Casiez et al. 2012, "1 Euro Filter: A Simple Speed-based Low-pass Filter for
Noisy Input in Interactive Systems". The distance takes the place of the speed: divided by the time between frames,
noise would count for more the more frames there are.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.types import EMOTIONS, FaceSample, Reason

SLOW_HZ = 0.1
"""Cut-off frequency while nothing changes."""
HZ_PER_DISTANCE = 0.6
"""Rise of the cut-off frequency per unit of distance, total variation in [0, 1]: 0.7 Hz when all is different."""
DISTANCE_HZ = 1.0
"""Cut-off frequency at which the distance itself is smoothed: what comes and goes is no change."""
MAX_HOLE_S = 1.5
"""After a longer time without a usable face the next one begins anew: it may be another expression, or person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyState:
    """What is remembered of the frames so far."""

    t_s: float = -math.inf
    """Time of the newest usable frame."""
    emotions: npt.NDArray[np.float64] | None = None
    """Shape (7,), the steadied shares; None before the first usable frame."""
    distance: npt.NDArray[np.float64] | None = None
    """Shape (7,), new shares less steadied ones, smoothed."""
    weight: float = 0.0
    """Quality behind the steadied shares, in [0, 1]."""


def steady(state: SteadyState, sample: FaceSample) -> tuple[SteadyState, FaceSample]:
    """Take in a frame.

    Args:
        state: what the last call returned; SteadyState() at the beginning.
        sample: the frame's face. One without a usable face (no emotions, quality 0, or a share that is not a
            number), or one that is not newer than the last, leaves the state as it is.

    Returns:
        The new state, and the sample with steadied emotions; quality, reason and box stay. The first usable frame,
        and the first after more than MAX_HOLE_S, stands for itself. A sample whose shares are not numbers comes
        back without emotions, of quality 0, as NO_FACE.
    """
    dt_s = sample.t_s - state.t_s
    if sample.emotions is None or sample.quality <= 0 or dt_s <= 0:
        return state, sample
    if not np.isfinite(sample.emotions).all():
        return state, replace(sample, emotions=None, quality=0.0, reason=Reason.NO_FACE)
    seen = np.asarray(sample.emotions, np.float64)
    if state.emotions is None or state.distance is None or dt_s > MAX_HOLE_S:
        begun = SteadyState(t_s=sample.t_s, emotions=seen, distance=np.zeros(len(EMOTIONS)), weight=sample.quality)
        return begun, sample
    # A frame worse than those before it moves less, and is less of a reason to hurry.
    trust = min(1.0, sample.quality / state.weight)
    distance = state.distance + _gain(DISTANCE_HZ, dt_s) * (trust * (seen - state.emotions) - state.distance)
    gain = _gain(SLOW_HZ + HZ_PER_DISTANCE * 0.5 * float(np.abs(distance).sum()), dt_s)
    weight = state.weight + gain * (sample.quality - state.weight)
    emotions = state.emotions + gain * sample.quality / weight * (seen - state.emotions)
    emotions = emotions / emotions.sum()
    following = SteadyState(t_s=sample.t_s, emotions=emotions, distance=distance, weight=weight)
    return following, replace(sample, emotions=emotions.astype(np.float32))


def _gain(cut_off_hz: float, dt_s: float) -> float:
    """Share of the new value in a first-order low-pass filter."""
    return 1 / (1 + 1 / (2 * math.pi * cut_off_hz * dt_s))
