"""The networks of the analysis: are they the right files, and do they load."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from models.errors import ModelError
from models.face_mesh import FaceMeshFinder
from models.loader import load_emotion_classifier, load_eye_classifier, load_voice_classifier
from server.ops.doctor.findings import Finding, failed, ok

CHECK = "models"


async def check(folder: Path) -> Sequence[Finding]:
    """Load what a worker loads; the files are compared with the manifest's sha256 first."""
    return await asyncio.to_thread(_check, folder)


def _check(folder: Path) -> list[Finding]:
    try:
        loaders = (load_emotion_classifier, load_eye_classifier, load_voice_classifier)
        versions = [load(folder).version for load in loaders]
    except ModelError as exc:
        fix = "Put the file back as it came with the program: git checkout models/, or install it again."
        return [failed(CHECK, str(exc), fix)]
    try:
        FaceMeshFinder()
    except ModelError as exc:
        return [failed(CHECK, str(exc), "Install the packages again: remove .venv and run scripts/setup.")]
    return [ok(CHECK, f"{', '.join(versions)} and MediaPipe's face mesh load")]
