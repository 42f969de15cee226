"""WebRTC's voice activity detector behind the pipeline's SpeechDetector: the only module that knows webrtcvad.

The detector compares the energies of six bands with Gaussian mixtures of speech and noise that it adapts as it listens
(webrtcvad-wheels: MIT; the code in it: BSD, from the WebRTC project).
"""

import numpy as np
import webrtcvad

from pipeline.audio.framing import JITTER_S
from pipeline.types import ACTIVITY_S, SAMPLE_RATE_HZ, AudioChunk, FloatArray, VoiceActivity

MODE = 3
"""The strictest of four: the others take a fifth and more of the silence of a quiet room for speech (docs/voice.md)."""

_FRAME_SAMPLES = round(ACTIVITY_S * SAMPLE_RATE_HZ)
_FULL_SCALE = 32_767


class WebRtcDetector:
    """Decides on one stream of sound; implements ``pipeline.types.SpeechDetector``.

    How the sound is divided into chunks does not matter, and the same sound gives the same decisions. After a hole the
    stretches are counted from the first new sample; what the detector has learnt about the noise stays.
    """

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(MODE)
        self._tail: FloatArray = np.zeros(0, np.float32)
        self._end_s: float | None = None

    def __call__(self, chunk: AudioChunk, /) -> VoiceActivity | None:
        """Decide on the stretches that a chunk completes."""
        if chunk.is_gap:
            self._end_s = None
            return None
        if self._end_s is None or abs(chunk.t_s - self._end_s) > JITTER_S:
            self._tail = self._tail[:0]
        t_s = chunk.t_s - len(self._tail) / SAMPLE_RATE_HZ
        self._end_s = chunk.t_s + len(chunk.samples) / SAMPLE_RATE_HZ
        sound = np.concatenate((self._tail, chunk.samples.astype(np.float32, copy=False)))
        n = len(sound) // _FRAME_SAMPLES
        self._tail = sound[n * _FRAME_SAMPLES :].copy()
        if n == 0:
            return None
        pcm = np.round(np.clip(sound[: n * _FRAME_SAMPLES], -1, 1) * _FULL_SCALE).astype("<i2")
        decisions = [self._vad.is_speech(row.tobytes(), SAMPLE_RATE_HZ) for row in pcm.reshape(n, _FRAME_SAMPLES)]
        return VoiceActivity(t_s=t_s, is_speech=np.array(decisions, bool))
