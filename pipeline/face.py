"""The face of the last moments as one reading."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from pipeline.fusion import weigh_face
from pipeline.types import FaceSample, Reading, Reason, Shares

WINDOW_S = 1.5
"""Samples whose quality, and whose eyes' shares, are averaged; without a usable face among them there is no value."""
MAX_SAMPLES = 120
"""Bound on memory: 80 samples a second."""
WEAK_QUALITY = 0.5
"""Below it the reading says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceState:
    """Face samples of the last WINDOW_S, oldest first."""

    samples: tuple[FaceSample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceView:
    """What the face says at a tick."""

    reading: Reading
    """s_video."""
    emotions: tuple[float, ...] | None
    """Seven shares in the order EMOTIONS, those of the newest usable sample."""
    parts: dict[str, float]
    """Parts of s_video by emotion; empty when it is unknown."""


def see(state: FaceState, sample: FaceSample) -> FaceState:
    """Take in a sample; one that is not newer than the last is dropped."""
    if state.samples and sample.t_s <= state.samples[-1].t_s:
        return state
    kept = [old for old in state.samples if old.t_s > sample.t_s - WINDOW_S]
    return replace(state, samples=(*kept, sample)[-MAX_SAMPLES:])


def view_face(state: FaceState, t_s: float, max_age_s: float) -> FaceView | None:
    """Read the newest usable sample, whose shares ``pipeline.video.temporal`` has steadied, and judge all of them.

    Returns:
        None when the newest sample is older than max_age_s. Quality is the mean over all samples, with 0 for those
        without a usable face.
    """
    if not state.samples or t_s - state.samples[-1].t_s > max_age_s:
        return None
    age_s = max(0.0, t_s - state.samples[-1].t_s)
    usable = [sample for sample in state.samples if sample.emotions is not None and sample.quality > 0]
    if not usable:
        reading = Reading(value=None, quality=0.0, reason=_common_reason(state.samples), age_s=age_s)
        return FaceView(reading=reading, emotions=None, parts={})
    shares = np.asarray(usable[-1].emotions, np.float64)
    emotions = tuple((shares / shares.sum()).tolist())
    parts = weigh_face(emotions)
    quality = sum(sample.quality for sample in usable) / len(state.samples)
    reading = Reading(
        value=sum(parts.values()),
        quality=quality,
        reason=Reason.OK if quality >= WEAK_QUALITY else _common_reason(state.samples),
        age_s=max(0.0, t_s - usable[-1].t_s),
    )
    return FaceView(reading=reading, emotions=emotions, parts=parts)


def view_eyes(state: FaceState, t_s: float, max_age_s: float, *, otherwise: Reason) -> Shares:
    """Average what the region of the eyes says by its quality.

    Args:
        state: what was seen.
        t_s: time of the tick.
        max_age_s: an older newest sample is not current.
        otherwise: the reason when no sample is: why the face is unknown.

    Returns:
        Shares in the order EYE_EMOTIONS; quality is the mean over all samples, with 0 for those that say nothing.
    """
    if not state.samples or t_s - state.samples[-1].t_s > max_age_s:
        return Shares(shares=None, quality=0.0, reason=otherwise, age_s=0.0)
    reasons = tuple(sample.eyes_reason for sample in state.samples)
    usable = [sample for sample in state.samples if sample.eyes is not None and sample.eyes_quality > 0]
    if not usable:
        age_s = max(0.0, t_s - state.samples[-1].t_s)
        return Shares(shares=None, quality=0.0, reason=_most_common(reasons), age_s=age_s)
    weights = np.array([sample.eyes_quality for sample in usable])
    mean = (np.array([sample.eyes for sample in usable], np.float64) * weights[:, None]).sum(axis=0)
    quality = float(weights.sum()) / len(state.samples)
    return Shares(
        shares=tuple((mean / mean.sum()).tolist()),
        quality=quality,
        reason=Reason.OK if quality >= WEAK_QUALITY else _most_common(reasons),
        age_s=max(0.0, t_s - usable[-1].t_s),
    )


def _common_reason(samples: tuple[FaceSample, ...]) -> Reason:
    return _most_common(tuple(sample.reason for sample in samples))


def _most_common(reasons: tuple[Reason, ...]) -> Reason:
    """The most frequent reason other than OK, the newest first among equals; OK when there is no other."""
    counts = Counter(reason for reason in reversed(reasons) if reason is not Reason.OK)
    return counts.most_common(1)[0][0] if counts else Reason.OK
