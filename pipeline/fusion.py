"""Face and voice become one stress value.

s = (c_a a s_a + c_v (1 - a) s_v) / (c_a a + c_v (1 - a)), a = 0.55; smoothing s'[t] = 0.3 s[t] + 0.7 s'[t-1].
The reference formulas of docs/stress.md.
"""

from dataclasses import dataclass

from pipeline.types import EMOTIONS, Contribution, Reading, Reason

VOICE_SHARE = 0.55
"""a of the formula."""
SMOOTHING = 0.3
"""Share of the new value."""
MAX_HOLE_S = 3.0
"""After a longer stretch without a known value smoothing starts anew: what was before says nothing about now."""

FACE_WEIGHTS = {
    "angry": 0.90,
    "disgust": 0.70,
    "fear": 0.95,
    "happy": 0.10,
    "neutral": 0.30,
    "sad": 0.60,
    "surprise": 0.50,
}
"""Stress weight of each emotion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """The outcome of one fusion."""

    value: float | None
    """Unsmoothed stress in [0, 1]; None when neither modality is known."""
    quality: float
    """c_a a + c_v (1 - a), in [0, 1]: how much of the wanted evidence there was."""
    contributions: tuple[Contribution, ...]
    """Parts that add up to value; empty when it is None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmoothingState:
    """The last known smoothed value."""

    t_s: float
    value: float


def weigh_face(emotions: tuple[float, ...]) -> dict[str, float]:
    """Return each emotion's part of s_video = sum w_i p_i; seven shares in the order EMOTIONS that sum to 1."""
    return {name: FACE_WEIGHTS[name] * share for name, share in zip(EMOTIONS, emotions, strict=True)}


def fuse(face: Reading, face_parts: dict[str, float], voice: Reading, voice_parts: dict[str, float]) -> Fused:
    """Fuse the readings of a tick by their qualities.

    Args:
        face: s_video with its quality c_v.
        face_parts: parts of s_video by emotion, adding up to it; empty when it is unknown.
        voice: s_audio with its quality c_a.
        voice_parts: parts of s_audio by feature, adding up to it; empty when it is unknown.

    Returns:
        A missing modality, or one of quality 0, leaves the other alone; both missing is unknown, never 0.
    """
    voice_weight = VOICE_SHARE * voice.quality if voice.value is not None else 0.0
    face_weight = (1 - VOICE_SHARE) * face.quality if face.value is not None else 0.0
    total = voice_weight + face_weight
    if total <= 0:
        return Fused(value=None, quality=0.0, contributions=())
    parts = [
        Contribution(signal=f"{prefix}.{name}", amount=weight / total * part)
        for prefix, weight, by_name in (("face", face_weight, face_parts), ("voice", voice_weight, voice_parts))
        if weight > 0
        for name, part in by_name.items()
    ]
    value = (voice_weight * (voice.value or 0.0) + face_weight * (face.value or 0.0)) / total
    return Fused(value=value, quality=total, contributions=tuple(parts))


def smooth(state: SmoothingState | None, t_s: float, value: float) -> SmoothingState:
    """Smooth a known value; ticks without one are left out and leave the state as it is.

    The first value, and the first after more than MAX_HOLE_S without one, stands for itself.
    """
    if state is None or t_s - state.t_s > MAX_HOLE_S:
        return SmoothingState(t_s=t_s, value=value)
    return SmoothingState(t_s=t_s, value=SMOOTHING * value + (1 - SMOOTHING) * state.value)


def explain_stress(face: Reading, voice: Reading) -> Reason:
    """Choose the reason shown with the fused value: OK, or what weakens it most, the calibration first."""
    reasons = [reading.reason for reading in (voice, face) if reading.reason is not Reason.OK]
    if Reason.CALIBRATING in reasons:
        return Reason.CALIBRATING
    missing = [reading.reason for reading in (voice, face) if reading.value is None]
    return (missing or reasons or [Reason.OK])[0]
