import numpy as np
import pytest

from pipeline.audio.pitch_candidates import MAX_F0_HZ, MIN_F0_HZ, PitchSpan
from pipeline.audio.pitch_range import RAISED_CEILING_SHARE, count_pitch, find_range, no_pitch_seen


def test_floor_and_ceiling_come_from_the_quartiles() -> None:
    f0_hz = 120 * 2 ** (np.random.default_rng(0).normal(0, 3, 2000) / 12)
    found = find_range(count_pitch(no_pitch_seen(), f0_hz))
    q25_hz, q75_hz = np.quantile(f0_hz, (0.25, 0.75))
    assert found.floor_hz == pytest.approx(0.75 * q25_hz, rel=0.015)
    assert found.ceiling_hz == pytest.approx(1.5 * q75_hz, rel=0.015)


def test_for_what_is_said_later_the_ceiling_is_higher() -> None:
    seen = count_pitch(no_pitch_seen(), np.full(200, 120.0))
    assert find_range(seen, RAISED_CEILING_SHARE).ceiling_hz == pytest.approx(2.5 * 120, rel=0.015)
    assert find_range(seen, RAISED_CEILING_SHARE).floor_hz == find_range(seen).floor_hz


def test_before_a_second_of_voice_the_whole_range_stays() -> None:
    assert find_range(no_pitch_seen()) == PitchSpan()
    seen = count_pitch(no_pitch_seen(), np.full(99, 200.0))
    assert find_range(seen) == PitchSpan()
    assert find_range(count_pitch(seen, np.full(1, 200.0))) != PitchSpan()


def test_unvoiced_frames_do_not_count() -> None:
    assert count_pitch(no_pitch_seen(), np.array([0.0, 100.0, 0.0])).sum() == 1


def test_the_range_stays_within_human_pitch() -> None:
    low, high = (find_range(count_pitch(no_pitch_seen(), np.full(500, hz))) for hz in (MIN_F0_HZ, MAX_F0_HZ))
    assert low.floor_hz == MIN_F0_HZ
    assert high.ceiling_hz == MAX_F0_HZ
    assert low.floor_hz < low.ceiling_hz
    assert high.floor_hz < high.ceiling_hz


def test_counting_in_parts_is_counting_at_once() -> None:
    f0_hz = np.linspace(60, 600, 300)
    parts = count_pitch(count_pitch(no_pitch_seen(), f0_hz[:100]), f0_hz[100:])
    assert np.array_equal(parts, count_pitch(no_pitch_seen(), f0_hz))
