"""Which models analyse: names and hashes for the record, without loading them."""

import tomllib
from importlib import metadata
from pathlib import Path

MANIFEST = Path(__file__).resolve().parents[2] / "models" / "manifest.toml"


def model_version(manifest: Path = MANIFEST) -> str:
    """Return the models' names with the beginning of their hashes, such as ``emotion-1a2b3c4d mediapipe-0.10.21``."""
    networks = tomllib.loads(manifest.read_text())
    names = [f"{name}-{entry['sha256'][:8]}" for name, entry in sorted(networks.items())]
    return " ".join([*names, f"mediapipe-{metadata.version('mediapipe')}"])
