"""How much of the expression was negative, and how much surprise, over the last seconds: what the indices compare.

The shares of the emotion network as signals, so that they have a baseline of their own: people differ in how their
face looks at rest, and the network reads some resting faces as sad or angry (docs/evidence.md).
"""

from dataclasses import dataclass

import numpy as np

from pipeline.signals import Definition, Group, absent
from pipeline.types import EMOTIONS, FaceSample, Reason, Signal

WINDOW_S = 5.0
MAX_SAMPLES = 160
"""Bound on memory: 32 answers a second."""
MIN_SAMPLES = 3
MAX_AGE_S = 2.0
"""An older newest answer says nothing about now."""
WEAK_QUALITY = 0.5
"""Below it the signal says why."""
NEGATIVE = tuple(EMOTIONS.index(name) for name in ("angry", "disgust", "fear", "sad"))
SURPRISE = EMOTIONS.index("surprise")

DEFINITIONS = (
    Definition(
        name="nonverbal.negative_share",
        label="Negative expression",
        unit="",
        group=Group.NONVERBAL,
        what="Mean share of anger, disgust, fear and sadness in the face's expression over 5 s.",
        low=0.0,
        high=1.0,
        window_s=WINDOW_S,
    ),
    Definition(
        name="nonverbal.surprise_share",
        label="Surprised expression",
        unit="",
        group=Group.NONVERBAL,
        what="Mean share of surprise in the face's expression over 5 s.",
        low=0.0,
        high=1.0,
        window_s=WINDOW_S,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSharesState:
    """(time, negative share, surprise share, quality, reason) of the answers of the last WINDOW_S, oldest first."""

    answers: tuple[tuple[float, float | None, float | None, float, Reason], ...] = ()


def follow_face_shares(state: FaceSharesState, sample: FaceSample) -> FaceSharesState:
    """Take in a sample; one that is not newer than the last is dropped."""
    if state.answers and sample.t_s <= state.answers[-1][0]:
        return state
    negative = surprise = None
    if sample.emotions is not None and sample.quality > 0:
        shares = np.asarray(sample.emotions, np.float64)
        shares = shares / shares.sum()
        negative, surprise = float(shares[list(NEGATIVE)].sum()), float(shares[SURPRISE])
    answer = (sample.t_s, negative, surprise, sample.quality, sample.reason)
    kept = tuple(old for old in state.answers if old[0] > sample.t_s - WINDOW_S)
    return FaceSharesState(answers=(*kept, answer)[-MAX_SAMPLES:])


def view_face_shares(state: FaceSharesState, t_s: float) -> tuple[Signal, ...]:
    """Average the answers at a tick; quality is their mean, with 0 for those without a usable face."""
    recent = [answer for answer in state.answers if answer[0] > t_s - WINDOW_S]
    if not recent or t_s - recent[-1][0] > MAX_AGE_S:
        return absent(DEFINITIONS, Reason.NO_VIDEO)
    usable = [(time_s, negative, surprise, quality) for time_s, negative, surprise, quality, _ in recent if quality > 0]
    known = [item for item in usable if item[1] is not None and item[2] is not None]
    weak = next((answer[4] for answer in reversed(recent) if answer[4] is not Reason.OK), Reason.TOO_SHORT)
    if len(known) < MIN_SAMPLES:
        return absent(DEFINITIONS, weak)
    quality = sum(item[3] for item in known) / len(recent)
    means = np.array([[item[1], item[2]] for item in known], np.float64).mean(axis=0)
    return tuple(
        Signal(
            name=definition.name,
            value=float(mean),
            quality=quality,
            reason=Reason.OK if quality >= WEAK_QUALITY else weak,
            age_s=max(0.0, t_s - known[-1][0]),
        )
        for definition, mean in zip(DEFINITIONS, means, strict=True)
    )
