import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from pipeline.types import EMOTIONS
from scripts.align_faces import align
from scripts.evaluate_emotion_damage import damages, through_call
from scripts.evaluate_emotion_figures import expected_calibration_error, figures
from scripts.face_framing import apply_framing
from scripts.train_emotion_data import (
    PUBLIC_TEST,
    TRAINING,
    held_out_rows,
    load_fer2013,
    load_ferplus7,
    load_training,
    seen_rows,
)
from scripts.train_emotion_twins import have_twin

EVALUATE = Path(__file__).resolve().parents[2] / "scripts" / "evaluate_emotion"

# neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, not-a-face
VOTES = np.array(
    [
        [0, 8, 1, 0, 1, 0, 0, 0, 0, 0],  # happy
        [5, 0, 0, 5, 0, 0, 0, 0, 0, 0],  # neutral and sad tie: neutral comes first
        [1, 0, 0, 0, 2, 0, 0, 7, 0, 0],  # contempt: left out
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 10],  # not a face: left out
        [0, 0, 0, 0, 4, 4, 0, 0, 2, 0],  # anger and disgust tie: anger comes first
        [0, 0, 9, 0, 0, 0, 1, 0, 0, 0],  # surprise, in the test part
    ],
    np.uint8,
)


@pytest.fixture
def fer(tmp_path: Path) -> Path:
    path = tmp_path / "fer2013.npz"
    np.savez(
        path,
        pixels=np.random.default_rng(0).integers(0, 256, (6, 48, 48)).astype(np.uint8),
        emotion=np.array([3, 6, 0, 1, 5, 4], np.uint8),
        usage=np.array([0, 0, 0, 0, 0, 1], np.uint8),
        ferplus_votes=VOTES,
    )
    return path


def names(labels) -> list[str]:
    return [EMOTIONS[label] for label in labels]


def test_ferplus7_takes_the_largest_vote_and_leaves_out_what_is_no_emotion(fer):
    faces = load_ferplus7(fer, TRAINING)
    assert names(faces.labels) == ["happy", "neutral", "angry"]
    np.testing.assert_allclose(faces.shares.sum(axis=1), 1)
    assert faces.shares[0, EMOTIONS.index("happy")] == 1  # lone votes are outliers
    assert faces.shares[1, EMOTIONS.index("sad")] == 0.5
    assert faces.pixels.shape == (3, 48, 48)


def test_usage_selects_the_part(fer):
    assert names(load_ferplus7(fer, PUBLIC_TEST).labels) == ["surprise"]


def test_fer2013_keeps_every_row_with_its_own_label(fer):
    assert names(load_fer2013(fer, TRAINING).labels) == ["happy", "neutral", "angry", "disgust", "surprise"]


def test_figures_of_known_answers():
    labels = np.array([0, 0, 3, 4])
    answers = np.array([0, 5, 3, 3])
    result = figures(np.eye(7, dtype=np.float32)[answers], labels)
    assert result["n"] == 4
    assert result["accuracy"] == 0.5
    assert result["recall"]["angry"] == 0.5
    assert result["recall"]["happy"] == 1
    assert result["recall"]["fear"] is None
    assert result["confusion"][0][5] == 1
    # F1: angry 2/3, happy 2/3, neutral 0; classes that never occur do not count.
    assert result["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 0) / 3, abs=1e-4)
    # angry for sad is the same level (high), neutral for happy too (low).
    assert result["three_level_accuracy"] == 1
    assert result["ci95"][0] <= 0.5 <= result["ci95"][1]
    assert result["ece"] == 0.5
    assert result["majority"] == 0.5


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    probabilities = np.full((10, 7), 0.2 / 6, np.float32)
    probabilities[:, 2] = 0.8
    labels = np.array([2] * 6 + [1] * 4)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.2, abs=1e-6)


def test_damages_keep_shape_and_type():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 48, 48)).astype(np.uint8)
    made = dict(damages(pixels))
    assert len(made) > 15
    assert all(faces.shape == pixels.shape and faces.dtype == np.uint8 for faces in made.values())


def test_a_call_changes_faces_less_at_a_higher_bit_rate():
    x = np.linspace(0, 6, 48)
    face = np.asarray(127 + 60 * np.sin(x)[:, None] + 60 * np.cos(1.5 * x), np.uint8)
    pixels = np.stack([face, face.T, face[::-1]])
    poor, good = (np.abs(through_call(pixels, "vp8", kbps) - pixels.astype(float)).mean() for kbps in (60, 2000))
    assert 0 < good < poor
    assert good < 5  # found again where it was put, in its order


def test_training_rows_carry_both_kinds_of_label_and_keep_together(fer):
    faces = load_training(fer.parent)
    assert names(faces.labels) == ["happy", "neutral", "angry", "disgust", "surprise"]
    assert faces.has_votes.tolist() == [True, True, False, False, True]
    assert faces.codec_pixels is None
    some = faces.rows(np.array([4, 0]))
    assert names(some.labels) == ["surprise", "happy"]
    np.testing.assert_array_equal(some.pixels[1], faces.pixels[0])


def test_copies_of_other_faces_are_refused(fer):
    np.savez(fer.parent / "codec.npz", pixels=np.zeros((3, 48, 48), np.uint8))
    with pytest.raises(ValueError, match="made from another file"):
        load_training(fer.parent)


