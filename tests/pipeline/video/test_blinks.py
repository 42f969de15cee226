import pickle
from dataclasses import replace

import numpy as np
import pytest

from pipeline.types import Reason
from pipeline.video.blinks import DEFINITIONS, BlinkState, follow_blinks, view_blinks
from pipeline.video.geometry import FaceGeometry
from tests.pipeline.video.geometries import STEADY, assert_sane, opened, reasons, run, times, values


def blinking(starts: list[float], duration_s: float, lowest: float):
    """Eyes that close and open along half a sine."""

    def face(t_s: float) -> FaceGeometry:
        for start_s in starts:
            share = (t_s - start_s) / duration_s
            if 0 < share < 1:
                return opened(1 - (1 - lowest) * np.sin(np.pi * share))
        return STEADY

    return face


@pytest.mark.parametrize("fps", [15, 24, 30])
def test_blinks_of_a_minute_are_counted_with_their_length(fps):
    starts = [5 + 3.03 * i for i in range(18)]
    state = run(follow_blinks, BlinkState(), times(0, 62, fps), blinking(starts, 0.25, 0.15))
    found = values(view_blinks(state, 62.0))
    assert found["blink_rate"] == pytest.approx(18, abs=0.5)
    # Half a sine down to 0.15 lies below 0.7 for 0.77 of its length.
    assert found["blink_duration"] == pytest.approx(0.77 * 0.25, abs=0.03)
    assert found["partial_share"] == 0
    assert found["long_closures"] == 0


def test_lost_frames_neither_make_nor_hide_blinks():
    random = np.random.default_rng(3)
    starts = [5 + 3.03 * i for i in range(18)]
    at = [t for t in times(0, 62, 30) if random.random() > 0.1]
    state = run(follow_blinks, BlinkState(), at, blinking(starts, 0.25, 0.15))
    assert values(view_blinks(state, 62.0))["blink_rate"] == pytest.approx(18, abs=1.5)


def test_partial_blinks_count_and_are_told_apart():
    state = run(follow_blinks, BlinkState(), times(0, 40, 30), blinking([10, 15, 20, 25], 0.3, 0.58))
    found = values(view_blinks(state, 40.0))
    assert found["blink_rate"] == pytest.approx(6, abs=0.3)
    assert found["partial_share"] == 1


def test_long_closure_is_no_blink_and_counts_as_closed():
    closed = opened(0.2)
    state = run(follow_blinks, BlinkState(), times(0, 30, 30), lambda t_s: closed if 10 < t_s < 13 else STEADY)
    found = values(view_blinks(state, 30.0))
    assert found["blink_rate"] == 0
    assert found["long_closures"] == pytest.approx(2, abs=0.1)
    assert found["closure_share"] == pytest.approx(0.1, abs=0.005)


def test_lowered_lids_are_neither_blink_nor_long_closure():
    state = run(follow_blinks, BlinkState(), times(0, 30, 30), lambda t_s: opened(0.62) if 10 < t_s < 13 else STEADY)
    found = values(view_blinks(state, 30.0))
    assert (found["blink_rate"], found["long_closures"], found["closure_share"]) == (0, 0, 0)


def test_threshold_is_the_persons_own():
    for openness in (0.2, 0.45):
        person = replace(STEADY, eye_opening=(openness, openness))
        shut = replace(STEADY, eye_opening=(0.2 * openness, 0.2 * openness))
        state = run(follow_blinks, BlinkState(), times(0, 20, 30), lambda t, p=person, s=shut: s if t % 4 > 3.8 else p)
        assert values(view_blinks(state, 20.0))["blink_rate"] == pytest.approx(15, abs=3.1)


def test_open_eyes_follow_a_face_that_changes():
    state = run(follow_blinks, BlinkState(), times(0, 130, 10), lambda t_s: opened(1.0 if t_s < 20 else 0.6))
    assert state.open_eyes == pytest.approx(0.18, abs=0.005)


def test_nothing_is_known_at_first_without_a_face_and_at_a_low_rate():
    assert reasons(view_blinks(BlinkState(), 1.0)) == {Reason.NO_VIDEO}
    short = run(follow_blinks, BlinkState(), times(0, 2, 30), lambda _: STEADY)
    assert reasons(view_blinks(short, 2.0)) == {Reason.CALIBRATING}
    slow = run(follow_blinks, BlinkState(), times(0, 30, 10), lambda _: STEADY)
    assert reasons(view_blinks(slow, 30.0)) == {Reason.LOW_RATE}
    gone = replace(STEADY, reason=Reason.NO_FACE)
    lost = run(follow_blinks, BlinkState(), times(0, 20, 30), lambda t_s: STEADY if t_s < 15 else gone)
    assert reasons(view_blinks(lost, 20.0)) == {Reason.NO_FACE}
    assert reasons(view_blinks(lost, 25.0)) == {Reason.NO_VIDEO}


def test_another_person_begins_anew():
    other = replace(STEADY, identity=1, eye_opening=(0.2, 0.2))
    state = run(follow_blinks, BlinkState(), times(0, 22, 30), lambda t_s: STEADY if t_s < 20 else other)
    assert reasons(view_blinks(state, 22.0)) == {Reason.CALIBRATING}
    state = run(follow_blinks, state, times(22, 40, 30), lambda _: other)
    assert state.open_eyes == pytest.approx(0.2, abs=1e-3)


def test_state_is_bounded_and_every_signal_is_there():
    state = BlinkState()
    sizes = []
    for minute in range(3):
        at = times(60 * minute, 60 * (minute + 1), 15)
        state = run(follow_blinks, state, at, lambda t_s: opened(0.2) if t_s % 0.5 > 0.35 else STEADY)
        sizes.append(len(pickle.dumps(state)))
        assert_sane(view_blinks(state, 60.0 * (minute + 1)), DEFINITIONS)
    assert sizes[2] < 1.1 * sizes[1]
