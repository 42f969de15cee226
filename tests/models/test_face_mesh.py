from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from models.face_mesh import COUNT_EVERY_CALLS, SCORE_EVERY_CALLS, FaceMeshFinder
from pipeline.types import ImageArray


@pytest.fixture
def finder() -> Iterator[FaceMeshFinder]:
    finder = FaceMeshFinder()
    yield finder
    finder.close()


@pytest.fixture(scope="module")
def portrait() -> ImageArray:
    return astronaut()


def test_portrait_has_a_face_where_the_face_is(finder, portrait):
    face = finder(portrait)
    assert face is not None
    assert face.points.shape == (478, 3)
    assert face.points.dtype == np.float32
    # The astronaut's face, by eye: x 170-275, y 65-190 of 512.
    left, top = face.points[:, :2].min(axis=0)
    right, bottom = face.points[:, :2].max(axis=0)
    assert 155 < left < right < 290
    assert 50 < top < bottom < 205
    # Iris centres lie between the corners of their eyes.
    assert face.points[33, 0] < face.points[468, 0] < face.points[133, 0]
    assert face.points[362, 0] < face.points[473, 0] < face.points[263, 0]


def test_clear_face_scores_high(finder, portrait):
    face = finder(portrait)
    assert face is not None
    assert 0.85 < face.score <= 1


@pytest.mark.parametrize("shape", [(480, 640, 3), (100, 100, 3)])
def test_picture_without_a_face_gives_none(finder, shape):
    assert finder(np.full(shape, 90, np.uint8)) is None


def test_warm_up_leaves_no_face_behind(finder, portrait):
    assert finder(np.zeros_like(portrait)) is None


def test_face_is_lost_and_found_again(finder, portrait):
    assert finder(portrait) is not None
    assert finder(np.zeros_like(portrait)) is None
    assert finder(portrait) is not None


def placed(
    portrait: ImageArray, side_px: int, left: int, top: int, *, size: tuple[int, int] = (1280, 720)
) -> ImageArray:
    """A frame with the portrait in it; its face is 0.23 of the portrait's side."""
    frame = np.full((size[1], size[0], 3), 90, np.uint8)
    frame[top : top + side_px, left : left + side_px] = cv2.resize(
        portrait, (side_px, side_px), interpolation=cv2.INTER_AREA
    )
    return frame


def test_person_far_from_the_camera_is_found_and_followed(finder, portrait):
    # 110 px of 1280 is too small for FaceMesh alone.
    for i_frame in range(40):
        left, top = 10 + 20 * i_frame, 10 + 5 * i_frame
        face = finder(placed(portrait, 483, left, top))
        assert face is not None, i_frame
        x, y = face.points[:, :2].mean(axis=0)
        assert x == pytest.approx(left + 483 * 222 / 512, abs=15)
        assert y == pytest.approx(top + 483 * 125 / 512, abs=15)
    assert face.score > 0.7


def test_far_face_that_jumps_is_found_again_soon(finder, portrait):
    assert finder(placed(portrait, 483, 10, 10)) is not None
    faces = [finder(placed(portrait, 483, 700, 200)) for _ in range(5)]
    assert faces[-1] is not None
    assert faces[-1].points[:, 0].min() > 750


def test_far_face_is_followed_through_changes_of_the_resolution(finder, portrait):
    # The window around the face, in pixels of the large frame, has no pixel in common with the small one.
    large = placed(portrait, 483, 790, 230)
    for size in ((1280, 720), (640, 360), (960, 540), (1280, 720)):
        frame = cv2.resize(large, size, interpolation=cv2.INTER_AREA)
        for _ in range(2):
            face = finder(frame)
            assert face is not None, size
            x, y = face.points[:, :2].mean(axis=0) * 1280 / size[0]
            assert x == pytest.approx(790 + 483 * 222 / 512, abs=15)
            assert y == pytest.approx(230 + 483 * 125 / 512, abs=15)
            assert (face.identity, face.score > 0.7) == (0, True)


