"""Loads the networks of this folder: checks the file against the manifest, opens it, warms it up."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.errors import ModelError
from models.onnx_network import OUTPUT, OnnxNetwork
from pipeline.audio.voice_input import MIN_FRAMES, N_ROWS
from pipeline.types import EMOTIONS, EYE_EMOTIONS, VOICE_EMOTIONS, EmotionClassifier, FloatArray
from pipeline.video.crop import FACE_SIZE_PX
from pipeline.video.eyes import STRIP_SIZE_PX

MODELS_DIR = Path(__file__).resolve().parent
SHA256_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEntry:
    """What manifest.toml says about one network."""

    name: str
    file: str
    """File name inside the folder of the manifest."""
    sha256: str
    """Hexadecimal, lower case."""


def load_emotion_classifier(models_dir: Path = MODELS_DIR, *, output: str = OUTPUT) -> "OnnxEmotionClassifier":
    """Load the emotion network of a folder, ready to answer the first call at full speed.

    Args:
        models_dir: folder of manifest.toml and emotion.onnx.
        output: ``probabilities``, what FER+ raters would vote, or ``fer2013``, what the original label would be.

    Raises:
        ModelError: manifest or network is missing, or the network is not the one the manifest names.
    """
    entry, content = _read_network(models_dir, "emotion")
    return OnnxEmotionClassifier(content, source=str(models_dir / entry.file), name=entry.name, output=output)


def load_eye_classifier(models_dir: Path = MODELS_DIR) -> "OnnxEyeClassifier":
    """Load the network of the region of the eyes, as :func:`load_emotion_classifier` does the other."""
    entry, content = _read_network(models_dir, "eyes")
    return OnnxEyeClassifier(content, source=str(models_dir / entry.file), name=entry.name)


def load_voice_classifier(models_dir: Path = MODELS_DIR) -> "OnnxVoiceClassifier":
    """Load the network of the voice, as :func:`load_emotion_classifier` does that of the face."""
    entry, content = _read_network(models_dir, "voice")
    return OnnxVoiceClassifier(content, source=str(models_dir / entry.file), name=entry.name)


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


def _read_network(models_dir: Path, name: str) -> tuple[ManifestEntry, bytes]:
    entry = read_manifest(models_dir, name)
    path = models_dir / entry.file
    content = _read(path)
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != entry.sha256:
        raise ModelError(f"{path} has sha256 {sha256}, manifest.toml expects {entry.sha256}: wrong or damaged file")
    return entry, content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise ModelError(f"{path} cannot be read: {exc.strerror}") from exc


class OnnxEmotionClassifier(OnnxNetwork):
    """The emotion network on one CPU thread; implements ``pipeline.types.EmotionClassifier``.

    Takes face crops of shape (n, 1, FACE_SIZE_PX, FACE_SIZE_PX), gives shape (n, 7). One object may serve all streams
    of a worker. The same faces give the same probabilities.
    """

    def __init__(self, content: bytes, *, source: str, name: str = "emotion", output: str = OUTPUT) -> None:
        """Open and warm up a network; see :class:`models.onnx_network.OnnxNetwork` for arguments and errors."""
        shape = (1, FACE_SIZE_PX, FACE_SIZE_PX)
        super().__init__(content, source=source, name=name, shape=shape, n_shares=len(EMOTIONS), output=output)


class OnnxEyeClassifier(OnnxNetwork):
    """The network of the region of the eyes; implements ``pipeline.types.EyeClassifier``: (n, 1, 32, 64) to (n, 6)."""

    def __init__(self, content: bytes, *, source: str, name: str = "eyes") -> None:
        """Open and warm up a network; see :class:`models.onnx_network.OnnxNetwork` for arguments and errors."""
        super().__init__(content, source=source, name=name, shape=(1, *STRIP_SIZE_PX), n_shares=len(EYE_EMOTIONS))


class OnnxVoiceClassifier(OnnxNetwork):
    """The network of the voice; implements ``pipeline.types.VoiceClassifier``: (n, 100, n_frames) to (n, 8)."""

    def __init__(self, content: bytes, *, source: str, name: str = "voice") -> None:
        """Open and warm up a network; see :class:`models.onnx_network.OnnxNetwork` for arguments and errors."""
        super().__init__(content, source=source, name=name, shape=(N_ROWS, MIN_FRAMES), n_shares=len(VOICE_EMOTIONS))
        said = self._session.get_modelmeta().custom_metadata_map.get("actors", "")
        self.actors = tuple(int(actor) for actor in said.split())
        """RAVDESS actors it was trained on, as the file's own metadata says."""


class FlipAveraged:
    """An emotion classifier that also looks at the mirrored face and averages the two answers.

    Expressions have no side, the network's errors do. It takes twice as long.
    """

    def __init__(self, classifier: EmotionClassifier) -> None:
        self._classifier = classifier
        self.version = f"{classifier.version}-flip"

    def __call__(self, faces: FloatArray) -> FloatArray:
        """Classify face crops of shape (n, 1, size, size); returns shape (n, 7), rows sum to 1."""
        both = self._classifier(np.concatenate([faces, faces[..., ::-1]]))
        return np.asarray((both[: len(faces)] + both[len(faces) :]) / 2, np.float32)
