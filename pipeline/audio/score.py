"""The voice score: five features, normalised by the person's own ranges and weighted.

s_audio = .30 E + .20 C + .25 F0 + .15 var(E) + .10 var(F0), the reference formula of docs/stress.md.
"""

import math
from dataclasses import dataclass

from pipeline.types import VoiceFeatures

VOICE_WEIGHTS = {"energy": 0.30, "centroid": 0.20, "f0": 0.25, "energy_variability": 0.15, "f0_variability": 0.10}
"""Weight of each normalised feature; they add up to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Minimum and maximum of a min-max normalisation; minimum < maximum."""

    minimum: float
    maximum: float

    def normalise(self, value: float) -> float:
        """Map a value to [0, 1], clipped."""
        return min(1.0, max(0.0, (value - self.minimum) / (self.maximum - self.minimum)))


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRanges:
    """The ranges of one person in one session."""

    energy_db: Range
    """Of the speech level in dBFS."""
    centroid_hz: Range
    f0_semitones: Range
    """Of the median pitch in semitones over 1 Hz."""
    energy_variability: Range
    """Of the spread of frame RMS, full scale 1."""
    f0_variability: Range
    """Of the spread of pitch in semitones."""


def to_semitones(f0_hz: float) -> float:
    """Pitch in semitones over 1 Hz."""
    return 12 * math.log2(f0_hz)


def to_db(rms: float) -> float:
    """Level in dBFS, not below -120."""
    return 20 * math.log10(max(rms, 1e-6))


def normalise_voice(features: VoiceFeatures, ranges: VoiceRanges) -> dict[str, float]:
    """Normalise features to [0, 1] under the keys of VOICE_WEIGHTS; what is not there (silence) counts 0."""
    return {
        "energy": 0.0 if features.is_silent else ranges.energy_db.normalise(to_db(features.rms)),
        "centroid": 0.0 if features.centroid_hz is None else ranges.centroid_hz.normalise(features.centroid_hz),
        "f0": 0.0 if features.f0_hz is None else ranges.f0_semitones.normalise(to_semitones(features.f0_hz)),
        "energy_variability": ranges.energy_variability.normalise(features.rms_variability),
        "f0_variability": (
            0.0 if features.f0_variability is None else ranges.f0_variability.normalise(features.f0_variability)
        ),
    }


def weigh_voice(normalised: dict[str, float]) -> dict[str, float]:
    """Return each feature's part of s_audio; they add up to it."""
    return {name: weight * normalised[name] for name, weight in VOICE_WEIGHTS.items()}


def score_voice(features: VoiceFeatures, ranges: VoiceRanges) -> float:
    """Compute s_audio in [0, 1]. Silence gives 0."""
    return sum(weigh_voice(normalise_voice(features, ranges)).values())
