"""The PyTorch side; runs where the packages of the "train" extra are installed."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is needed for training only")
pytest.importorskip("onnx", reason="onnx is needed for training only")

from scripts.temporal_head import N_STATE, TemporalHead  # noqa: E402
from scripts.temporal_network import HeadFilter  # noqa: E402
from scripts.train_temporal import export  # noqa: E402


def test_the_head_is_small_and_begins_anew_without_a_time_step():
    head = TemporalHead().eval()
    assert sum(parameter.numel() for parameter in head.parameters()) <= 200_000
    shares = torch.softmax(torch.randn(3, 7), dim=1)
    embedding = torch.randn(3, 1280)
    first, state = head(embedding, shares, torch.zeros(3, 1), torch.randn(3, N_STATE))
    again, _ = head(embedding, shares, torch.zeros(3, 1), state)
    assert torch.equal(first, again)
    # An untrained head corrects nothing: the first frame stands for itself.
    assert torch.allclose(first, shares, atol=1e-3)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_written_head_filters_as_the_trained_one(tmp_path):
    head = TemporalHead().eval()
    export(head, tmp_path / "head.onnx")
    rng = np.random.default_rng(0)
    p, embeddings = rng.dirichlet(np.ones(7), (2, 5)), rng.normal(0, 1, (2, 5, 1280)).astype(np.float32)
    t_s = np.array([0.0, 0.05, 0.1, 0.2, 0.25])
    out = HeadFilter(tmp_path / "head.onnx")(p, embeddings, t_s)
    assert out.sum(axis=2) == pytest.approx(1.0, abs=1e-5)
    state, expected = torch.zeros(2, N_STATE), []
    for i, dt_s in enumerate(np.diff(t_s, prepend=0.0)):
        step = torch.full((2, 1), float(dt_s))
        shares, state = head(
            torch.from_numpy(embeddings[:, i]), torch.from_numpy(p[:, i].astype(np.float32)), step, state
        )
        expected.append(shares.detach().numpy())
    assert out == pytest.approx(np.stack(expected, axis=1), abs=1e-5)
