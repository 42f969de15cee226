import numpy as np
import pytest

from pipeline.levels import LEVEL_OF_EMOTION, LEVELS, N_ANSWERS, LevelState, follow_level, name_level, view_level
from pipeline.types import EMOTIONS, FaceSample, Level, Reason, Shares


def sample(t_s, quality=0.9, reason=Reason.OK, **shares) -> FaceSample:
    emotions = np.array([shares.get(name, 0.0) for name in EMOTIONS], np.float32)
    return FaceSample(t_s=t_s, emotions=emotions if shares else None, quality=quality, reason=reason)


def followed(*samples: FaceSample) -> LevelState:
    state = LevelState()
    for item in samples:
        state = follow_level(state, item, 2.0)
    return state


def view(state: LevelState, t_s: float) -> Shares:
    return view_level(state, t_s, 2.0, otherwise=Reason.NO_FACE)


def test_every_emotion_has_one_level():
    assert sorted(name for names in LEVELS.values() for name in names) == sorted(EMOTIONS)
    assert [tuple(LEVELS)[i] for i in LEVEL_OF_EMOTION] == ["high", "medium", "high", "low", "low", "high", "medium"]


def test_the_level_is_the_largest_sum_and_its_confidence_that_sum():
    seen = view(followed(sample(1.0, happy=0.2, neutral=0.25, angry=0.15, fear=0.15, sad=0.2, surprise=0.05)), 1.5)
    assert seen.shares == pytest.approx((0.45, 0.05, 0.5), abs=1e-6)
    assert (seen.quality, seen.reason, seen.age_s) == (pytest.approx(0.9), Reason.OK, 0.5)
    level, confidence = name_level(seen)
    assert (level, confidence) == (Level.HIGH, pytest.approx(0.5, abs=1e-6))


def test_equal_sums_give_the_lower_level():
    assert name_level(Shares(shares=(0.4, 0.4, 0.2), quality=1.0, reason=Reason.OK, age_s=0.0))[0] is Level.LOW


def test_the_last_five_answers_count_alike():
    calm = [sample(t * 0.2, happy=1.0) for t in range(8)]
    tense = [sample(1.6 + t * 0.2, fear=1.0) for t in range(3)]
    state = followed(*calm, *tense)
    assert len(state.answers) == N_ANSWERS
    assert view(state, 2.0).shares == pytest.approx((0.4, 0.0, 0.6))


def test_pictures_without_a_usable_face_are_no_answers():
    state = followed(sample(1.0, happy=1.0), sample(1.2), sample(1.4, quality=0.0, fear=1.0))
    assert view(state, 2.0).shares == (1.0, 0.0, 0.0)
    assert view(state, 2.0).age_s == 1.0


def test_an_answer_that_is_not_newer_is_dropped():
    assert len(followed(sample(1.0, happy=1.0), sample(1.0, fear=1.0), sample(0.5, fear=1.0)).answers) == 1


def test_without_a_current_answer_the_level_is_unknown_with_the_face_s_reason():
    unknown = Shares(shares=None, quality=0.0, reason=Reason.NO_FACE, age_s=0.0)
    assert view(LevelState(), 1.0) == unknown
    assert view(followed(sample(1.0, happy=1.0)), 3.5) == unknown
    assert name_level(unknown) == (None, None)


def test_after_a_hole_the_average_starts_anew():
    state = followed(sample(1.0, happy=1.0), sample(3.5, fear=1.0))
    assert view(state, 3.5).shares == (0.0, 0.0, 1.0)


def test_a_weak_face_gives_its_reason():
    seen = view(followed(sample(1.0, quality=0.2, reason=Reason.DARK, happy=1.0)), 1.0)
    assert (seen.reason, seen.quality) == (Reason.DARK, pytest.approx(0.2))
