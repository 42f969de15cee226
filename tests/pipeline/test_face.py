import numpy as np
import pytest

from pipeline.face import MAX_SAMPLES, FaceState, see, view_eyes, view_face
from pipeline.types import FaceSample, FloatArray, Reason

FEAR: FloatArray = np.array([0, 0, 1, 0, 0, 0, 0], np.float32)
HAPPY: FloatArray = np.array([0, 0, 0, 1, 0, 0, 0], np.float32)


def face(
    t_s: float, emotions: FloatArray | None = HAPPY, quality: float = 1.0, reason: Reason = Reason.OK
) -> FaceSample:
    return FaceSample(t_s=t_s, emotions=emotions, quality=quality, reason=reason)


def no_face(t_s: float, reason: Reason = Reason.NO_FACE) -> FaceSample:
    return face(t_s, None, 0.0, reason)


def seen(*samples: FaceSample) -> FaceState:
    state = FaceState()
    for sample in samples:
        state = see(state, sample)
    return state


def test_the_newest_usable_sample_is_read_with_the_mean_quality() -> None:
    view = view_face(seen(face(1.0, FEAR, 0.9), face(1.1, HAPPY, 0.3)), 1.2, 2.0)
    assert view is not None
    assert view.emotions == pytest.approx(tuple(HAPPY))
    assert view.reading.value == pytest.approx(0.10)
    assert view.reading.quality == pytest.approx(0.6)
    assert view.reading.reason is Reason.OK
    assert view.reading.age_s == pytest.approx(0.1)
    assert sum(view.parts.values()) == pytest.approx(view.reading.value)


def test_frames_without_a_face_lower_the_quality_and_say_why() -> None:
    view = view_face(seen(face(1.0), no_face(1.1), no_face(1.2)), 1.3, 2.0)
    assert view is not None
    assert view.reading.value == pytest.approx(0.1)
    assert view.reading.quality == pytest.approx(1 / 3)
    assert view.reading.reason is Reason.NO_FACE
    assert view.reading.age_s == pytest.approx(0.3)


def test_no_usable_face_is_no_value_and_the_most_frequent_reason() -> None:
    view = view_face(seen(no_face(1.0), no_face(1.1, Reason.DARK), no_face(1.2, Reason.DARK)), 1.3, 2.0)
    assert view is not None
    assert view.emotions is None
    assert (view.reading.value, view.reading.quality, view.reading.reason) == (None, 0.0, Reason.DARK)


def test_a_face_of_no_worth_is_no_value() -> None:
    view = view_face(seen(face(1.0, HAPPY, 0.0, Reason.SMALL_FACE)), 1.1, 2.0)
    assert view is not None
    assert (view.reading.value, view.reading.reason) == (None, Reason.SMALL_FACE)


def test_old_samples_leave_the_average_and_then_the_view() -> None:
    state = seen(face(1.0, FEAR), face(3.0))
    view = view_face(state, 3.1, 2.0)
    assert view is not None
    assert view.reading.value == pytest.approx(0.1)
    assert view_face(state, 5.1, 2.0) is None
    assert view_face(FaceState(), 1.0, 2.0) is None


def test_a_sample_that_is_not_newer_is_dropped() -> None:
    state = seen(face(1.0))
    assert see(state, face(1.0, FEAR)) is state
    assert see(state, face(0.5, FEAR)) is state


def test_memory_is_bounded() -> None:
    state = seen(*(face(1.0 + i / 1000) for i in range(1000)))
    assert len(state.samples) == MAX_SAMPLES


EYES = np.array([0.1, 0.2, 0.3, 0.2, 0.1, 0.1], np.float32)
OTHER_EYES = np.array([0.3, 0.2, 0.1, 0.2, 0.1, 0.1], np.float32)


def eyes(t_s: float, shares=EYES, quality=0.8, reason=Reason.OK) -> FaceSample:
    return FaceSample(
        t_s=t_s,
        emotions=None,
        quality=0.9,
        reason=Reason.OK,
        eyes=shares,
        eyes_quality=0.0 if shares is None else quality,
        eyes_reason=reason,
    )


def view_of_eyes(*samples: FaceSample, t_s: float):
    state = FaceState()
    for item in samples:
        state = see(state, item)
    return view_eyes(state, t_s, 2.0, otherwise=Reason.NO_VIDEO)


def test_eyes_are_averaged_by_their_own_quality():
    seen = view_of_eyes(eyes(1.0, quality=0.9), eyes(1.2, OTHER_EYES, quality=0.3), t_s=1.5)
    assert seen.shares == pytest.approx((0.15, 0.2, 0.25, 0.2, 0.1, 0.1))
    assert (seen.quality, seen.reason, seen.age_s) == (pytest.approx(0.6), Reason.OK, pytest.approx(0.3))


def test_pictures_whose_eyes_cannot_be_read_lower_the_quality_and_give_the_reason():
    hidden = [eyes(1.0 + t / 10, None, reason=Reason.DARK) for t in range(3)]
    seen = view_of_eyes(*hidden, eyes(1.4), t_s=1.5)
    assert seen.shares == pytest.approx(tuple(EYES.tolist()))
    assert (seen.quality, seen.reason) == (pytest.approx(0.2), Reason.DARK)


def test_eyes_that_are_never_read_are_unknown():
    seen = view_of_eyes(eyes(1.0, None, reason=Reason.UNCLEAR), t_s=1.5)
    assert (seen.shares, seen.quality, seen.reason, seen.age_s) == (None, 0.0, Reason.UNCLEAR, 0.5)
    seen = view_of_eyes(eyes(1.0), t_s=3.5)
    assert (seen.shares, seen.reason) == (None, Reason.NO_VIDEO)
