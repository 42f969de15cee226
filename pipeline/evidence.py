"""All extractors of one person side by side: items in, every signal of the catalogue out at each tick.

Evidence stands beside the score: nothing here changes ``stress``.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.agreement import AgreementState, follow_agreement
from pipeline.audio.acoustic_signals import view_acoustics
from pipeline.audio.acoustics import AcousticState, follow_acoustics, note_hole
from pipeline.audio.browser_audio import allow_for
from pipeline.audio.framing import HOP_S
from pipeline.audio.turns import TurnsState, follow_turns, settle_turns, view_turns
from pipeline.audio.voice import FrameTrack, VoiceState, VoiceWindow
from pipeline.audio.voice_emotion import VoiceEmotionState, follow_voice_emotion, view_voice_emotion
from pipeline.baseline import BaselineState, learn_and_compare, new_baseline
from pipeline.face_shares import FaceSharesState, follow_face_shares, view_face_shares
from pipeline.language.signals import WordsState, follow_words, view_words
from pipeline.language.words import Transcript
from pipeline.learned import LearnedState, LearnedStress, follow_learned
from pipeline.nonverbal import view_nonverbal
from pipeline.physiology.pulse import N_VARIABILITY, VARIABILITY_EVERY_S, PulseState, follow_pulse, view_pulse
from pipeline.physiology.recording import new_recording
from pipeline.thinking import ThinkingState, follow_thinking, think
from pipeline.types import (
    SAMPLE_RATE_HZ,
    AudioChunk,
    BrowserAudio,
    FaceFrame,
    FaceSample,
    Gap,
    OtherVoice,
    QuestionAsked,
    Shares,
    Signal,
    VoiceActivity,
    VoiceEmotionSample,
)
from pipeline.video.shape import ShapeState, follow_shape, view_shape

EvidenceItem = (
    AudioChunk
    | BrowserAudio
    | FaceFrame
    | FaceSample
    | OtherVoice
    | VoiceActivity
    | VoiceEmotionSample
    | QuestionAsked
    | Transcript
    | Gap
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceState:
    """The states of the extractors; each is bounded."""

    shape: ShapeState = field(default_factory=ShapeState)
    """Blinks, gaze, head and expression."""
    pulse: PulseState = field(default_factory=new_recording)
    variability: tuple[Signal, ...] = ()
    """Of the pulse, as it was measured at variability_s."""
    variability_s: float = -math.inf
    baseline: BaselineState = field(default_factory=new_baseline)
    acoustics: AcousticState = field(default_factory=AcousticState)
    browser_audio: BrowserAudio | None = None
    """None when nothing is known of it: an upload, a client that does not say."""
    turns: TurnsState = field(default_factory=TurnsState)
    voice_emotion: VoiceEmotionState = field(default_factory=VoiceEmotionState)
    words: WordsState = field(default_factory=WordsState)
    speech_s: float = 0.0
    """Speech heard since the session began."""
    counted_s: float = -math.inf
    """Time of the newest sound that was looked at for it; sound comes later than the tick of its time."""
    face_shares: FaceSharesState = field(default_factory=FaceSharesState)
    thinking: ThinkingState = field(default_factory=ThinkingState)
    agreement: AgreementState = field(default_factory=AgreementState)
    learned: LearnedState = field(default_factory=LearnedState)


def reset_baseline(state: EvidenceState, from_s: float) -> EvidenceState:
    """Learn the person's baseline anew, from a session time on."""
    return replace(state, baseline=new_baseline(from_s), learned=LearnedState())


