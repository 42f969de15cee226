"""The analyser of one person: items in, one estimate a second out.

The same items give the same estimates, bit for bit: live, from an upload or from a recording.
"""

from dataclasses import dataclass, replace

import numpy as np

from pipeline.audio.reading import VoiceView, read_voice
from pipeline.audio.voice import WINDOW_S, VoiceState, VoiceWindow, hear, measure_pending, new_voice, view_window
from pipeline.calibration import CalibrationState, learn, new_calibration
from pipeline.evidence import EvidenceItem, EvidenceState, reset_baseline, take_evidence, view_evidence
from pipeline.face import FaceState, FaceView, see, view_eyes, view_face
from pipeline.fusion import SmoothingState, explain_stress, fuse, smooth
from pipeline.learned import LearnedStress
from pipeline.levels import LevelState, follow_level, view_level
from pipeline.trend import TrendState, follow_trend, judge_band
from pipeline.types import (
    SAMPLE_RATE_HZ,
    AudioChunk,
    Estimate,
    FaceSample,
    Gap,
    Reading,
    Reason,
    Tick,
)
from pipeline.video.temporal import SteadyState, steady

MAX_AGE_S = 2.0
"""Samples older than this are not current."""

Item = EvidenceItem | Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """All that is remembered of one person; its size is bounded."""

    voice: VoiceState
    calibration: CalibrationState
    face: FaceState
    level: LevelState
    trend: TrendState
    steady: SteadyState
    """What steadies the face's shares from frame to frame."""
    evidence: EvidenceState
    """The extractors of the signals beside the score."""
    audio_gap: Gap | None = None
    """The newest announced hole in the sound."""
    video_gap: Gap | None = None
    smoothing: SmoothingState | None = None
    newest_sample_s: float | None = None


def new_session() -> SessionState:
    """Return the state of a session that has heard and seen nothing."""
    return SessionState(
        voice=new_voice(),
        calibration=new_calibration(),
        face=FaceState(),
        level=LevelState(),
        trend=TrendState(),
        steady=SteadyState(),
        evidence=EvidenceState(),
    )


def reset_calibration(state: SessionState, from_s: float) -> SessionState:
    """Forget the person's voice ranges and baseline; what is said and done after a session time sets them anew."""
    return replace(state, calibration=new_calibration(from_s), evidence=reset_baseline(state.evidence, from_s))


def step(
    state: SessionState, item: Item, *, module: LearnedStress | None = None
) -> tuple[SessionState, tuple[Estimate, ...]]:
    """Take in one item.

    Args:
        state: what the last call returned.
        item: any of EvidenceItem's kinds, or the moment an estimate is due.
        module: a trained decision module whose answer is to stand among the signals, or None.

    Returns:
        The new state and the estimates: one for a Tick, none otherwise.
    """
    if isinstance(item, Tick):
        return _estimate(state, item.t_s, module)
    state = replace(state, evidence=take_evidence(state.evidence, item))
    match item:
        case AudioChunk():
            return _take_sound(state, item), ()
        case FaceSample():
            return _take_face(state, item), ()
        case Gap():
            return _take_gap(state, item), ()
        case _:
            return state, ()


def _take_sound(state: SessionState, chunk: AudioChunk) -> SessionState:
    state = replace(state, voice=hear(state.voice, chunk))
    end_s = chunk.t_s + len(chunk.samples) / SAMPLE_RATE_HZ
    if chunk.is_gap:
        return _take_gap(state, Gap(from_s=chunk.t_s, to_s=end_s, stream="audio"))
    return replace(state, newest_sample_s=_newest(state, end_s))


def _take_face(state: SessionState, sample: FaceSample) -> SessionState:
    steadied_state, steadied = steady(state.steady, sample)
    return replace(
        state,
        steady=steadied_state,
        face=see(state.face, steadied),
        # Levels have an average of their own, over answers as they come.
        level=follow_level(state.level, sample, MAX_AGE_S),
        newest_sample_s=_newest(state, sample.t_s),
    )


