"""The PyTorch side; runs where the packages of the "train" extra are installed."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is needed for training only")

from models.emotion_net import EmotionNet, conv_norm_pairs, load_imagenet  # noqa: E402
from scripts.train_emotion_augment import augment, normalise  # noqa: E402
from scripts.train_emotion_export import fit_temperature, fold_batch_norm  # noqa: E402


def folded_weights(net):
    rng = np.random.default_rng(0)
    weights = {}
    for name, conv, _ in conv_norm_pairs(net):
        shape = list(conv.weight.shape)
        shape[1] = 3 if name == "features.0.0" else shape[1]
        weights[f"{name}.weight"] = rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape).astype(np.float32)
        weights[f"{name}.bias_folded"] = rng.normal(0, 0.1, shape[0]).astype(np.float32)
    return weights


def test_batch_norm_put_back_keeps_the_function():
    torch.manual_seed(0)
    net, faces = EmotionNet(), torch.randn(8, 1, 64, 64)
    load_imagenet(net, folded_weights(net), faces)
    evaluated = net.eval().features(faces)
    trained = net.train().features(faces)
    # Batch statistics are what the running ones were set to, but for the bias of the variance.
    assert float((evaluated - trained).detach().abs().mean()) < 0.02 * float(evaluated.detach().abs().mean())
    for _, conv, _ in conv_norm_pairs(net):
        np.testing.assert_allclose(conv.weight.detach().flatten(1).norm(dim=1), 2**0.5, rtol=1e-4)


def test_folding_keeps_the_function():
    torch.manual_seed(0)
    net, faces = EmotionNet().eval(), torch.randn(4, 1, 64, 64)
    np.testing.assert_allclose(fold_batch_norm(net)(faces).detach(), net(faces).detach(), atol=1e-5)


def test_augmented_faces_are_grey_levels_and_repeatable():
    faces = torch.randint(0, 256, (16, 1, 64, 64)).float()
    one, other = (augment(faces, torch.Generator().manual_seed(3)) for _ in range(2))
    assert one.shape == faces.shape
    assert torch.equal(one, other)
    assert 0 <= float(one.min()) <= float(one.max()) <= 255
    assert float(normalise(one, 8.0).std()) == pytest.approx(0.5, abs=0.05)


def test_temperature_undoes_overconfidence():
    torch.manual_seed(0)
    logits = torch.randn(4000, 7)
    labels = torch.distributions.Categorical(logits=logits).sample()
    assert fit_temperature(2 * logits, labels) == pytest.approx(2, abs=0.15)
