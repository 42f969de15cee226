"""Loads the networks of this folder: checks the file against the manifest, opens it, warms it up."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort

from models.errors import ModelError
from pipeline.types import EMOTIONS, FloatArray
from pipeline.video.crop import FACE_SIZE_PX

MODELS_DIR = Path(__file__).resolve().parent
SHA256_LENGTH = 64

# onnxruntime's errors share no base but Exception.
_ONNX_ERRORS = (ort.Fail, ort.InvalidArgument, ort.InvalidGraph, ort.InvalidProtobuf, ort.RuntimeException)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEntry:
    """What manifest.toml says about one network."""

    name: str
    file: str
    """File name inside the folder of the manifest."""
    sha256: str
    """Hexadecimal, lower case."""


def load_emotion_classifier(models_dir: Path = MODELS_DIR) -> "OnnxEmotionClassifier":
    """Load the emotion network of a folder, ready to answer the first call at full speed.

    Args:
        models_dir: folder of manifest.toml and emotion.onnx.

    Raises:
        ModelError: manifest or network is missing, or the network is not the one the manifest names.
    """
    entry = read_manifest(models_dir, "emotion")
    path = models_dir / entry.file
    content = _read(path)
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != entry.sha256:
        raise ModelError(f"{path} has sha256 {sha256}, manifest.toml expects {entry.sha256}: wrong or damaged file")
    return OnnxEmotionClassifier(content, source=str(path), name=entry.name)


def read_manifest(models_dir: Path, name: str) -> ManifestEntry:
    """Read the entry of one network from manifest.toml.

    Raises:
        ModelError: the manifest is missing or malformed, or has no such entry.
    """
    path = models_dir / "manifest.toml"
    try:
        table = tomllib.loads(_read(path).decode())[name]
        entry = ManifestEntry(name=table["name"], file=table["file"], sha256=table["sha256"])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as exc:
        raise ModelError(f"{path} has no valid entry [{name}] with name, file and sha256: {exc!r}") from exc
    if len(entry.sha256) != SHA256_LENGTH:
        raise ModelError(f"{path}: sha256 of [{name}] must have {SHA256_LENGTH} digits, got {entry.sha256!r}")
    return entry


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise ModelError(f"{path} cannot be read: {exc.strerror}") from exc


class OnnxEmotionClassifier:
    """The emotion network on one CPU thread; implements ``pipeline.types.EmotionClassifier``.

    One object may serve all streams of a worker. The same faces give the same probabilities.
    """

    version: str
    n_parameters: int | None
    """As the file's own metadata says; None when it says nothing."""

    def __init__(self, content: bytes, *, source: str, name: str = "emotion") -> None:
        """Open and warm up a network.

        Args:
            content: the ONNX file.
            source: where it came from, for messages.
            name: goes into the version.

        Raises:
            ModelError: not an ONNX network, or not one from face crops to seven probabilities.
        """
        options = onnxruntime.SessionOptions()
        # One thread: workers are spread over cores, not the layers of so small a network.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            self._input = self._session.get_inputs()[0].name
            probabilities = self(np.zeros((1, 1, FACE_SIZE_PX, FACE_SIZE_PX), np.float32))
        except (*_ONNX_ERRORS, ValueError, IndexError) as exc:
            raise ModelError(f"{source} is not a usable ONNX emotion network: {exc}") from exc
        if probabilities.shape != (1, len(EMOTIONS)):
            raise ModelError(f"{source} answers with shape {probabilities.shape}, expected (1, {len(EMOTIONS)})")
        self.version = f"{name}-{hashlib.sha256(content).hexdigest()[:8]}"
        said = self._session.get_modelmeta().custom_metadata_map.get("parameters")
        self.n_parameters = int(said) if said else None

    def __call__(self, faces: FloatArray) -> FloatArray:
        """Classify face crops of shape (n, 1, FACE_SIZE_PX, FACE_SIZE_PX); returns shape (n, 7), rows sum to 1."""
        if len(faces) == 0:
            return np.zeros((0, len(EMOTIONS)), np.float32)
        (probabilities,) = self._session.run(None, {self._input: faces})
        return np.asarray(probabilities, np.float32)
