import numpy as np
import pytest

from pipeline.audio.floor import LOWEST_DBFS, RISE_DB_PER_S, RISE_VOICED_DB_PER_S, FloorState, follow_floor

UNVOICED, VOICED = np.zeros(100), np.ones(100)


def test_the_first_frame_sets_the_floor() -> None:
    assert follow_floor(FloorState(), np.array([-55.0]), np.zeros(1), 0.45)[1].tolist() == [-55.0]


def test_a_quieter_room_is_believed_at_once_and_a_louder_one_slowly() -> None:
    quieter, _ = follow_floor(FloorState(dbfs=-50.0), np.full(100, -70.0), UNVOICED, 0.45)
    assert quieter.dbfs == pytest.approx(-70.0, abs=0.1)
    louder, _ = follow_floor(FloorState(dbfs=-70.0), np.full(100, -50.0), UNVOICED, 0.45)
    assert louder.dbfs == pytest.approx(-70.0 + RISE_DB_PER_S)


def test_a_voice_lifts_the_floor_more_slowly_than_noise() -> None:
    state, _ = follow_floor(FloorState(dbfs=-70.0), np.full(100, -30.0), VOICED, 0.45)
    assert state.dbfs == pytest.approx(-70.0 + RISE_VOICED_DB_PER_S)


def test_digital_silence_does_not_pull_the_floor_down_for_ever() -> None:
    state, floor = follow_floor(FloorState(), np.full(100, -100.0), UNVOICED, 0.45)
    assert state.dbfs == LOWEST_DBFS
    assert floor.min() == LOWEST_DBFS


def test_no_frames_leave_the_state_as_it_is() -> None:
    state, floor = follow_floor(FloorState(dbfs=-60.0), np.zeros(0), np.zeros(0), 0.45)
    assert state.dbfs == -60.0
    assert len(floor) == 0