def test_far_face_is_found_again_at_once_in_a_frame_of_another_shape(finder, portrait):
    assert finder(placed(portrait, 483, 790, 230)) is not None
    face = finder(placed(portrait, 483, 200, 300, size=(720, 1280)))
    assert face is not None
    assert face.points[:, 0].mean() == pytest.approx(200 + 483 * 222 / 512, abs=15)
    assert finder(np.full((48, 64, 3), 90, np.uint8)) is None


def test_face_keeps_its_number_when_the_picture_gets_larger(finder, portrait):
    frames = (placed(portrait, 400, 100, 60, size=(640, 480)), placed(portrait, 1200, 300, 180, size=(1920, 1440)))
    assert [finder(frame).identity for frame in frames for _ in range(2)] == [0] * 4


def test_score_falls_when_the_eyes_get_covered(finder, portrait):
    clear = finder(portrait)
    covered_portrait = portrait.copy()
    covered_portrait[90:140, 160:280] = 90
    covered = [finder(covered_portrait) for _ in range(SCORE_EVERY_CALLS)][-1]
    assert clear is not None
    assert covered is not None
    assert covered.score < clear.score - 0.05


def test_frame_view_that_is_not_contiguous_is_accepted(finder, portrait):
    assert finder(np.flip(portrait, axis=1)) is not None


def test_two_finders_agree_bit_for_bit(portrait):
    frames = [np.roll(portrait, 3 * i, axis=1) for i in range(4)]
    runs = []
    for _ in range(2):
        finder = FaceMeshFinder()
        runs.append([finder(frame) for frame in frames])
        finder.close()
    for one, other in zip(*runs, strict=True):
        assert one is not None
        assert other is not None
        assert np.array_equal(one.points, other.points)
        assert one.score == other.score


def test_nothing_is_written_to_standard_error(capfd, portrait):
    finder = FaceMeshFinder()
    finder(portrait)
    finder(cv2.GaussianBlur(portrait, (0, 0), 3))
    finder.close()
    assert capfd.readouterr().err == ""


def two_faces(portrait: ImageArray, left_px: int, right_px: int) -> ImageArray:
    """A 960 x 480 frame with the portrait's head twice, side by side, of two sizes."""
    frame = np.full((480, 960, 3), 90, np.uint8)
    head = portrait[0:256, 94:350]
    for side_px, left in ((left_px, 40), (right_px, 920 - right_px)):
        if side_px:
            frame[40 : 40 + side_px, left : left + side_px] = cv2.resize(head, (side_px, side_px))
    return frame


def test_larger_of_two_faces_is_followed_and_both_are_counted(finder, portrait):
    for sizes, is_left in (((400, 220), True), ((220, 400), False)):
        frame = two_faces(portrait, *sizes)
        faces = [finder(frame) for _ in range(3)]
        assert faces[-1] is not None
        assert (faces[-1].points[:, 0].mean() < 480) == is_left
        assert faces[-1].n_faces == 2
        assert faces[0].identity == faces[-1].identity
        finder(np.zeros_like(frame))


def test_second_face_is_noticed_and_followed_only_when_clearly_more_prominent(finder, portrait):
    alone, equal, larger = (two_faces(portrait, *sizes) for sizes in ((220, 0), (220, 240), (220, 400)))
    assert finder(alone).n_faces == 1
    faces = [finder(equal) for _ in range(2 * COUNT_EVERY_CALLS)]
    assert faces[-1].n_faces == 2
    assert faces[-1].identity == 0
    assert faces[-1].points[:, 0].mean() < 480
    faces = [finder(larger) for _ in range(2 * COUNT_EVERY_CALLS)]
    assert faces[-1].identity == 1
    assert faces[-1].points[:, 0].mean() > 480
    assert faces[-1].score > 0.7
    faces = [finder(two_faces(portrait, 0, 400)) for _ in range(2 * COUNT_EVERY_CALLS)]
    assert (faces[-1].n_faces, faces[-1].identity) == (1, 1)
