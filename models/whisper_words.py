"""faster-whisper behind the pipeline's Transcriber, where the operator has installed it (the extra ``whisper``).

Nothing of it is imported before it is asked for. A model is a folder in CTranslate2's form, or a name such as
``small.en``, which the library fetches into its cache when there is a network.
"""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from models.errors import ModelError
from pipeline.language.words import Word
from pipeline.types import FloatArray

PACKAGE = "faster_whisper"
LANGUAGE = "en"
"""The measures of ``pipeline.language`` are for English."""
MODEL_FILE = "model.bin"
_MAX_NAME = 60


class WhisperTranscriber:
    """Implements ``pipeline.language.words.Transcriber``.

    Args:
        model: folder of a model, or the name of one to fetch.

    Raises:
        ModelError: the library is not installed, or the model cannot be loaded or fetched.
    """

    def __init__(self, model: str) -> None:
        library = import_library()
        self.version = f"faster-whisper {Path(model).name}"[:_MAX_NAME]
        try:
            self._model: Any = library.WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=1)
        except Exception as exc:  # the library raises whatever its parts raise: hub, network, file format
            raise ModelError(f"the whisper model {model!r} could not be loaded: {exc}") from exc

    def __call__(self, samples: FloatArray, /) -> tuple[Word, ...]:
        """Write down one utterance."""
        segments, _ = self._model.transcribe(
            samples,
            language=LANGUAGE,
            word_timestamps=True,
            # Each utterance for itself: a slip must not lead to the next one.
            condition_on_previous_text=False,
        )
        return tuple(
            Word(
                text=item.word.strip(),
                from_s=max(0.0, float(item.start)),
                to_s=max(float(item.end), float(item.start) + 0.01),
                confidence=min(1.0, max(0.0, float(item.probability))),
            )
            for segment in segments
            for item in segment.words or ()
            if item.word.strip()
        )


def import_library() -> ModuleType:
    """Return the library. Raises ModelError with what to do where it is missing."""
    try:
        return importlib.import_module(PACKAGE)
    except ImportError as exc:
        raise ModelError(
            "a whisper model was asked for, but faster-whisper is not installed: .venv/bin/pip install faster-whisper,"
            " or choose pocketsphinx"
        ) from exc
