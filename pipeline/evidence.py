"""All extractors of one person side by side: items in, every signal of the catalogue out at each tick.

Evidence stands beside the score: nothing here changes ``stress``.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.audio.framing import HOP_S
from pipeline.audio.voice import VoiceState, VoiceWindow
from pipeline.audio.voice_emotion import VoiceEmotionState, follow_voice_emotion, view_voice_emotion
from pipeline.baseline import BaselineState, learn_and_compare, new_baseline
from pipeline.types import AudioChunk, FaceFrame, FaceSample, Gap, OtherVoice, Signal, VoiceEmotionSample

EvidenceItem = AudioChunk | FaceFrame | FaceSample | OtherVoice | VoiceEmotionSample | Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceState:
    """The states of the extractors; each is bounded."""

    baseline: BaselineState = field(default_factory=new_baseline)
    voice_emotion: VoiceEmotionState = VoiceEmotionState()
    speech_s: float = 0.0
    """Speech heard since the session began."""
    tick_s: float = 0.0
    """Time of the last tick."""


def reset_baseline(state: EvidenceState) -> EvidenceState:
    """Learn the person's baseline anew from here."""
    return replace(state, baseline=new_baseline())


def take_evidence(state: EvidenceState, item: EvidenceItem) -> EvidenceState:
    """Hand an item to the extractors that it concerns."""
    match item:
        case VoiceEmotionSample():
            return replace(state, voice_emotion=follow_voice_emotion(state.voice_emotion, item))
        case _:
            return state


def view_evidence(
    state: EvidenceState, t_s: float, voice: VoiceState, window: VoiceWindow | None
) -> tuple[EvidenceState, tuple[Signal, ...]]:
    """Collect the signals at a tick.

    Args:
        state: of the extractors.
        t_s: time of the tick.
        voice: what has been heard, with the pitch track, which is not computed twice.
        window: its last seconds; None without current sound.

    Returns:
        The state, in which the baseline may have learned, and one signal per name of the catalogue.
    """
    state = _count_speech(state, t_s, window)
    signals = view_voice_emotion(state.voice_emotion, t_s)
    baseline, compared = learn_and_compare(state.baseline, t_s, signals, speech_s=state.speech_s)
    return replace(state, baseline=baseline), compared


def _count_speech(state: EvidenceState, t_s: float, window: VoiceWindow | None) -> EvidenceState:
    n_new = 0 if window is None else int(np.count_nonzero(window.speech.t_s > state.tick_s))
    return replace(state, speech_s=state.speech_s + n_new * HOP_S, tick_s=t_s)
