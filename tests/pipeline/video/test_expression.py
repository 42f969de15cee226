from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from pipeline.types import Reason
from pipeline.video.expression import DEFINITIONS, ExpressionState, follow_expression, view_expression
from pipeline.video.geometry import FEATURES
from tests.pipeline.video.geometries import STEADY, assert_sane, reasons, run, times, values

follow = partial(follow_expression, openness=1.0)


def changed(**changes: float):
    features = STEADY.features.copy()
    for name, change in changes.items():
        features[FEATURES.index(name)] += change
    return replace(STEADY, features=features)


@pytest.mark.parametrize(
    ("changes", "proxy", "percent"),
    [
        ({"brow_right": 0.04, "brow_left": 0.04}, "brow_raise_proxy", 4),
        ({"brow_gap": -0.03}, "brow_knit_proxy", 3),
        ({"squint_right": 0.02, "squint_left": 0.02}, "eye_squint_proxy", 2),
        ({"corner_right": 0.04, "corner_left": 0.04, "mouth_width": 0.06}, "smile_proxy", 7),
        ({"corner_right": -0.03, "corner_left": -0.03}, "frown_proxy", 3),
        ({"jaw": 0.1}, "jaw_open_proxy", 10),
        ({"lips": -0.05}, "lip_press_proxy", 5),
        ({"brow_right": 0.06, "corner_left": 0.03}, "asymmetry", 3),
    ],
)
def test_change_from_the_neutral_face_moves_its_proxy(changes, proxy, percent):
    state = run(follow, ExpressionState(), times(0, 20, 8), lambda _: STEADY)
    assert values(view_expression(state, 20.0))[proxy] == pytest.approx(0, abs=0.01)
    state = run(follow, state, times(20, 24, 8), lambda _: changed(**changes))
    assert values(view_expression(state, 24.0))[proxy] == pytest.approx(percent, abs=0.05)


def raised(starts: list[float], duration_s: float, **more):
    tremble = np.random.default_rng(5)

    def face(t_s: float):
        is_up = any(0 <= t_s - start_s < duration_s for start_s in starts)
        face = changed(brow_right=0.03 * is_up, brow_left=0.03 * is_up)
        noise = tremble.normal(0, 0.001, len(FEATURES)).astype(np.float32)
        return replace(face, features=face.features + noise, **more)

    return face


def candidates(duration_s: float, follow=follow, **more) -> float | None:
    state = run(follow, ExpressionState(), times(0, 25, 25), raised([11, 14, 17, 20], duration_s, **more))
    return values(view_expression(state, 25.0))["micro_candidates"]


def test_brief_movements_are_candidates_and_longer_ones_are_not():
    assert candidates(0.2) == pytest.approx(9.6, abs=0.3)
    assert candidates(0.9) == 0


def test_movements_with_closing_eyes_are_no_candidates():
    assert candidates(0.2, follow=partial(follow_expression, openness=0.3)) is None


def test_movements_of_the_whole_head_are_no_candidates():
    def face(t_s: float):
        return replace(raised([11, 14, 17, 20], 0.2)(t_s), yaw_deg=15 * np.sin(2 * np.pi * t_s))

    state = run(follow, ExpressionState(), times(0, 25, 25), face)
    assert values(view_expression(state, 25.0))["micro_candidates"] == 0


def test_reasons_and_bounds():
    assert reasons(view_expression(ExpressionState(), 1.0)) == {Reason.NO_VIDEO}
    state = run(follow, ExpressionState(), times(0, 5, 30), lambda _: STEADY)
    assert reasons(view_expression(state, 5.0)) == {Reason.CALIBRATING, Reason.TOO_SHORT}
    state = run(follow, ExpressionState(), times(0, 30, 10), lambda _: STEADY)
    assert view_expression(state, 30.0)[-1].reason is Reason.LOW_RATE
    assert_sane(view_expression(state, 30.0), DEFINITIONS)
