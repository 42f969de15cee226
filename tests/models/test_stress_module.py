import json
from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelError
from models.stress_module import load_stress_module, write_stress_module
from pipeline.learned import Forest, KernelMachine, LearnedStress, Linear

FOREST = Forest(
    roots=np.array([0, 3]),
    left=np.array([1, -1, -1, -1]),
    right=np.array([2, -1, -1, -1]),
    feature=np.array([0, -2, -2, -2]),
    threshold=np.array([0.5, -2.0, -2.0, -2.0]),
    share=np.array([0.5, 0.1, 0.9, 0.5]),
)
KERNEL = KernelMachine(
    vectors=np.array([[1.0, 0.0], [0.0, 1.0]]),
    weights=np.array([1.0, -1.0]),
    bias=0.1,
    gamma=0.5,
    slope=2.0,
    offset=0.3,
)
LINEAR = Linear(weights=np.array([1.0, -0.5]), bias=0.25)


def module(decide=LINEAR) -> LearnedStress:
    return LearnedStress(
        version="",
        signals=("nonverbal.negative_share",),
        centre=np.array([0.5, 1.0]),
        scale=np.array([2.0, 0.5]),
        decide=decide,
    )


@pytest.mark.parametrize("decide", [LINEAR, FOREST, KERNEL])
def test_a_module_comes_back_as_it_was_written(tmp_path: Path, decide):
    path = tmp_path / "mine.json"
    write_stress_module(module(decide), path, {"auroc": 0.5})
    read = load_stress_module(path)
    assert read.card == {"auroc": 0.5}
    assert read.module.version.startswith("mine-")
    for features in (np.array([0.3, 1.2]), np.array([9.0, np.nan])):
        assert read.module.judge(features) == pytest.approx(module(decide).judge(features))


def changed(document, **changes):
    return {**document, **changes}


@pytest.mark.parametrize(
    ("decide", "change", "problem"),
    [
        (LINEAR, {"format": "other"}, "composure-stress-module"),
        (LINEAR, {"version": 2}, "version 2"),
        (LINEAR, {"window_s": 10.0}, "window_s"),
        (LINEAR, {"statistics": ["mean"]}, "statistics"),
        (LINEAR, {"signals": ["no.such"]}, "no signal 'no.such'"),
        (LINEAR, {"signals": ["nonverbal.composure"]}, "with a baseline"),
        (LINEAR, {"signals": []}, "list of names"),
        (LINEAR, {"centre": [1.0]}, "shape"),
        (LINEAR, {"scale": [1.0, 0.0]}, "scale"),
        (LINEAR, {"kind": "oracle"}, "oracle"),
        (LINEAR, {"numbers": {"weights": [1.0, 2.0]}}, "'bias' is missing"),
        (LINEAR, {"numbers": {"weights": ["a", "b"], "bias": 0}}, "could not convert"),
        (LINEAR, {"numbers": {"weights": [float("inf"), 0.0], "bias": 0}}, "finite"),
        (FOREST, {"left": [0, -1, -1, -1]}, "circles"),
        (FOREST, {"left": [7, -1, -1, -1]}, "out of range"),
        (FOREST, {"feature": [-2, -2, -2, -2]}, "without a feature"),
        (FOREST, {"share": [0.5, 0.1, 1.9, 0.5]}, "share"),
        (FOREST, {"roots": []}, "malformed"),
        (KERNEL, {"vectors": [[1.0], [0.0]]}, "shape"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_the_reason(tmp_path: Path, decide, change, problem):
    path = tmp_path / "mine.json"
    write_stress_module(module(decide), path, {})
    document = json.loads(path.read_text())
    is_inner = set(change) <= set(document["numbers"])
    document = (
        changed(document, numbers=changed(document["numbers"], **change)) if is_inner else changed(document, **change)
    )
    path.write_text(json.dumps(document))
    with pytest.raises(ModelError, match=r"mine\.json") as refusal:
        load_stress_module(path)
    assert problem in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"\x80\x04pickle", b"{" * 100_000, b'{"format": 1}'])
def test_what_is_no_module_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "mine.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"mine\.json"):
        load_stress_module(path)
    with pytest.raises(ModelError, match="cannot be read"):
        load_stress_module(tmp_path / "none.json")
