import math
import pickle
from dataclasses import replace

import pytest

from pipeline.types import Reason
from pipeline.video.head import DEFINITIONS, HeadState, follow_head, view_head
from tests.pipeline.video.geometries import STEADY, assert_sane, reasons, run, times, values


def swinging(axis: str, starts: list[float], *, size_deg: float, hz: float, cycles: float):
    def face(t_s: float):
        for start_s in starts:
            if 0 <= t_s - start_s < cycles / hz:
                return replace(STEADY, **{axis: -size_deg * math.sin(2 * math.pi * hz * (t_s - start_s))})
        return STEADY

    return face


@pytest.mark.parametrize("fps", [15, 30])
def test_nods_and_shakes_are_counted_once_each(fps):
    nodding = swinging("pitch_deg", [5, 12, 20], size_deg=7, hz=2, cycles=2)
    found = values(view_head(run(follow_head, HeadState(), times(0, 30, fps), nodding), 30.0))
    assert (found["nods"], found["shakes"]) == pytest.approx((6, 0), abs=0.2)
    shaking = swinging("yaw_deg", [5, 12, 20], size_deg=9, hz=2, cycles=2.5)
    found = values(view_head(run(follow_head, HeadState(), times(0, 30, fps), shaking), 30.0))
    assert (found["nods"], found["shakes"]) == pytest.approx((0, 6), abs=0.2)


def test_slow_turns_and_tremble_are_no_gestures():
    def face(t_s: float):
        return replace(
            STEADY, pitch_deg=8 * math.sin(2 * math.pi * t_s / 6), yaw_deg=0.8 * math.sin(2 * math.pi * 3 * t_s)
        )

    found = values(view_head(run(follow_head, HeadState(), times(0, 30, 30), face), 30.0))
    assert (found["nods"], found["shakes"]) == (0, 0)


def test_movement_is_the_mean_speed():
    def face(t_s: float):
        # A triangle: 10 degrees up and down again in two seconds.
        return replace(STEADY, yaw_deg=10 * abs(t_s % 2 - 1))

    found = values(view_head(run(follow_head, HeadState(), times(0, 30, 30), face), 30.0))
    assert found["motion"] == pytest.approx(10, rel=0.15)
    assert found["fidgeting"] == 1
    still = values(view_head(run(follow_head, HeadState(), times(0, 30, 30), lambda _: STEADY), 30.0))
    assert (still["motion"], still["fidgeting"]) == (0, 0)


def test_seconds_with_a_nod_are_not_fidgeting():
    nodding = swinging("pitch_deg", [5, 12, 20], size_deg=9, hz=2, cycles=2)
    found = values(view_head(run(follow_head, HeadState(), times(0, 30, 30), nodding), 30.0))
    assert found["fidgeting"] == 0


def test_pose_distance_and_leaning():
    near = replace(STEADY, place_cm=(0, 0, 50), yaw_deg=12, pitch_deg=-4, roll_deg=6)
    state = run(follow_head, HeadState(), times(0, 40, 15), lambda t_s: STEADY if t_s < 35 else near)
    found = values(view_head(state, 40.0))
    assert (found["yaw"], found["pitch"], found["roll"]) == pytest.approx((12, -4, 6), abs=0.1)
    assert found["distance"] == pytest.approx(50, abs=0.1)
    assert found["leaning"] == pytest.approx(20, abs=0.5)


def test_turned_away_head_still_has_a_pose():
    away = replace(STEADY, reason=Reason.TURNED_AWAY, quality=0.0, yaw_deg=45)
    found = values(view_head(run(follow_head, HeadState(), times(0, 20, 30), lambda _: away), 20.0))
    assert found["yaw"] == pytest.approx(45)


def test_quality_is_that_of_the_face_from_the_first_frame_on_and_of_another_face_too():
    other = replace(STEADY, identity=1, quality=0.6)
    state = run(follow_head, HeadState(), times(0, 1, 30), lambda _: STEADY)
    assert view_head(state, 1.0)[0].quality == pytest.approx(0.9)
    state = run(follow_head, state, times(1, 2, 30), lambda _: other)
    assert view_head(state, 2.0)[0].quality == pytest.approx(0.6)


def test_second_face_is_counted_and_forgotten():
    two = replace(STEADY, n_faces=2)
    state = run(follow_head, HeadState(), times(0, 20, 30), lambda t_s: two if 15 < t_s < 15.6 else STEADY)
    assert values(view_head(state, 20.0))["count"] == 1
    state = run(follow_head, HeadState(), times(0, 17, 30), lambda t_s: two if 15 < t_s < 15.6 else STEADY)
    assert values(view_head(state, 17.0))["count"] == 2


def test_no_face_is_none_in_the_picture_and_a_reason_for_the_rest():
    gone = replace(STEADY, reason=Reason.NO_FACE, n_faces=0)
    signals = view_head(run(follow_head, HeadState(), times(0, 10, 30), lambda _: gone), 10.0)
    assert values(signals)["count"] == 0
    assert reasons(signals[:-1]) == {Reason.NO_FACE}
    assert reasons(view_head(HeadState(), 1.0)) == {Reason.NO_VIDEO}


def test_state_is_bounded_and_every_signal_is_there():
    state, sizes = HeadState(), []
    for minute in range(4):
        at = times(60 * minute, 60 * (minute + 1), 15)
        nodding = swinging("pitch_deg", [60 * minute + 3 * i for i in range(20)], size_deg=9, hz=2, cycles=2)
        state = run(follow_head, state, at, nodding)
        sizes.append(len(pickle.dumps(state)))
        assert_sane(view_head(state, 60.0 * (minute + 1)), DEFINITIONS)
    assert sizes[3] < 1.1 * sizes[2]
