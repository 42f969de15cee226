from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from models.face_mesh import FaceMeshFinder
from models.loader import OnnxEmotionClassifier, load_emotion_classifier
from pipeline.types import EMOTIONS, FaceLandmarks, FaceSample, ImageArray, Reason
from pipeline.video.crop import level_face
from pipeline.video.face import assess, measure_face, observe, observe_no_face, sharpness


@pytest.fixture(scope="module")
def classifier() -> OnnxEmotionClassifier:
    return load_emotion_classifier()


@pytest.fixture
def finder() -> Iterator[FaceMeshFinder]:
    finder = FaceMeshFinder()
    yield finder
    finder.close()


@pytest.fixture(scope="module")
def portrait() -> ImageArray:
    return astronaut()


@pytest.fixture
def measure(finder, classifier):
    def measure(rgb: ImageArray) -> FaceSample:
        return measure_face(t_s=1.5, rgb=rgb, landmarks=finder(rgb), classify=classifier).sample

    return measure


def test_smiling_portrait_is_happy_with_full_quality(measure, portrait):
    sample = measure(portrait)
    assert sample.t_s == 1.5
    assert sample.reason is Reason.OK
    assert sample.quality > 0.9
    assert sample.emotions is not None
    assert float(sample.emotions.sum()) == pytest.approx(1, abs=1e-5)
    assert EMOTIONS[int(sample.emotions.argmax())] == "happy"
    assert sample.emotions.max() > 0.8


def test_turned_head_gives_the_same_answer(measure, portrait):
    turn = cv2.getRotationMatrix2D((222, 125), 20, 1)
    turned = cv2.warpAffine(portrait, turn, (512, 512))
    sample = measure(np.asarray(turned, np.uint8))
    assert sample.emotions is not None
    assert EMOTIONS[int(sample.emotions.argmax())] == "happy"


def test_box_holds_the_face_in_shares_of_the_frame(measure, portrait):
    box = measure(portrait[:400]).box
    assert box is not None
    x, y, width, height = box
    assert x < 222 / 512 < x + width
    assert y < 125 / 400 < y + height
    assert 0.15 < width < 0.3


@pytest.mark.parametrize(("level", "reason"), [(0, Reason.DARK), (10, Reason.DARK), (120, Reason.NO_FACE)])
def test_frame_without_a_face_says_why(measure, level, reason):
    sample = measure(np.full((480, 640, 3), level, np.uint8))
    assert (sample.emotions, sample.quality, sample.reason, sample.box) == (None, 0.0, reason, None)


def test_portrait_too_dark_for_the_tracker_says_dark(measure, portrait):
    sample = measure((portrait * 0.01).astype(np.uint8))
    assert sample.reason is Reason.DARK
    assert sample.quality == 0
    assert sample.emotions is None


def test_dim_face_says_dark_and_weighs_less(measure, portrait):
    sample = measure((portrait * 0.11).astype(np.uint8))
    assert sample.reason is Reason.DARK
    assert 0 < sample.quality < 0.5
    assert sample.emotions is not None


def test_small_face_says_so_and_weighs_less(measure, portrait):
    # A face this small is found only when it nearly fills its picture.
    small = cv2.resize(portrait[30:230, 120:320], (50, 50), interpolation=cv2.INTER_AREA)
    sample = measure(np.asarray(small, np.uint8))
    assert sample.reason is Reason.SMALL_FACE
    assert 0 < sample.quality < 0.6


def test_blurred_face_weighs_less(measure, portrait):
    clear = measure(portrait).quality
    blurred = measure(np.asarray(cv2.GaussianBlur(portrait, (0, 0), 4), np.uint8)).quality
    assert blurred < 0.8 * clear


def crop_of(seed: int = 0) -> ImageArray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 200, (12, 12)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (48, 48), interpolation=cv2.INTER_CUBIC), np.uint8)


def test_every_factor_lies_between_none_and_full():
    best = assess(crop=crop_of(), side_px=200, score=0.95)
    assert (best.detection, best.size, best.light) == (1, 1, 1)
    assert 0 < best.sharpness <= 1
    worst = assess(crop=np.zeros((48, 48), np.uint8), side_px=4, score=0.1)
    assert (worst.detection, worst.size, worst.light, worst.sharpness, worst.overall) == (0, 0, 0, 0, 0)


def test_quality_never_rises_as_the_face_gets_smaller():
    sizes = [assess(crop=crop_of(), side_px=side, score=0.9).overall for side in (80, 48, 40, 30, 20, 10)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 0


def test_overexposed_face_weighs_less():
    assert assess(crop=np.minimum(crop_of().astype(int) * 2, 255).astype(np.uint8), side_px=100, score=0.9).light < 0.5


def test_sharpness_ignores_exposure_and_falls_with_blur():
    crop = crop_of()
    half = (crop // 2).astype(np.uint8)
    blurred = np.asarray(cv2.GaussianBlur(crop, (0, 0), 2), np.uint8)
    assert sharpness(half) == pytest.approx(sharpness(crop), rel=0.1)
    assert sharpness(blurred) < 0.7 * sharpness(crop)


def test_face_the_detector_does_not_confirm_is_no_face(finder, portrait):
    grey = np.asarray(cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY), np.uint8)
    found = finder(portrait)
    assert found is not None
    unsure = FaceLandmarks(points=found.points, score=0.0)
    shares = np.full(7, 1 / 7, np.float32)
    sample = observe(t_s=0, grey=grey, crop=level_face(grey, unsure), landmarks=unsure, probabilities=shares)
    assert (sample.emotions, sample.quality, sample.reason) == (None, 0, Reason.NO_FACE)


def test_no_face_in_a_lit_frame():
    assert observe_no_face(t_s=0, grey=np.full((4, 4), 200, np.uint8)).reason is Reason.NO_FACE
