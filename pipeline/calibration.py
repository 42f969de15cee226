"""The person's own voice as the yardstick: ranges learnt from their first seconds of speech.

Each range of the min-max normalisation is set around what the person's ordinary speech showed, in the unit in which a
change means the same for everybody: decibels for the level, semitones for pitch, shares of the own value for the rest.
How far a range reaches was chosen on calibration recordings (scripts/evaluate_voice_score).
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from pipeline.audio.framing import HOP_S
from pipeline.audio.score import Range, VoiceRanges, to_db, to_semitones
from pipeline.audio.voice import SpeechFrames, root_mean_square

MIN_SPEECH_S = 2.0
"""Before that much speech there are no ranges."""
FULL_SPEECH_S = 8.0
"""With that much speech calibration is finished and the ranges stay."""

ENERGY_DB = (-20.0, 12.0)
"""Under and over the own speech level."""
CENTROID_SHARE = (0.5, 1.8)
"""Of the own centroid."""
F0_SEMITONES = (-6.0, 18.0)
"""Under and over the own pitch."""
ENERGY_VARIABILITY_SHARE = (0.0, 5.0)
"""Of the own spread of RMS."""
F0_VARIABILITY_SEMITONES = (0.0, 8.0)
"""The same for everybody: a few seconds say too little about a person's melody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationState:
    """What has been learnt so far."""

    speech: SpeechFrames
    """At most FULL_SPEECH_S of speech frames."""
    ranges: VoiceRanges | None = None
    """None until MIN_SPEECH_S of speech."""
    from_s: float = -math.inf
    """Session time at which learning was begun: what was said before teaches nothing."""

    @property
    def progress(self) -> float:
        """Share of the wanted speech, in [0, 1]."""
        return min(1.0, len(self.speech.t_s) * HOP_S / FULL_SPEECH_S)

    @property
    def is_complete(self) -> bool:
        """True when the ranges will not change any more."""
        return len(self.speech.t_s) >= round(FULL_SPEECH_S / HOP_S)


def new_calibration(from_s: float = -math.inf) -> CalibrationState:
    """Return the state before any speech, which will learn from what is said after a session time."""
    none = np.zeros(0)
    return CalibrationState(speech=SpeechFrames(t_s=none, rms=none, centroid_hz=none, f0_hz=none), from_s=from_s)


def learn(state: CalibrationState, speech: SpeechFrames) -> CalibrationState:
    """Take in the speech frames of a window; frames already learnt are skipped, a complete state stays as it is."""
    known = state.speech
    newer = speech.t_s > (known.t_s[-1] if len(known.t_s) else state.from_s)
    if state.is_complete or not newer.any():
        return state
    n_max = round(FULL_SPEECH_S / HOP_S)
    learnt = SpeechFrames(
        t_s=np.concatenate((known.t_s, speech.t_s[newer]))[:n_max],
        rms=np.concatenate((known.rms, speech.rms[newer]))[:n_max],
        centroid_hz=np.concatenate((known.centroid_hz, speech.centroid_hz[newer]))[:n_max],
        f0_hz=np.concatenate((known.f0_hz, speech.f0_hz[newer]))[:n_max],
    )
    if len(learnt.t_s) < round(MIN_SPEECH_S / HOP_S) or not (learnt.f0_hz > 0).any():
        return replace(state, speech=learnt)
    return replace(state, speech=learnt, ranges=set_ranges(learnt))


def set_ranges(speech: SpeechFrames) -> VoiceRanges:
    """Set the ranges around ordinary speech of at least one frame, voiced in part."""
    level_db = to_db(root_mean_square(speech.rms))
    pitch = to_semitones(float(np.median(speech.f0_hz[speech.f0_hz > 0])))
    centroid_hz = float(speech.centroid_hz.mean())
    spread = max(float(speech.rms.std()), 1e-6)
    return VoiceRanges(
        energy_db=Range(minimum=level_db + ENERGY_DB[0], maximum=level_db + ENERGY_DB[1]),
        centroid_hz=Range(minimum=centroid_hz * CENTROID_SHARE[0], maximum=centroid_hz * CENTROID_SHARE[1]),
        f0_semitones=Range(minimum=pitch + F0_SEMITONES[0], maximum=pitch + F0_SEMITONES[1]),
        energy_variability=Range(
            minimum=spread * ENERGY_VARIABILITY_SHARE[0], maximum=spread * ENERGY_VARIABILITY_SHARE[1]
        ),
        f0_variability=Range(minimum=F0_VARIABILITY_SEMITONES[0], maximum=F0_VARIABILITY_SEMITONES[1]),
    )
