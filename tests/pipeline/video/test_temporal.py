import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.types import FaceSample, Reason
from pipeline.video.temporal import MAX_HOLE_S, SteadyState, steady

HAPPY = np.array([0.02, 0, 0, 0.9, 0.08, 0, 0], np.float32)
SAD = np.array([0.05, 0, 0.05, 0, 0.1, 0.8, 0], np.float32)
MAX_LAG_S = 0.3
"""What docs/temporal.md states, whatever the frame rate; a frame shows only what was since the one before."""


def face(t_s: float, emotions: np.ndarray | None = HAPPY, quality: float = 1.0) -> FaceSample:
    return FaceSample(t_s=t_s, emotions=emotions, quality=quality, reason=Reason.OK, box=(0.1, 0.2, 0.3, 0.4))


def stream(*samples: FaceSample) -> list[FaceSample]:
    state, out = SteadyState(), []
    for sample in samples:
        state, steadied = steady(state, sample)
        out.append(steadied)
    return out


def shares(sample: FaceSample) -> np.ndarray:
    assert sample.emotions is not None
    return sample.emotions


@pytest.mark.parametrize("fps", [5, 10, 20, 30])
def test_a_constant_face_stays_as_it_is(fps: int) -> None:
    for sample in stream(*(face(i / fps) for i in range(60))):
        assert shares(sample) == pytest.approx(HAPPY, abs=1e-6)
        assert shares(sample).dtype == np.float32
        assert (sample.quality, sample.reason, sample.box) == (1.0, Reason.OK, (0.1, 0.2, 0.3, 0.4))


@pytest.mark.parametrize("fps", [5, 10, 20, 30])
def test_a_change_is_half_followed_within_the_stated_lag(fps: int) -> None:
    times_s = np.arange(0, 6, 1 / fps)
    out = stream(*(face(t_s, HAPPY if t_s < 2 else SAD) for t_s in times_s))
    is_past = [shares(sample)[5] > 0.4 for sample in out]
    late_s = times_s[is_past.index(True)] - 2
    assert 0 <= late_s <= MAX_LAG_S + 1 / fps
    assert shares(out[-1])[5] == pytest.approx(0.8, abs=0.08)


@pytest.mark.parametrize("fps", [5, 10, 20])
def test_noise_is_calmed(fps: int) -> None:
    rng = np.random.default_rng(0)
    noisy = [face(i / fps, rng.dirichlet(20 * HAPPY + 1).astype(np.float32)) for i in range(100)]
    moved, calmed = (
        np.abs(np.diff([shares(sample) for sample in samples], axis=0)).sum() for samples in (noisy, stream(*noisy))
    )
    assert calmed < 0.3 * moved


def test_a_gap_begins_anew() -> None:
    before = [face(i / 10, HAPPY) for i in range(10)]
    short, long = 0.9 + 0.8 * MAX_HOLE_S, 0.9 + 1.01 * MAX_HOLE_S
    assert not np.array_equal(shares(stream(*before, face(short, SAD))[-1]), SAD)
    assert np.array_equal(shares(stream(*before, face(long, SAD))[-1]), SAD)


@pytest.mark.parametrize("t_s", [0.5, 0.1])
def test_a_frame_that_is_not_newer_changes_nothing(t_s: float) -> None:
    state, _ = steady(SteadyState(), face(0.5))
    late = face(t_s, SAD)
    assert steady(state, late) == (state, late)


def test_frames_without_a_face_pass_and_change_nothing() -> None:
    none = FaceSample(t_s=0.15, emotions=None, quality=0.0, reason=Reason.DARK)
    state, _ = steady(SteadyState(), face(0.1))
    assert steady(state, none) == (state, none)
    worthless = face(0.15, SAD, 0.0)
    assert steady(state, worthless) == (state, worthless)
    with_hole, without = stream(face(0.1), none, face(0.2, SAD)), stream(face(0.1), face(0.2, SAD))
    assert np.array_equal(shares(with_hole[-1]), shares(without[-1]))


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_shares_that_are_no_numbers_never_get_in(broken: float) -> None:
    bad = SAD.copy()
    bad[2] = broken
    out = stream(face(0.1), face(0.15, bad), face(0.2))
    assert (out[1].emotions, out[1].quality, out[1].reason) == (None, 0.0, Reason.NO_FACE)
    assert shares(out[2]) == pytest.approx(HAPPY, abs=1e-6)


def test_a_bad_frame_among_good_ones_hardly_counts() -> None:
    good = [face(i / 20) for i in range(10)]
    moved = [np.abs(shares(stream(*good, face(0.5, SAD, quality))[-1]) - HAPPY).sum() for quality in (1.0, 0.5, 0.1)]
    assert moved[0] > moved[1] > moved[2]
    assert moved[2] < 0.1 * moved[0]


def test_the_level_of_quality_alone_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    seen = [rng.dirichlet(np.ones(7)).astype(np.float32) for _ in range(30)]
    strong, weak = (stream(*(face(i / 20, p, quality) for i, p in enumerate(seen))) for quality in (1.0, 0.2))
    for a, b in zip(strong, weak, strict=True):
        assert shares(a) == pytest.approx(shares(b), abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(
    gaps_s=st.lists(st.floats(1e-4, 3.0), min_size=1, max_size=40),
    seed=st.integers(0, 1000),
)
def test_any_spacing_gives_shares_between_those_seen(gaps_s: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    times_s = np.cumsum(gaps_s)
    samples = [
        face(float(t_s), rng.dirichlet(np.full(7, 0.3)).astype(np.float32), float(rng.uniform(0.05, 1)))
        for t_s in times_s
    ]
    seen = np.array([shares(sample) for sample in samples])
    for i, sample in enumerate(stream(*samples)):
        assert shares(sample).sum() == pytest.approx(1, abs=1e-5)
        assert (shares(sample) >= seen[: i + 1].min(axis=0) - 1e-5).all()
        assert (shares(sample) <= seen[: i + 1].max(axis=0) + 1e-5).all()


def test_the_same_frames_give_the_same_bits_also_across_a_stored_state() -> None:
    rng = np.random.default_rng(2)
    samples = [face(i / 20, rng.dirichlet(np.ones(7)).astype(np.float32)) for i in range(40)]
    whole = stream(*samples)
    state = SteadyState()
    for sample, expected in zip(samples, whole, strict=True):
        state, out = steady(pickle.loads(pickle.dumps(state)), sample)
        assert np.array_equal(shares(out), shares(expected))
