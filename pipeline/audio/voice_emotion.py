"""How the voice of the last seconds would be labelled: eight acted emotions and three levels of stress.

Evidence beside s_audio, never mixed into it. A trained network listens (models/cards/voice.md says to what it was
trained); this module hands it the speech, says what the answer is worth, and turns the newest answer into signals.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.audio.framing import FramingState, is_break, is_late
from pipeline.audio.reading import FULL_SNR_DB, MIN_SPEECH_S, NOISY_SNR_DB
from pipeline.audio.voice import WINDOW_S, VoiceState, VoiceWindow, measure_pending, view_window
from pipeline.audio.voice_input import MIN_FRAMES, prepare_voice
from pipeline.signals import Definition, Group, absent
from pipeline.types import (
    SAMPLE_RATE_HZ,
    VOICE_EMOTIONS,
    AudioChunk,
    FloatArray,
    Gap,
    Level,
    Reason,
    Signal,
    VoiceClassifier,
    VoiceEmotionSample,
)

VOICE_LEVELS: dict[Level, tuple[str, ...]] = {
    Level.LOW: ("neutral", "calm", "happy"),
    Level.MEDIUM: ("surprised", "disgust"),
    Level.HIGH: ("angry", "fearful", "sad"),
}
"""Emotions of each level, grouped as those of the face (``pipeline.levels``); the order of the levels in arrays."""

LEVEL_OF_VOICE_EMOTION = tuple(
    next(i for i, names in enumerate(VOICE_LEVELS.values()) if emotion in names) for emotion in VOICE_EMOTIONS
)
"""Index of each emotion's level, in the order VOICE_EMOTIONS."""

MIN_JUDGED_S = 0.8
"""Less speech in the window is too short: half of the shortest sentence of the training data."""
FULL_SPEECH_S = 1.6
"""From here on, the length of such a sentence, the amount of speech does not lower the quality."""
MAX_AGE_S = 2.0
"""An older answer is not current."""
WINDOW_SAMPLES = round(WINDOW_S * SAMPLE_RATE_HZ)