def _take_gap(state: SessionState, gap: Gap) -> SessionState:
    if gap.stream != "video":
        # Sound on both sides of a hole never shares a frame.
        hole = AudioChunk(t_s=gap.from_s, samples=np.zeros(0, np.float32), is_gap=True)
        state = replace(state, audio_gap=gap, voice=hear(state.voice, hole))
    return state if gap.stream == "audio" else replace(state, video_gap=gap)


def _newest(state: SessionState, t_s: float) -> float:
    return t_s if state.newest_sample_s is None else max(t_s, state.newest_sample_s)


def _estimate(
    state: SessionState, t_s: float, module: LearnedStress | None
) -> tuple[SessionState, tuple[Estimate, ...]]:
    state = replace(state, voice=measure_pending(state.voice))
    window = _current_window(state, t_s)
    if window is not None:
        state = replace(state, calibration=learn(state.calibration, window.speech))
    voice = _view_voice(state, window, t_s)
    face = view_face(state.face, t_s, MAX_AGE_S) or FaceView(
        reading=_absent(state.video_gap, Reason.NO_VIDEO, t_s), emotions=None, parts={}
    )
    fused = fuse(face.reading, face.parts, voice.reading, voice.parts)
    if fused.value is not None:
        state = replace(state, smoothing=smooth(state.smoothing, t_s, fused.value))
    stress = state.smoothing.value if state.smoothing is not None and fused.value is not None else None
    trend_state, trend = follow_trend(state.trend, t_s, stress)
    levels = view_level(state.level, t_s, MAX_AGE_S, otherwise=face.reading.reason)
    evidence, signals = view_evidence(state.evidence, t_s, state.voice, window, levels=levels, module=module)
    ages_s = [reading.age_s for reading in (voice.reading, face.reading) if reading.value is not None]
    estimate = Estimate(
        t_s=t_s,
        stress=Reading(
            value=stress,
            quality=fused.quality,
            reason=explain_stress(face.reading, voice.reading),
            age_s=min(ages_s, default=0.0),
        ),
        stress_raw=fused.value,
        face=face.reading,
        voice=voice.reading,
        emotions=face.emotions,
        eyes=view_eyes(state.face, t_s, MAX_AGE_S, otherwise=face.reading.reason),
        levels=levels,
        voice_features=window.features if window is not None else None,
        band=judge_band(stress) if stress is not None else None,
        trajectory=trend.trajectory,
        window_mean=trend.mean,
        window_sd=trend.sd,
        peak_t_s=trend.peak_t_s,
        contributions=fused.contributions,
        newest_sample_s=state.newest_sample_s,
        signals=signals,
    )
    return replace(state, trend=trend_state, evidence=evidence), (estimate,)


def _current_window(state: SessionState, t_s: float) -> VoiceWindow | None:
    """The voice window, or None when its newest frame is too old."""
    times_s = state.voice.track.t_s
    is_current = len(times_s) > 0 and t_s - times_s[-1] <= MAX_AGE_S
    return view_window(state.voice, t_s) if is_current else None


def _view_voice(state: SessionState, window: VoiceWindow | None, t_s: float) -> VoiceView:
    if window is None:
        return VoiceView(reading=_absent(state.audio_gap, Reason.NO_AUDIO, t_s), parts={})
    return read_voice(
        window,
        state.calibration.ranges,
        state.calibration.progress,
        max(0.0, t_s - float(state.voice.track.t_s[-1])),
        has_gap=state.audio_gap is not None and state.audio_gap.to_s > t_s - WINDOW_S,
    )


def _absent(gap: Gap | None, otherwise: Reason, t_s: float) -> Reading:
    """A modality without current samples: GAP while an announced hole is recent, else the plain reason."""
    is_hole = gap is not None and gap.to_s > t_s - MAX_AGE_S
    return Reading(value=None, quality=0.0, reason=Reason.GAP if is_hole else otherwise, age_s=0.0)
