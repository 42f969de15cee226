"""Pocketsphinx behind the pipeline's Transcriber: the only module that knows it.

It needs no network and no file of ours: the model for American English (acoustic model, trigrams, 135,000
pronunciations) is inside its wheel. It is of the generation before neural networks and errs much: docs/words.md has
figures. It gets used to a voice as it goes on (cepstral mean), so the same sound may give other words later. Its
decoder holds Python's interpreter lock while it works, so it belongs into a process of its own.
"""

import re
from importlib.metadata import version

import numpy as np
from pocketsphinx import Decoder

from models.errors import ModelError
from pipeline.language.words import Word
from pipeline.types import SAMPLE_RATE_HZ, FloatArray

FRAME_RATE_HZ = 100
"""The decoder's frames, by which it gives times."""
MIN_SAMPLES = SAMPLE_RATE_HZ // 10
_LOUD = 0.5
"""Full scale is 1. The decoder takes 16-bit numbers: quiet speech is brought up first."""
_VARIANT = re.compile(r"\(\d+\)$")


class PocketsphinxTranscriber:
    """Implements ``pipeline.language.words.Transcriber``.

    Raises:
        ModelError: the decoder cannot be made.
    """

    def __init__(self) -> None:
        self.version = f"pocketsphinx {version('pocketsphinx')} en-us"
        try:
            self._decoder = Decoder(samprate=float(SAMPLE_RATE_HZ), loglevel="FATAL")
        except (RuntimeError, ValueError) as exc:
            raise ModelError(f"pocketsphinx could not load its model: {exc}") from exc

    def __call__(self, samples: FloatArray, /) -> tuple[Word, ...]:
        """Write down one utterance."""
        if len(samples) < MIN_SAMPLES:
            return ()
        peak = float(np.max(np.abs(samples)))
        if peak == 0.0:
            return ()
        pcm = np.round(samples * (_LOUD * 32767 / peak)).astype("<i2").tobytes()
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        if self._decoder.hyp() is None:
            return ()
        return tuple(
            Word(
                text=_VARIANT.sub("", segment.word),
                from_s=segment.start_frame / FRAME_RATE_HZ,
                to_s=(segment.end_frame + 1) / FRAME_RATE_HZ,
                confidence=min(1.0, max(0.0, float(segment.prob))),
            )
            for segment in self._decoder.seg()
            if segment.word[0] not in "<[+"  # silence and noise
        )
