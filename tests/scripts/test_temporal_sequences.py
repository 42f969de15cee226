import cv2
import numpy as np
import pytest

from scripts.temporal_motion import change_expression, draw_motion, mouth_darkness, sample_maps
from scripts.temporal_sequences import (
    FaceSequences,
    SequenceSpec,
    load_sequences,
    make_sequences,
    save_sequences,
)
from scripts.train_emotion_data import LabelledFaces
from scripts.video_codec import through_vp8

N_FRAMES = 8


def blurred_noise(n: int) -> LabelledFaces:
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 220, (n, 8, 8)).astype(np.uint8)
    pixels = np.stack([cv2.resize(face, (48, 48), interpolation=cv2.INTER_CUBIC) for face in coarse])
    labels = np.arange(n) % 7
    return LabelledFaces(pixels=pixels.astype(np.uint8), labels=labels, shares=np.eye(7, dtype=np.float32)[labels])


def make(*, switching: float = 0.0, seed: int = 3, n: int = 4) -> FaceSequences:
    return make_sequences(blurred_noise(n), SequenceSpec(n_frames=N_FRAMES, switching=switching), seed=seed)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first, again, other = make(), make(), make(seed=4)
    assert np.array_equal(first.crops, again.crops)
    assert not np.array_equal(first.crops, other.crops)
    assert first.crops.shape == (4, N_FRAMES, 48, 48)
    assert first.t_s == pytest.approx(np.arange(N_FRAMES) / 20)


def test_a_sequence_keeps_the_look_and_the_label_of_its_still() -> None:
    stills, made = blurred_noise(4), make()
    assert np.isnan(made.switch_s).all()
    assert np.array_equal(made.shares, np.repeat(stills.shares[:, None], N_FRAMES, axis=1))
    for still, crops in zip(stills.pixels, made.crops, strict=True):
        alike = [np.corrcoef(still.ravel(), crop.ravel())[0, 1] for crop in crops]
        assert min(alike) > 0.7
        assert not np.array_equal(crops[0], crops[-1])


def test_a_change_ends_with_another_label_and_passes_between_on_the_way() -> None:
    made = make_sequences(blurred_noise(8), SequenceSpec(n_frames=20, switching=1.0), seed=3)
    assert not np.isnan(made.switch_s).any()
    assert (made.shares[:, 0].argmax(axis=1) != made.shares[:, -1].argmax(axis=1)).all()
    assert made.shares.sum(axis=2) == pytest.approx(1.0)
    assert ((made.shares.max(axis=2) < 0.999).sum(axis=1) >= 2).all()
    early = made.t_s < made.switch_s[:, None] - 0.16
    assert (made.shares[early].max(axis=1) == 1).all()


def test_the_same_person_takes_on_another_expression_at_the_time_given() -> None:
    made = make_sequences(blurred_noise(4), SequenceSpec(n_frames=20, warped=True), seed=3)
    assert ((made.switch_s > 0) & (made.switch_s < made.t_s[-1])).all()
    assert (made.shares == made.shares[:, :1]).all()
    t_s = np.arange(20) / 20
    before = draw_motion(np.random.default_rng(0), t_s)
    step = (t_s > 0.5).astype(float)
    after = change_expression(before, step, np.random.default_rng(1))
    moved = sample_maps(after) - sample_maps(before)
    assert (moved[t_s <= 0.5] == 0).all()
    assert 0.02 < np.abs(moved[t_s > 0.5]).max() < 0.2


def test_fewer_than_four_faces_are_refused() -> None:
    with pytest.raises(ValueError, match="four faces or more"):
        make(n=3)


def test_what_was_saved_is_read_back(tmp_path) -> None:
    made = make()
    save_sequences(made, tmp_path / "made.npz")
    read = load_sequences(tmp_path / "made.npz")
    assert np.array_equal(read.crops, made.crops)
    assert np.array_equal(read.shares, made.shares)
    assert [path.name for path in tmp_path.iterdir()] == ["made.npz"]


def test_vp8_costs_detail_and_more_of_it_at_a_low_rate() -> None:
    rng = np.random.default_rng(1)
    still = rng.integers(0, 256, (160, 160)).astype(np.uint8)
    frames = np.stack([np.roll(still, i, axis=1) for i in range(6)])
    errors = [np.abs(through_vp8(frames, kbps=kbps, fps=20).astype(int) - frames).mean() for kbps in (4000, 200)]
    assert 0 < errors[0] < errors[1]


def test_motion_is_smooth_and_small() -> None:
    for seed in range(20):
        motion = draw_motion(np.random.default_rng(seed), np.arange(40) / 20)
        x, y = np.meshgrid((np.arange(64) + 0.5) / 64, (np.arange(64) + 0.5) / 64)
        moved = sample_maps(motion) - np.stack((x, y), axis=-1)
        assert np.abs(moved).max() < 0.2
        assert np.abs(np.diff(moved, axis=0)).max() < 0.12
        assert motion.jaw.min() >= 0
        gains = mouth_darkness(motion)
        assert 0 < gains.min() <= gains.max() <= 1
