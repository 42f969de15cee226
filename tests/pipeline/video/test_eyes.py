import cv2
import numpy as np
import pytest

from pipeline.types import EYE_EMOTIONS, FaceSample, Reason
from pipeline.video.eyes import MIN_QUALITY, STRIP_SIZE_PX, cut_strips, look_at_eyes, prepare_strips
from pipeline.video.face import MeasuredFace

ANSWER = np.array([0.1, 0.1, 0.5, 0.1, 0.1, 0.1], np.float32)
FACE = np.clip(np.random.default_rng(0).normal(120, 40, (48, 48)), 0, 245).astype(np.uint8)


class Classifier:
    version = "eyes"

    def __init__(self) -> None:
        self.seen = []

    def __call__(self, strips):
        self.seen.append(strips)
        return np.repeat(ANSWER[None], len(strips), axis=0)


def measured(crop=FACE, quality=0.9, reason=Reason.OK) -> MeasuredFace:
    return MeasuredFace(sample=FaceSample(t_s=1.0, emotions=None, quality=quality, reason=reason), crop=crop)


def look(face: MeasuredFace) -> tuple[FaceSample, Classifier]:
    classifier = Classifier()
    return look_at_eyes(face, classifier).sample, classifier


def test_the_strip_is_brows_and_eyes_of_the_levelled_crop():
    crops = np.zeros((1, 48, 48), np.uint8)
    crops[0, 13, 10:38], crops[0, 19, 10:38] = 100, 200  # brows and eyes
    crops[0, 37] = 50  # the mouth
    strip = cut_strips(crops)[0]
    assert strip.shape == (20, 40)
    assert {0, 100, 200} == set(np.unique(strip))


def test_strips_are_normalised_each_by_itself_whatever_the_exposure():
    crops = np.stack([FACE, FACE // 2])
    strips = prepare_strips(crops)
    assert strips.shape == (2, 1, *STRIP_SIZE_PX)
    assert strips.dtype == np.float32
    np.testing.assert_allclose(strips.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(strips[0], strips[1], atol=0.05)


def test_a_flat_strip_is_zeros_and_no_crops_give_no_strips():
    assert not prepare_strips(np.full((1, 48, 48), 77, np.uint8)).any()
    assert prepare_strips(np.zeros((0, 48, 48), np.uint8)).shape == (0, 1, *STRIP_SIZE_PX)


def test_crops_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"\(n, 48, 48\), got \(1, 64, 64\)"):
        prepare_strips(np.zeros((1, 64, 64), np.uint8))


def test_clear_eyes_are_read_with_at_most_the_quality_of_the_face():
    sample, classifier = look(measured())
    assert (sample.eyes_reason, sample.eyes.tolist()) == (Reason.OK, ANSWER.tolist())
    assert len(sample.eyes) == len(EYE_EMOTIONS)
    assert MIN_QUALITY < sample.eyes_quality <= 0.9
    np.testing.assert_array_equal(classifier.seen[0], prepare_strips(FACE[None]))


def with_eyes(change) -> np.ndarray:
    crop = FACE.copy()
    crop[6:30] = change(crop[6:30])
    return crop


@pytest.mark.parametrize(
    ("face", "reason"),
    [
        (measured(crop=None, quality=0.0, reason=Reason.NO_FACE), Reason.NO_FACE),
        (measured(quality=0.0, reason=Reason.DARK), Reason.DARK),
        (measured(quality=0.0), Reason.NO_FACE),
        (measured(quality=0.2, reason=Reason.SMALL_FACE), Reason.SMALL_FACE),
        (measured(quality=0.2), Reason.UNCLEAR),
        (measured(with_eyes(lambda rows: cv2.GaussianBlur(rows, (0, 0), 4))), Reason.UNCLEAR),
        (measured(with_eyes(lambda rows: rows // 12)), Reason.DARK),  # dark glasses
        (measured(with_eyes(lambda rows: np.full_like(rows, 255))), Reason.UNCLEAR),  # a reflection
    ],
)
def test_eyes_that_cannot_be_read_have_a_reason_and_no_value(face, reason):
    sample, classifier = look(face)
    assert (sample.eyes, sample.eyes_quality, sample.eyes_reason) == (None, 0.0, reason)
    assert classifier.seen == []
    assert (sample.quality, sample.reason) == (face.sample.quality, face.sample.reason)
