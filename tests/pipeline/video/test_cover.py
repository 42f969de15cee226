from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import pytest

from models.face_mesh import FaceMeshFinder
from pipeline.types import EMOTIONS, FaceLandmarks, ImageArray, Reason
from pipeline.video.cover import measure_cover
from pipeline.video.expression import DEFINITIONS, ExpressionState, follow_expression, view_expression
from pipeline.video.face import measure_face
from pipeline.video.frame import make_frame
from scripts.mask_faces import BEARDS, LIGHTS, draw_beard, draw_mask, light
from server.demo.portrait import Portrait, Pose
from tests.pipeline.video.geometries import STEADY, reasons, run, times, values


@pytest.fixture(scope="module")
def finder() -> Iterator[FaceMeshFinder]:
    finder = FaceMeshFinder()
    yield finder
    finder.close()


@pytest.fixture(scope="module")
def portrait() -> ImageArray:
    return Portrait().render(Pose(smile_lost=0.5))


@pytest.fixture(scope="module")
def find(finder):
    def find(picture: ImageArray) -> FaceLandmarks:
        finder(picture)
        found = finder(picture)
        assert found is not None
        return found

    return find


@pytest.fixture(scope="module")
def cover(find):
    return lambda picture: measure_cover(picture, find(picture).points)


def masked(portrait: ImageArray, find, kind: str) -> ImageArray:
    return draw_mask(portrait, find(portrait).points, kind, np.random.default_rng(1))


@pytest.mark.parametrize("kind", ["blue", "white", "grey", "black", "red"])
def test_a_mask_is_noticed(kind, portrait, find, cover):
    face = masked(portrait, find, kind)
    assert cover(face) > 0.5
    assert cover(light(face, "warm")) > 0.5


@pytest.mark.parametrize("name", LIGHTS)
def test_a_bare_face_is_not_covered_in_any_light(name, portrait, cover):
    assert cover(light(portrait, name)) == 0


@pytest.mark.parametrize("kind", BEARDS)
def test_a_beard_covers_nothing(kind, portrait, find, cover):
    assert cover(draw_beard(portrait, find(portrait).points, kind, np.random.default_rng(1))) == 0


def test_hair_over_the_forehead_covers_nothing(portrait, find, cover):
    points = find(portrait).points
    fringe = portrait.copy()
    outline = np.concatenate((points[[54, 10, 284], :2] - (0, 25), points[[334, 296, 107, 105], :2] - (0, 4)))
    cv2.fillPoly(fringe, [outline.astype(np.int32)], (30, 28, 28))
    assert cover(fringe) == 0


def test_it_is_not_told_from_a_small_face_or_one_that_leaves_the_frame(portrait, find):
    points = find(portrait).points
    face = draw_mask(portrait, points, "white", np.random.default_rng(1))
    assert measure_cover(face, points) > 0.5
    assert measure_cover(cv2.resize(face, (64, 48)), points / 10) == 0
    assert measure_cover(face, points + np.float32((0, 200, 0))) == 0
    assert measure_cover(face, np.full_like(points, np.nan)) == 0


def test_a_mask_hides_the_cheeks_from_the_pulse_and_not_the_forehead(portrait, find):
    face = masked(portrait, find, "blue")
    frame = make_frame(t_s=1.0, rgb=face, landmarks=find(face), kbps=None)
    assert frame.cover > 0.5
    assert frame.skin is not None
    assert np.isfinite(frame.skin).all(axis=1).tolist() == [True, False, False]
    bare = make_frame(t_s=1.0, rgb=portrait, landmarks=find(portrait), kbps=None)
    assert bare.skin is not None
    assert np.isfinite(bare.skin).all()


def test_a_cover_lowers_the_quality_of_the_emotions_and_is_the_reason(portrait, find):
    def classify(faces):
        return np.full((len(faces), len(EMOTIONS)), 1 / 7, np.float32)

    measure = partial(measure_face, t_s=1.0, rgb=portrait, landmarks=find(portrait), classify=classify)
    bare, half, full = (measure(cover=share).sample for share in (0.0, 0.5, 1.0))
    assert bare.reason is Reason.OK
    assert (half.reason, half.quality) == (Reason.COVERED, pytest.approx(bare.quality / 2))
    assert (full.reason, full.quality, full.emotions) == (Reason.COVERED, 0.0, None)


def test_nothing_is_said_of_the_expression_beneath_a_mask_and_again_without_it():
    follow = partial(follow_expression, openness=1.0)
    state = run(follow, ExpressionState(), times(0, 20, 8), lambda _: STEADY)
    before = values(view_expression(state, 20.0))
    wrong = replace(STEADY, features=STEADY.features + np.float32(0.3), cover=0.9)
    state = run(follow, state, times(20, 26, 8), lambda _: wrong)
    signals = view_expression(state, 26.0)
    assert [signal.name for signal in signals] == [item.name for item in DEFINITIONS]
    assert reasons(signals) == {Reason.COVERED}
    state = run(follow, state, times(26, 30, 8), lambda _: STEADY)
    assert values(view_expression(state, 30.0))["smile_proxy"] == pytest.approx(before["smile_proxy"], abs=0.01)