def test_held_out_rows_have_votes_and_stay_the_same():
    has_votes = np.arange(5000) % 3 > 0
    rows = held_out_rows(has_votes)
    assert len(set(rows)) == 600
    assert has_votes[rows].all()
    np.testing.assert_array_equal(rows, held_out_rows(has_votes))


def photographs(n, seed=0):
    """Smooth pictures that have little to do with one another, shape (n, 48, 48)."""
    coarse = np.random.default_rng(seed).integers(30, 226, (n, 7, 7)).astype(np.uint8)
    return np.stack([cv2.resize(picture, (48, 48), interpolation=cv2.INTER_CUBIC) for picture in coarse])


def test_a_twin_is_the_same_photograph_cropped_or_marked_otherwise():
    faces = photographs(30)
    others = photographs(20, seed=1)
    others[3] = cv2.resize(faces[5][1:47, 2:48], (48, 48))
    others[7] = np.clip(faces[9] * 0.7 + 20, 0, 255)
    others[7][46:, :9] = 200
    assert np.flatnonzero(have_twin(faces, others)).tolist() == [5, 9]
    assert have_twin(faces[:0], others).shape == (0,)
    assert not have_twin(np.full((1, 48, 48), 7, np.uint8), others).any()


def test_no_network_sees_another_copy_of_a_face_it_is_tested_on(tmp_path):
    pixels = photographs(700)
    pixels[690:] = pixels[:10]  # the last ten are the test
    pixels[20] = pixels[699]
    np.savez(
        tmp_path / "fer2013.npz",
        pixels=pixels,
        emotion=np.zeros(700, np.uint8),
        usage=np.repeat(np.array([0, 1], np.uint8), (690, 10)),
        ferplus_votes=np.tile(np.eye(10, dtype=np.uint8)[0] * 10, (700, 1)),
    )
    training, test = load_training(tmp_path), load_training(tmp_path, PUBLIC_TEST)
    seen = seen_rows(training, test)
    assert not set(seen) & {*range(10), 20}
    assert not set(seen) & set(held_out_rows(training.has_votes))
    assert len(seen) >= 690 - 600 - 11


def test_a_framing_shows_the_same_as_in_training():
    pixels = photographs(2)
    same = np.tile(np.eye(2, 3, dtype=np.float32), (2, 1, 1))
    np.testing.assert_array_equal(apply_framing(pixels, same), pixels)
    half = same * np.array([0.5, 0.5, 1], np.float32)
    np.testing.assert_allclose(
        apply_framing(pixels, half)[:, 4:44, 4:44],
        [cv2.resize(face, (96, 96), interpolation=cv2.INTER_LANCZOS4)[28:68, 28:68] for face in pixels],
        atol=1,
    )
    turned = same.copy()
    turned[:, :, :2] = [[0, -1], [1, 0]]
    np.testing.assert_array_equal(apply_framing(pixels, turned), np.rot90(pixels, axes=(1, 2)))
    large = np.stack([cv2.resize(face, (480, 480), interpolation=cv2.INTER_CUBIC) for face in pixels])
    assert np.abs(apply_framing(large, same).astype(int) - pixels)[:, 2:-2, 2:-2].max() < 6


def test_landmarks_level_and_frame_a_tilted_face():
    portrait = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
    faces = []
    for turn_deg in (-15, 0, 15):
        turn = cv2.getRotationMatrix2D((224, 116), turn_deg, 1)
        faces.append(cv2.resize(cv2.warpAffine(portrait, turn, (512, 512))[46:186, 154:294], (48, 48)))
    pixels = np.stack(faces)
    framing, found = align(pixels)
    assert found.all()
    angles = np.degrees(np.arctan2(framing[:, 1, 0], framing[:, 0, 0]))
    assert angles[0] - angles[1] == pytest.approx(15, abs=4)
    assert angles[1] - angles[2] == pytest.approx(15, abs=4)
    framed = apply_framing(pixels, framing).astype(float)
    assert np.abs(framed[0] - framed[2]).mean() < 0.5 * np.abs(pixels[0].astype(float) - pixels[2]).mean()


def evaluate(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [str(EVALUATE), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.slow
def test_script_measures_any_npz_of_colour_faces(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 60, 50, 3)).astype(np.uint8)
    np.savez(tmp_path / "faces.npz", pixels=pixels, label=np.array(["happy", "Anger", "sad", "contempt", "neutral"]))
    done = evaluate("--data", "faces.npz", "--kbps", "500", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert {"n", "accuracy", "macro_f1", "recall", "confusion", "ece", "ci95"} <= result.keys()
    assert {"three_level_accuracy", "ms_per_face", "parameters"} <= result.keys()
    assert (result["n"], result["n_left_out"], result["n_framed"]) == (4, 1, 0)
    assert 0 < result["ms_per_face"] < 100
    assert result["call"].keys() == {"codec", "kbps", "accuracy", "points_lost"}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--data", "missing.npz"), ("--data", "fer2013.npz"), ("--data", "text.npz")])
def test_script_says_what_is_wrong_with_the_data(fer, arguments):
    (fer.parent / "text.npz").write_text("no archive")
    done = evaluate(*arguments, cwd=fer.parent)
    assert done.returncode == 2
    assert done.stderr.startswith("evaluate_emotion: ")
    assert "Traceback" not in done.stderr
