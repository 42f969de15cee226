import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.types import EMOTIONS, EYE_EMOTIONS
from scripts.train_emotion_data import PUBLIC_TEST, TRAINING
from scripts.train_eyes_data import load_eyes6

EVALUATE = Path(__file__).resolve().parents[2] / "scripts" / "evaluate_eyes"

# neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, not-a-face
VOTES = np.array(
    [
        [0, 8, 2, 0, 0, 0, 0, 0, 0, 0],  # happy
        [0, 0, 0, 0, 2, 8, 0, 0, 0, 0],  # disgust: left out
        [0, 0, 0, 0, 5, 3, 2, 0, 0, 0],  # angry, some see disgust
        [0, 0, 9, 0, 0, 0, 1, 0, 0, 0],  # surprise, in the test part
    ],
    np.uint8,
)


@pytest.fixture
def fer(tmp_path: Path) -> Path:
    path = tmp_path / "fer.npz"
    pixels = np.random.default_rng(0).integers(0, 256, (4, 48, 48)).astype(np.uint8)
    usage, emotion = np.array([0, 0, 0, 1], np.uint8), np.array([3, 1, 0, 5], np.uint8)
    np.savez(path, pixels=pixels, emotion=emotion, usage=usage, ferplus_votes=VOTES)
    return path


def test_disgust_is_left_out_of_labels_and_shares(fer):
    faces = load_eyes6(fer, TRAINING)
    assert [EYE_EMOTIONS[label] for label in faces.labels] == ["happy", "angry"]
    np.testing.assert_allclose(faces.shares.sum(axis=1), 1)
    assert faces.shares[1, EYE_EMOTIONS.index("angry")] == pytest.approx(5 / 7)
    assert [EYE_EMOTIONS[label] for label in load_eyes6(fer, PUBLIC_TEST).labels] == ["surprise"]


def test_a_teacher_s_shares_count_half(fer):
    teacher = np.zeros((3, len(EMOTIONS)), np.float32)
    teacher[:, EMOTIONS.index("sad")] = 1
    shares = load_eyes6(fer, TRAINING, teacher).shares
    np.testing.assert_allclose(shares[0, [2, 4, 5]], [0.4, 0.5, 0.1])
    with pytest.raises(ValueError, match=r"teacher has shape \(2, 7\), the faces need \(3, 7\)"):
        load_eyes6(fer, TRAINING, teacher[:2])


def evaluate(*options: str) -> subprocess.CompletedProcess[str]:
    command = [str(EVALUATE), *options]
    return subprocess.run(
        command, capture_output=True, text=True, env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}
    )


def test_the_script_prints_one_line_of_json(fer):
    done = evaluate("--data", str(fer), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    keys = {"n", "accuracy", "macro_f1", "recall", "confusion", "ece", "ci95", "majority", "ms", "parameters"}
    assert keys <= set(result)
    assert result["n"] == 1


@pytest.mark.parametrize("content", [None, b"no npz"])
def test_bad_data_is_named(tmp_path, content):
    path = tmp_path / "faces.npz"
    if content is not None:
        path.write_bytes(content)
    done = evaluate("--data", str(path))
    assert done.returncode == 2
    assert done.stderr.startswith("evaluate_eyes: ")
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_network_is_named(fer, tmp_path):
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"weights")
    done = evaluate("--data", str(fer), "--model", str(wrong))
    assert (done.returncode, "wrong.onnx is not a usable ONNX" in done.stderr) == (2, True)
