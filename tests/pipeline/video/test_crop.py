import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.types import FaceLandmarks
from pipeline.video.crop import (
    CROP_PER_FACE,
    FACE_OVAL,
    FACE_SIZE_PX,
    LEFT_EYE,
    RIGHT_EYE,
    SOURCE_SIZE_PX,
    crop_face,
    framing,
    level_face,
    prepare_faces,
)


def drawn_landmarks(centre=(320.0, 240.0), height_px=120.0, angle=0.0) -> FaceLandmarks:
    """An ellipse of a face, 0.8 as wide as high, its eyes a sixth above the middle, turned by angle."""
    around = np.linspace(0, 2 * np.pi, len(FACE_OVAL), endpoint=False)
    points = np.zeros((478, 2))
    points[list(FACE_OVAL)] = np.column_stack((0.4 * np.sin(around), -0.5 * np.cos(around)))
    points[list(RIGHT_EYE)] = (-0.25, -0.16), (-0.1, -0.16)
    points[list(LEFT_EYE)] = (0.1, -0.16), (0.25, -0.16)
    cos, sin = np.cos(angle), np.sin(angle)
    turned = points * height_px @ np.array([[cos, sin], [-sin, cos]]) + centre
    return FaceLandmarks(points=np.column_stack((turned, np.zeros(478))).astype(np.float32), score=1.0)


def to_crop(landmarks: FaceLandmarks, indices) -> np.ndarray:
    matrix, _ = framing(landmarks)
    return landmarks.points[list(indices), :2] @ matrix[:, :2].T + matrix[:, 2]


faces_anywhere = st.builds(
    drawn_landmarks,
    centre=st.tuples(st.floats(-50, 700), st.floats(-50, 500)),
    height_px=st.floats(12, 600),
    angle=st.floats(-1.2, 1.2),
)


@given(landmarks=faces_anywhere)
def test_eyes_are_level_in_the_crop(landmarks):
    right, left = to_crop(landmarks, RIGHT_EYE).mean(axis=0), to_crop(landmarks, LEFT_EYE).mean(axis=0)
    assert abs(right[1] - left[1]) < 0.1
    assert left[0] > right[0]


@given(landmarks=faces_anywhere)
def test_framing_is_that_of_the_training_pictures_at_every_place_size_and_angle(landmarks):
    oval = to_crop(landmarks, FACE_OVAL)
    low, high = oval.min(axis=0), oval.max(axis=0)
    assert max(high - low) == pytest.approx(43.6, abs=0.2)
    assert (low + high) / 2 == pytest.approx((24.0, 26.3), abs=0.2)


@given(landmarks=faces_anywhere)
@settings(max_examples=30)
def test_any_face_gives_a_finite_crop(landmarks):
    grey = np.random.default_rng(0).integers(0, 256, (480, 640), np.uint8)
    crop = crop_face(grey, landmarks)
    assert crop.shape == (1, FACE_SIZE_PX, FACE_SIZE_PX)
    assert crop.dtype == np.float32
    assert np.isfinite(crop).all()


def test_side_is_reported_in_frame_pixels():
    assert framing(drawn_landmarks(height_px=200))[1] == pytest.approx(200 * CROP_PER_FACE, rel=0.01)


@pytest.mark.parametrize("angle", [0.0, 0.5, -0.7])
@pytest.mark.parametrize("height_px", [20.0, 43.6, 300.0])
def test_a_mark_in_the_frame_lands_where_the_framing_says(angle, height_px):
    landmarks = drawn_landmarks(centre=(400, 300), height_px=height_px, angle=angle)
    matrix, side_px = framing(landmarks)
    rows, columns = np.mgrid[0:600, 0:800]
    wanted = np.array((15.0, 31.0))
    place = np.linalg.solve(matrix[:, :2], wanted - matrix[:, 2])
    width = side_px / 12
    blob = 200 * np.exp(-((columns + 0.5 - place[0]) ** 2 + (rows + 0.5 - place[1]) ** 2) / (2 * width**2))
    crop = level_face(np.rint(blob).astype(np.uint8), landmarks).astype(float)
    ys, xs = np.mgrid[0:SOURCE_SIZE_PX, 0:SOURCE_SIZE_PX] + 0.5
    found = np.array(((crop * xs).sum(), (crop * ys).sum())) / crop.sum()
    assert found == pytest.approx(wanted, abs=0.35)


def test_large_faces_are_averaged_not_aliased():
    stripes = np.zeros((960, 1280), np.uint8)
    stripes[:, ::2] = 255
    crop = level_face(stripes, drawn_landmarks(centre=(640, 480), height_px=400))
    assert abs(float(crop.mean()) - 127.5) < 4
    assert crop.std() < 20


def test_collapsed_landmarks_do_not_fail():
    landmarks = FaceLandmarks(points=np.zeros((478, 3), np.float32), score=0.5)
    assert np.isfinite(crop_face(np.zeros((48, 64), np.uint8), landmarks)).all()


def test_prepared_faces_have_the_networks_normalisation():
    faces = np.random.default_rng(1).integers(0, 256, (3, 48, 48), np.uint8)
    prepared = prepare_faces(faces)
    assert prepared.shape == (3, 1, FACE_SIZE_PX, FACE_SIZE_PX)
    np.testing.assert_allclose(prepared.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(prepared.std(axis=(1, 2, 3)), 0.5, atol=1e-5)


def test_exposure_does_not_change_the_prepared_face():
    face = np.random.default_rng(2).integers(60, 180, (1, 48, 48)).astype(np.uint8)
    darker = (face // 2).astype(np.uint8)
    np.testing.assert_allclose(prepare_faces(face), prepare_faces(darker), atol=0.05)


def test_flat_picture_gives_zeros():
    assert not prepare_faces(np.full((1, 48, 48), 77, np.uint8)).any()


def test_no_faces_give_no_rows():
    assert prepare_faces(np.zeros((0, 48, 48), np.uint8)).shape == (0, 1, FACE_SIZE_PX, FACE_SIZE_PX)


@pytest.mark.parametrize("size", [20, 48, 64, 224])
def test_ready_made_faces_of_any_size_are_taken(size):
    faces = np.random.default_rng(3).integers(0, 256, (2, size, size), np.uint8)
    assert prepare_faces(faces).shape == (2, 1, FACE_SIZE_PX, FACE_SIZE_PX)
