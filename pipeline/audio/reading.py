"""The voice window as one reading: s_audio with its quality and reason."""

from dataclasses import dataclass

from pipeline.audio.score import VoiceRanges, normalise_voice, weigh_voice
from pipeline.audio.voice import WINDOW_S, VoiceWindow
from pipeline.types import Reading, Reason

FULL_SNR_DB = 20.0
"""From here on noise does not lower the quality; below, quality falls in proportion to the SNR in dB."""
NOISY_SNR_DB = 10.0
"""Below it the reading says NOISE."""
MIN_SPEECH_S = 0.3
"""Less speech in the window than a syllable or two is no speech."""
FULL_SPEECH_S = 1.0
"""From here on the amount of speech does not lower the quality."""
FULL_ENERGY = 0.375
"""Of the normalised energy: 8 dB under the level of the person's own beginning, which 95 % of calm speech reaches. What
is weaker may be somebody else in the room; the quality falls in proportion, to nothing 20 dB under it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceView:
    """What the voice says at a tick."""

    reading: Reading
    """s_audio."""
    parts: dict[str, float]
    """Parts of s_audio by feature; empty when it is unknown."""


def read_voice(
    window: VoiceWindow, ranges: VoiceRanges | None, progress: float, age_s: float, *, has_gap: bool
) -> VoiceView:
    """Score a window of voice.

    Quality is c_a of the fusion: SNR / FULL_SNR_DB, times normalised energy / FULL_ENERGY, times speech /
    FULL_SPEECH_S, times the calibration's progress, each at most 1.

    Args:
        window: the last seconds.
        ranges: the person's ranges, None while there are none.
        progress: share of the calibration done, in [0, 1].
        age_s: age of the newest sound.
        has_gap: True when lost sound was announced within the window.
    """
    features = window.features
    speech_s = features.speech_share * window.measured_s
    if speech_s < MIN_SPEECH_S:
        if has_gap and window.measured_s < WINDOW_S / 2:
            return _unknown(Reason.GAP, age_s)
        return _unknown(Reason.NOISE if window.is_noisy else Reason.SILENCE, age_s)
    if ranges is None:
        return _unknown(Reason.CALIBRATING, age_s)
    snr_db = features.snr_db or 0.0
    normalised = normalise_voice(features, ranges)
    clearness, nearness = min(1.0, snr_db / FULL_SNR_DB), min(1.0, normalised["energy"] / FULL_ENERGY)
    quality = clearness * nearness * min(1.0, speech_s / FULL_SPEECH_S) * progress
    reason = Reason.OK
    if progress < 1:
        reason = Reason.CALIBRATING
    elif nearness < min(1.0, clearness):
        reason = Reason.FAINT
    elif snr_db < NOISY_SNR_DB:
        reason = Reason.NOISE
    parts = weigh_voice(normalised)
    return VoiceView(
        reading=Reading(value=sum(parts.values()), quality=max(0.0, quality), reason=reason, age_s=age_s), parts=parts
    )


def _unknown(reason: Reason, age_s: float) -> VoiceView:
    return VoiceView(reading=Reading(value=None, quality=0.0, reason=reason, age_s=age_s), parts={})
