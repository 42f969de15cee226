"""Chooses a transcriber by the operator's setting.

``off``, ``pocketsphinx``, or a whisper model: a folder, or the name of one that can be fetched.
"""

import importlib.util
from pathlib import Path

from models.errors import ModelError
from models.whisper_words import MODEL_FILE, PACKAGE, WhisperTranscriber, import_library
from pipeline.language.words import Transcriber

OFF, POCKETSPHINX = "off", "pocketsphinx"


def check_transcriber(setting: str) -> None:
    """Say at start what would go wrong later; loads nothing.

    Raises:
        ModelError: the library is not installed, or the folder holds no model.
    """
    if setting in (OFF, POCKETSPHINX):
        return
    if importlib.util.find_spec(PACKAGE) is None:
        import_library()
    if _is_folder(setting) and not (Path(setting).expanduser() / MODEL_FILE).is_file():
        raise ModelError(f"there is no whisper model in {setting}: {MODEL_FILE} is missing")


def load_transcriber(setting: str) -> Transcriber:
    """Load a transcriber other than ``off``.

    Raises:
        ModelError: it cannot be loaded.
    """
    if setting == POCKETSPHINX:
        # Imported here: who asked for whisper needs no pocketsphinx, and its library is loaded at import.
        from models.pocketsphinx_words import PocketsphinxTranscriber

        return PocketsphinxTranscriber()
    return WhisperTranscriber(str(Path(setting).expanduser()) if _is_folder(setting) else setting)


def _is_folder(setting: str) -> bool:
    return "/" in setting or setting.startswith(("~", "."))
