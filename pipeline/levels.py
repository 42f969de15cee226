"""Three levels of stress from the face alone, as an earlier system of this kind gave them: secondary to s_video.

The shares of the emotion network are added up in three groups; the three sums are averaged over the last five
answers; the level is the largest of them, and its confidence is that sum. It answers which group an observer would
put the expression in. It has no weights, so it is coarser than ``pipeline.fusion.weigh_face`` and does not enter the
fused value.
"""

from dataclasses import dataclass, replace

import numpy as np

from pipeline.types import EMOTIONS, FaceSample, Level, Reason, Shares

LEVELS: dict[Level, tuple[str, ...]] = {
    Level.LOW: ("happy", "neutral"),
    Level.MEDIUM: ("surprise", "disgust"),
    Level.HIGH: ("angry", "fear", "sad"),
}
"""Emotions of each level; the order of the levels wherever they stand in an array."""

LEVEL_OF_EMOTION = tuple(next(i for i, names in enumerate(LEVELS.values()) if emotion in names) for emotion in EMOTIONS)
"""Index of each emotion's level, in the order EMOTIONS."""

N_ANSWERS = 5
"""Answers averaged: one second at five measured pictures a second."""
WEAK_QUALITY = 0.5
"""Below it the reading says why, as that of the face does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelState:
    """The last N_ANSWERS samples with a usable face, oldest first."""

    answers: tuple[FaceSample, ...] = ()


def follow_level(state: LevelState, sample: FaceSample, max_age_s: float) -> LevelState:
    """Take in a sample; one without a usable face or not newer than the last changes nothing.

    After more than max_age_s without an answer the average starts anew: what was before says nothing about now.
    """
    if sample.emotions is None or sample.quality <= 0:
        return state
    newest_s = state.answers[-1].t_s if state.answers else sample.t_s - max_age_s
    if sample.t_s <= newest_s:
        return state
    kept = state.answers if sample.t_s - newest_s <= max_age_s else ()
    return replace(state, answers=(*kept, sample)[-N_ANSWERS:])


def view_level(state: LevelState, t_s: float, max_age_s: float, *, otherwise: Reason) -> Shares:
    """Average the answers at a tick.

    Args:
        state: what was followed.
        t_s: time of the tick.
        max_age_s: an older newest answer is not current.
        otherwise: the reason when there is none: why the face is unknown.

    Returns:
        Shares in the order of LEVELS; quality is the mean of the answers'.
    """
    if not state.answers or t_s - state.answers[-1].t_s > max_age_s:
        return Shares(shares=None, quality=0.0, reason=otherwise, age_s=0.0)
    answers = [sample.emotions for sample in state.answers if sample.emotions is not None]
    mean = np.mean(np.array(answers, np.float64), axis=0)
    sums = np.bincount(LEVEL_OF_EMOTION, weights=mean / mean.sum(), minlength=len(LEVELS))
    quality = float(np.mean([sample.quality for sample in state.answers]))
    weak = next((sample.reason for sample in reversed(state.answers) if sample.reason is not Reason.OK), Reason.OK)
    return Shares(
        shares=tuple(sums.tolist()),
        quality=quality,
        reason=Reason.OK if quality >= WEAK_QUALITY else weak,
        age_s=max(0.0, t_s - state.answers[-1].t_s),
    )


def name_level(levels: Shares) -> tuple[Level | None, float | None]:
    """Return the level with the largest sum, the lower one of equals, and its sum; None twice when unknown."""
    if levels.shares is None:
        return None, None
    index = int(np.argmax(levels.shares))
    return tuple(LEVELS)[index], levels.shares[index]
