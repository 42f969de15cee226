from dataclasses import replace
from functools import partial

import pytest

from pipeline.types import Reason
from pipeline.video.gaze import DEFINITIONS, GazeState, follow_gaze, view_gaze, zone_of
from tests.pipeline.video.geometries import STEADY, assert_sane, reasons, run, times, values

follow = partial(follow_gaze, openness=1.0)


def looking(yaw_deg: float, pitch_deg: float):
    # The centre of a person is theirs: here 5 to the left and 40 up.
    return replace(STEADY, gaze_deg=(5 + yaw_deg, 40 + pitch_deg))


def test_zones_are_the_persons_own_left_and_up_first():
    assert [zone_of(yaw, pitch) for pitch in (9, 0, -9) for yaw in (15, 0, -15)] == list(range(9))


def test_shares_and_shifts_of_a_minute():
    def face(t_s: float):
        # Of each ten seconds six straight on, two to the left, one to the right, one down.
        second = t_s % 10
        return (
            looking(0, 0) if second < 6 else looking(14, 0) if second < 8 else looking(*((-14, 0), (0, -8))[second > 9])
        )

    found = values(view_gaze(run(follow, GazeState(), times(0, 70, 30), face), 70.0))
    assert found["contact_share"] == pytest.approx(0.6, abs=0.02)
    assert found["left_share"] == pytest.approx(0.2, abs=0.02)
    assert found["right_share"] == pytest.approx(0.1, abs=0.02)
    assert found["centre_share"] == pytest.approx(0.7, abs=0.02)
    assert found["shift_rate"] == pytest.approx(24, abs=1)


def test_look_away_lasts_from_its_begin_and_the_longest_is_remembered():
    state = run(follow, GazeState(), times(0, 20, 30), lambda _: looking(0, 0))
    state = run(follow, state, times(20, 23, 30), lambda _: looking(20, 0))
    assert values(view_gaze(state, 23.0))["look_away"] == pytest.approx(3, abs=0.1)
    assert values(view_gaze(state, 23.0))["zone"] == 3
    state = run(follow, state, times(23, 30, 30), lambda _: looking(0, 0))
    state = run(follow, state, times(30, 30.7, 30), lambda _: looking(-20, 0))
    state = run(follow, state, times(30.7, 40, 30), lambda _: looking(0, 0))
    assert values(view_gaze(state, 40.0))["look_away"] == pytest.approx(3, abs=0.15)
    state = run(follow, state, times(40, 100, 10), lambda _: looking(0, 0))
    assert values(view_gaze(state, 100.0))["look_away"] == 0


def test_single_wrong_frames_and_glances_shift_nothing():
    def face(t_s: float):
        return looking(20, 0) if t_s % 1 < 0.07 else looking(0, 0)

    found = values(view_gaze(run(follow, GazeState(), times(0, 30, 30), face), 30.0))
    assert found["shift_rate"] == 0
    assert found["contact_share"] == 1


def test_frames_with_lids_down_are_left_out():
    state = run(follow, GazeState(), times(0, 20, 30), lambda _: looking(0, 0))
    shut = partial(follow_gaze, openness=0.3)
    state = run(shut, state, times(20, 20.4, 30), lambda _: looking(0, -20))
    assert state.zone == 4
    assert values(view_gaze(state, 20.4))["contact_share"] == 1


def test_reasons_and_bounds():
    assert reasons(view_gaze(GazeState(), 1.0)) == {Reason.NO_VIDEO}
    state = run(follow, GazeState(), times(0, 3, 30), lambda _: looking(0, 0))
    assert reasons(view_gaze(state, 3.0)) == {Reason.CALIBRATING}
    away = replace(STEADY, reason=Reason.TURNED_AWAY)
    state = run(follow, GazeState(), times(0, 40, 30), lambda t_s: looking(0, 0) if t_s < 30 else away)
    assert reasons(view_gaze(state, 40.0)) == {Reason.TURNED_AWAY}
    state = run(follow, GazeState(), times(0, 25, 10), lambda t_s: looking(30 * (t_s % 3 > 2), 9 * (t_s % 2 > 1)))
    assert_sane(view_gaze(state, 25.0), DEFINITIONS)