def take_evidence(state: EvidenceState, item: EvidenceItem) -> EvidenceState:
    """Hand an item to the extractors that it concerns."""
    if isinstance(item, VoiceActivity | OtherVoice):
        state = replace(state, turns=follow_turns(state.turns, item))
    match item:
        case FaceFrame():
            return replace(state, shape=follow_shape(state.shape, item), pulse=follow_pulse(state.pulse, item))
        case AudioChunk(is_gap=True):
            to_s = item.t_s + len(item.samples) / SAMPLE_RATE_HZ
            return replace(state, acoustics=note_hole(state.acoustics, to_s))
        case Gap() if item.stream != "video":
            return replace(state, acoustics=note_hole(state.acoustics, item.to_s))
        case BrowserAudio():
            return replace(state, browser_audio=item)
        case FaceSample():
            return replace(state, face_shares=follow_face_shares(state.face_shares, item))
        case OtherVoice() | QuestionAsked():
            return replace(state, thinking=follow_thinking(state.thinking, item))
        case VoiceEmotionSample():
            return replace(state, voice_emotion=follow_voice_emotion(state.voice_emotion, item))
        case Transcript():
            return replace(state, words=follow_words(state.words, item))
        case _:
            return state


def view_evidence(
    state: EvidenceState,
    t_s: float,
    voice: VoiceState,
    window: VoiceWindow | None,
    *,
    levels: Shares,
    module: LearnedStress | None = None,
) -> tuple[EvidenceState, tuple[Signal, ...]]:
    """Collect the signals at a tick.

    Args:
        state: of the extractors.
        t_s: time of the tick.
        voice: what has been heard, with the pitch track, which is not computed twice.
        window: its last seconds; None without current sound.
        levels: the face's (``pipeline.levels``).
        module: a trained decision module, or None.

    Returns:
        The state, in which the baseline may have learned, and one signal per name of the catalogue, that of the
        decision module only with one.
    """
    state = _count_speech(state, voice.track, window)
    turns = settle_turns(state.turns, voice.track, None if window is None else window.features.snr_db)
    state = replace(state, turns=turns, acoustics=follow_acoustics(state.acoustics, voice))
    state, pulse = _view_pulse(state, t_s)
    signals = (
        *allow_for(state.browser_audio, view_acoustics(state.acoustics, t_s)),
        *view_turns(turns, t_s),
        *view_voice_emotion(state.voice_emotion, t_s),
        *view_words(state.words, t_s),
        *view_shape(state.shape, t_s),
        *pulse,
        *view_face_shares(state.face_shares, t_s),
    )
    baseline, compared = learn_and_compare(state.baseline, t_s, signals, speech_s=state.speech_s)
    return _judge(replace(state, baseline=baseline), t_s, compared, levels, module)


def _judge(
    state: EvidenceState, t_s: float, compared: tuple[Signal, ...], levels: Shares, module: LearnedStress | None
) -> tuple[EvidenceState, tuple[Signal, ...]]:
    """Add what is computed from signals that have been compared with the baseline."""
    thinking = think(state.thinking, t_s, compared)
    agreement, fused = follow_agreement(state.agreement, t_s, levels, compared)
    learned, judged = (state.learned, ()) if module is None else follow_learned(state.learned, module, t_s, compared)
    state = replace(state, thinking=thinking, agreement=agreement, learned=learned)
    return state, (*compared, *view_nonverbal(compared, thinking), *judged, *fused)


def _view_pulse(state: EvidenceState, t_s: float) -> tuple[EvidenceState, tuple[Signal, ...]]:
    """View the pulse, with the variability of some seconds ago while that is recent."""
    past_s = t_s - state.variability_s
    if 0 <= past_s < VARIABILITY_EVERY_S:
        aged = tuple(
            signal if signal.value is None else replace(signal, age_s=signal.age_s + past_s)
            for signal in state.variability
        )
        return state, view_pulse(state.pulse, t_s, variability=aged)
    signals = view_pulse(state.pulse, t_s)
    return replace(state, variability=signals[-N_VARIABILITY:], variability_s=t_s), signals


def _count_speech(state: EvidenceState, track: FrameTrack, window: VoiceWindow | None) -> EvidenceState:
    if window is None:
        return state
    n_new = int(np.count_nonzero(window.speech.t_s > state.counted_s))
    return replace(state, speech_s=state.speech_s + n_new * HOP_S, counted_s=float(track.t_s[-1]))