LEVEL_DEFINITIONS = tuple(
    Definition(
        name=f"voice_emotion.{level.value}",
        label=f"Voice: {level.value} stress",
        unit="",
        group=Group.VOICE_EMOTION,
        what=f"Share of {', '.join(names)} in how actors' speech of this sound was labelled, over the last 3 s.",
        low=0.0,
        high=1.0,
        window_s=WINDOW_S,
        is_experimental=True,
    )
    for level, names in VOICE_LEVELS.items()
)
CONFIDENCE_DEFINITION = Definition(
    name="voice_emotion.level_confidence",
    label="Voice: confidence of the level",
    unit="",
    group=Group.VOICE_EMOTION,
    what="Share of the most likely of the three levels, calibrated on speakers the network was not trained on.",
    low=0.0,
    high=1.0,
    has_baseline=False,
    is_experimental=True,
)
EMOTION_DEFINITIONS = tuple(
    Definition(
        name=f"voice_emotion.{emotion}",
        label=f"Voice: {emotion}",
        unit="",
        group=Group.VOICE_EMOTION,
        what=f"Share of {emotion} among eight acted emotions, over the last 3 s of speech.",
        low=0.0,
        high=1.0,
        window_s=WINDOW_S,
        is_experimental=True,
    )
    for emotion in VOICE_EMOTIONS
)
DEFINITIONS: tuple[Definition, ...] = (*LEVEL_DEFINITIONS, CONFIDENCE_DEFINITION, *EMOTION_DEFINITIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundWindow:
    """The unbroken sound up to now, at most WINDOW_SAMPLES of it; kept beside the analyser's state, never stored."""

    samples: FloatArray
    """Shape (n,)."""
    end_s: float | None = None
    """Capture time just after the last sample; None without sound."""
    follows_gap: bool = False
    """True when sound was lost just before the first sample."""


def new_sound() -> SoundWindow:
    """Return the window before any sound."""
    return SoundWindow(samples=np.zeros(0, np.float32))


def keep_sound(window: SoundWindow, item: AudioChunk | Gap) -> SoundWindow:
    """Add sound. A hole in it begins a new window; a chunk that repeats what is there changes nothing."""
    if isinstance(item, Gap):
        return window if item.stream == "video" else _after_hole()
    return _after_hole() if item.is_gap else _append(window, item)


def _after_hole() -> SoundWindow:
    return SoundWindow(samples=np.zeros(0, np.float32), follows_gap=True)


def _append(window: SoundWindow, chunk: AudioChunk) -> SoundWindow:
    framing = FramingState(tail=window.samples[:0], end_s=window.end_s)
    if is_late(framing, chunk):
        return window
    end_s = chunk.t_s + len(chunk.samples) / SAMPLE_RATE_HZ
    if is_break(framing, chunk):
        return SoundWindow(samples=chunk.samples[-WINDOW_SAMPLES:], end_s=end_s, follows_gap=True)
    joined = np.concatenate((window.samples, chunk.samples))
    is_whole = len(joined) >= WINDOW_SAMPLES
    return SoundWindow(samples=joined[-WINDOW_SAMPLES:], end_s=end_s, follows_gap=window.follows_gap and not is_whole)


def judge_voice(sound: SoundWindow, voice: VoiceState, t_s: float, classify: VoiceClassifier) -> VoiceEmotionSample:
    """Let the network judge the last seconds, when they hold enough speech.

    Quality is signal-to-noise ratio / FULL_SNR_DB, times speech / FULL_SPEECH_S, each at most 1, as that of s_audio.

    Args:
        sound: the last seconds.
        voice: what the analyser has heard, for the speech in them.
        t_s: time of the tick.
        classify: the network.
    """
    if sound.end_s is None or t_s - sound.end_s > MAX_AGE_S:
        return _unknown(t_s, Reason.GAP if sound.follows_gap else Reason.NO_AUDIO)
    window = view_window(measure_pending(voice), t_s)
    speech_s = 0.0 if window is None else window.features.speech_share * window.measured_s
    if window is None or speech_s < MIN_JUDGED_S:
        return _unknown(sound.end_s, _why_silent(window, speech_s, sound))
    rows = prepare_voice(sound.samples)
    if rows.shape[1] < MIN_FRAMES:
        return _unknown(sound.end_s, Reason.GAP if sound.follows_gap else Reason.TOO_SHORT)
    snr_db = window.features.snr_db or 0.0
    return VoiceEmotionSample(
        t_s=sound.end_s,
        shares=classify(rows[None])[0],
        quality=min(1.0, max(0.0, snr_db) / FULL_SNR_DB) * min(1.0, speech_s / FULL_SPEECH_S),
        reason=Reason.OK if snr_db >= NOISY_SNR_DB else Reason.NOISE,
    )


def _why_silent(window: VoiceWindow | None, speech_s: float, sound: SoundWindow) -> Reason:
    if sound.follows_gap:
        return Reason.GAP
    if window is not None and speech_s < MIN_SPEECH_S:
        return Reason.NOISE if window.is_noisy else Reason.SILENCE
    return Reason.TOO_SHORT


def _unknown(t_s: float, reason: Reason) -> VoiceEmotionSample:
    return VoiceEmotionSample(t_s=t_s, shares=None, quality=0.0, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceEmotionState:
    """The newest answer."""

    sample: VoiceEmotionSample | None = None


def follow_voice_emotion(state: VoiceEmotionState, item: VoiceEmotionSample) -> VoiceEmotionState:
    """Take in an answer; one that is older than the newest changes nothing."""
    if state.sample is not None and item.t_s < state.sample.t_s:
        return state
    return VoiceEmotionState(sample=item)


def view_voice_emotion(state: VoiceEmotionState, t_s: float) -> tuple[Signal, ...]:
    """Return every signal of DEFINITIONS at a tick."""
    sample = state.sample
    if sample is None or t_s - sample.t_s > MAX_AGE_S:
        reason = Reason.GAP if sample is not None and sample.reason is Reason.GAP else Reason.NO_AUDIO
        return absent(DEFINITIONS, reason)
    if sample.shares is None:
        return absent(DEFINITIONS, sample.reason)
    levels = sum_levels(sample.shares[None])[0]
    values = [*levels.tolist(), float(levels.max()), *sample.shares.tolist()]
    age_s = max(0.0, t_s - sample.t_s)
    return tuple(
        Signal(name=item.name, value=value, quality=sample.quality, reason=sample.reason, age_s=age_s)
        for item, value in zip(DEFINITIONS, values, strict=True)
    )


def sum_levels(shares: FloatArray) -> FloatArray:
    """Add shares of shape (n, 8) up to levels of shape (n, 3), order VOICE_LEVELS."""
    return shares @ _TO_LEVELS


_TO_LEVELS: FloatArray = np.eye(len(VOICE_LEVELS), dtype=np.float32)[list(LEVEL_OF_VOICE_EMOTION)]
