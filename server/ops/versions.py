"""Which models analyse: names and hashes for the record, without loading them."""

import hashlib
import tomllib
from importlib import metadata
from pathlib import Path

MANIFEST = Path(__file__).resolve().parents[2] / "models" / "manifest.toml"


def model_version(manifest: Path = MANIFEST, *, is_flip_averaged: bool = False) -> str:
    """Return the models' names with the beginning of their hashes, such as ``emotion-1a2b3c4d mediapipe-0.10.21``.

    Args:
        manifest: of the networks.
        is_flip_averaged: the emotion network's answers are averaged over the mirrored face, which is said too.
    """
    networks = tomllib.loads(manifest.read_text())
    names = [f"{name}-{entry['sha256'][:8]}" for name, entry in sorted(networks.items())]
    if is_flip_averaged:
        names.append("emotion-flip")
    return " ".join([*names, f"mediapipe-{metadata.version('mediapipe')}"])


def damaged_models(manifest: Path = MANIFEST) -> tuple[str, ...]:
    """Return the networks whose file is missing or is not the manifest's; the manifest itself when that is missing."""
    try:
        networks = tomllib.loads(manifest.read_text())
    except (OSError, ValueError):
        return (manifest.name,)
    return tuple(
        name for name, entry in networks.items() if _sha256(manifest.parent / entry["file"]) != entry["sha256"]
    )


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
