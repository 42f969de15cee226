"""The PyTorch side; runs where the packages of the "train" extra are installed."""

import tomllib

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is needed for training only")

from models.eyes_net import EyesNet  # noqa: E402
from models.loader import OnnxEyeClassifier  # noqa: E402
from pipeline.types import EYE_EMOTIONS  # noqa: E402
from pipeline.video.eyes import prepare_strips  # noqa: E402
from scripts.train_emotion_data import LabelledFaces  # noqa: E402
from scripts.train_eyes import to_strips  # noqa: E402
from scripts.train_eyes_export import export  # noqa: E402

PIXELS = np.random.default_rng(0).integers(0, 256, (80, 48, 48)).astype(np.uint8)


def test_training_sees_what_the_live_strip_is():
    faces = torch.from_numpy(PIXELS)[:, None].float()
    np.testing.assert_allclose(to_strips(faces).numpy(), prepare_strips(PIXELS), atol=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the other exporter of torch renames the weights
def test_the_network_is_small_and_exported_with_its_manifest_entry(tmp_path):
    torch.manual_seed(0)
    labels = np.arange(80) % len(EYE_EMOTIONS)
    faces = LabelledFaces(pixels=PIXELS, labels=labels, shares=np.eye(len(EYE_EMOTIONS), dtype=np.float32)[labels])
    export(EyesNet().eval(), faces, tmp_path)
    entry = tomllib.loads((tmp_path / "manifest.toml").read_text())["eyes"]
    assert entry["parameters"] <= 500_000
    classifier = OnnxEyeClassifier((tmp_path / "eyes.onnx").read_bytes(), source="here")
    assert classifier.version == f"eyes-{entry['sha256'][:8]}"
    np.testing.assert_allclose(classifier(prepare_strips(PIXELS[:3])).sum(axis=1), 1, atol=1e-5)
