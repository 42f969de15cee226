"""Files of learned decision modules: plain numbers in JSON, written by scripts/train_stress, named by the operator.

Reading one runs no code of its maker's: there are only numbers in it, and all of them are checked.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import ModelError
from pipeline.catalogue import CATALOGUE
from pipeline.learned import STATISTICS, WINDOW_S, Array, Forest, KernelMachine, LearnedStress, Linear

FORMAT = "composure-stress-module"
VERSION = 1
"""Raised when a field changes its meaning or goes."""
MAX_BYTES = 32 * 1024 * 1024
KINDS: dict[type, str] = {Linear: "logistic regression", Forest: "random forest", KernelMachine: "support vectors"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StressModuleFile:
    """A module as it was read."""

    module: LearnedStress
    card: Mapping[str, Any]
    """Figures of its evaluation, as its maker wrote them."""


def write_stress_module(module: LearnedStress, path: Path, card: Mapping[str, Any]) -> None:
    """Write a module and the figures of its evaluation. Raises OSError."""
    numbers = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in asdict(module.decide).items()
    }
    document = {
        "format": FORMAT,
        "version": VERSION,
        "kind": KINDS[type(module.decide)],
        "window_s": WINDOW_S,
        "statistics": STATISTICS,
        "signals": module.signals,
        "centre": module.centre.tolist(),
        "scale": module.scale.tolist(),
        "numbers": numbers,
        "card": dict(card),
    }
    path.write_text(json.dumps(document, allow_nan=False, indent=1) + "\n")


def load_stress_module(path: Path) -> StressModuleFile:
    """Read a module.

    Raises:
        ModelError: the file is missing, is none of ours, or does not fit this software.
    """
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise ModelError(f"{path} cannot be read: {exc.strerror or exc}") from exc
    if len(content) > MAX_BYTES:
        raise ModelError(f"{path} has {len(content)} bytes, more than any module ({MAX_BYTES})")
    try:
        document = json.loads(content)
        _require(isinstance(document, dict) and document.get("format") == FORMAT, f'no "format": "{FORMAT}"')
        _require(document.get("version") == VERSION, f"version {document.get('version')!r}, expected {VERSION}")
        _require(document["window_s"] == WINDOW_S, f"window_s {document['window_s']!r}, expected {WINDOW_S}")
        _require(tuple(document["statistics"]) == STATISTICS, f"statistics are not {list(STATISTICS)}")
        signals = _read_signals(document["signals"])
        n_features = len(signals) * len(STATISTICS)
        module = LearnedStress(
            version=f"{path.stem}-{hashlib.sha256(content).hexdigest()[:8]}",
            signals=signals,
            centre=_array(document["centre"], (n_features,)),
            scale=_array(document["scale"], (n_features,)),
            decide=_read_numbers(document["kind"], document["numbers"], n_features),
        )
        _require(bool((module.scale > 0).all()), "scale must be above 0")
        return StressModuleFile(module=module, card=dict(document["card"]))
    except (KeyError, TypeError, ValueError, RecursionError) as exc:
        what = f"{exc.args[0]!r} is missing" if isinstance(exc, KeyError) else str(exc)
        raise ModelError(f"{path} is not a stress module that this server can use: {what}") from exc


def _require(is_good: bool, problem: str) -> None:
    if not is_good:
        raise ValueError(problem)


def _read_signals(names: object) -> tuple[str, ...]:
    _require(isinstance(names, list) and len(names) > 0, "signals must be a list of names")
    assert isinstance(names, list)
    for name in names:
        definition = CATALOGUE.get(name) if isinstance(name, str) else None
        _require(definition is not None and definition.has_baseline, f"no signal {name!r} with a baseline is measured")
    _require(len(set(names)) == len(names), "a signal occurs twice")
    return tuple(names)


def _array(values: object, shape: tuple[int, ...]) -> Array:
    array = np.array(values, np.float64)
    _require(array.shape == shape, f"expected numbers of shape {shape}, got {array.shape}")
    _require(bool(np.isfinite(array).all()), "a number is not finite")
    return array


def _number(value: object) -> float:
    return float(_array(value, ()))


def _read_numbers(kind: object, numbers: Mapping[str, Any], n_features: int) -> Linear | Forest | KernelMachine:
    if kind == KINDS[Linear]:
        return Linear(weights=_array(numbers["weights"], (n_features,)), bias=_number(numbers["bias"]))
    if kind == KINDS[KernelMachine]:
        n_vectors = len(numbers["vectors"])
        return KernelMachine(
            vectors=_array(numbers["vectors"], (n_vectors, n_features)),
            weights=_array(numbers["weights"], (n_vectors,)),
            **{name: _number(numbers[name]) for name in ("bias", "gamma", "slope", "offset")},
        )
    _require(kind == KINDS[Forest], f"kind {kind!r}, expected one of {', '.join(KINDS.values())}")
    return _read_forest(numbers, n_features)


def _read_forest(numbers: Mapping[str, Any], n_features: int) -> Forest:
    n_nodes = len(numbers["left"])
    forest = Forest(
        roots=_indices(numbers["roots"], 0, n_nodes),
        left=_indices(numbers["left"], -1, n_nodes, n=n_nodes),
        right=_indices(numbers["right"], -1, n_nodes, n=n_nodes),
        feature=_indices(numbers["feature"], -2, n_features, n=n_nodes),
        threshold=_array(numbers["threshold"], (n_nodes,)),
        share=_array(numbers["share"], (n_nodes,)),
    )
    inner = forest.left >= 0
    own = np.arange(n_nodes)
    _require(len(forest.roots) > 0, "a forest without trees")
    # Children stand behind their parent, so that every way down ends.
    _require(bool(((forest.left > own) & (forest.right > own))[inner].all()), "a tree runs in circles")
    _require(bool((forest.feature[inner] >= 0).all()), "a node without a feature")
    _require(bool(((forest.share >= 0) & (forest.share <= 1)).all()), "a share outside [0, 1]")
    return forest


def _indices(values: Sequence[int], low: int, high: int, *, n: int | None = None) -> Any:
    array = np.array(values)
    _require(array.ndim == 1 and array.dtype.kind == "i" and (n is None or len(array) == n), "indices are malformed")
    _require(bool(((array >= low) & (array < high)).all()), "an index is out of range")
    return array.astype(np.int64)
