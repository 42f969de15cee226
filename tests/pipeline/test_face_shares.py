import numpy as np
import pytest

from pipeline.face_shares import FaceSharesState, follow_face_shares, view_face_shares
from pipeline.types import EMOTIONS, FaceSample, Reason


def sample(t_s: float, quality: float = 0.8, **shares: float) -> FaceSample:
    emotions = np.array([shares.get(name, 0.0) for name in EMOTIONS], np.float32)
    has_face = emotions.sum() > 0
    return FaceSample(
        t_s=t_s,
        emotions=emotions if has_face else None,
        quality=quality if has_face else 0.0,
        reason=Reason.OK if has_face else Reason.DARK,
    )


def follow(samples):
    state = FaceSharesState()
    for item in samples:
        state = follow_face_shares(state, item)
    return state


def test_the_shares_are_means_over_five_seconds():
    old = [sample(t / 5, angry=1.0) for t in range(5)]
    new = [sample(1.05 + t / 5, fear=0.2, sad=0.1, surprise=0.4, neutral=0.3) for t in range(25)]
    negative, surprise = view_face_shares(follow([*old, *new]), 6.0)
    assert (negative.value, surprise.value) == (pytest.approx(0.3), pytest.approx(0.4))
    assert (negative.quality, negative.reason) == (pytest.approx(0.8), Reason.OK)


def test_samples_without_a_face_lower_the_quality_and_say_why():
    samples = [sample(t / 5, happy=1.0) if t % 3 == 0 else sample(t / 5) for t in range(20)]
    negative, _ = view_face_shares(follow(samples), 3.9)
    assert negative.value == pytest.approx(0.0)
    assert negative.quality == pytest.approx(0.8 * 7 / 20)
    assert negative.reason is Reason.DARK


@pytest.mark.parametrize(
    ("samples", "t_s", "reason"),
    [
        ([], 1.0, Reason.NO_VIDEO),
        ([sample(0.0, happy=1.0)] * 1, 0.5, Reason.TOO_SHORT),
        ([sample(t / 5, happy=1.0) for t in range(9)], 4.0, Reason.NO_VIDEO),
        ([sample(t / 5) for t in range(9)], 1.9, Reason.DARK),
    ],
)
def test_what_cannot_be_said_has_a_reason(samples, t_s, reason):
    for signal in view_face_shares(follow(samples), t_s):
        assert (signal.value, signal.quality, signal.reason) == (None, 0.0, reason)


def test_memory_is_bounded():
    assert len(follow(sample(t / 1000, happy=1.0) for t in range(3000)).answers) <= 160
