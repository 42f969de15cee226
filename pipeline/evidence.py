"""All extractors of one person side by side: items in, every signal of the catalogue out at each tick.

Evidence stands beside the score: nothing here changes ``stress``.
"""

from dataclasses import dataclass

from pipeline.audio.voice import VoiceState
from pipeline.types import AudioChunk, FaceFrame, FaceSample, Gap, OtherVoice, Signal

EvidenceItem = AudioChunk | FaceFrame | FaceSample | OtherVoice | Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceState:
    """The states of the extractors; each is bounded."""


def take_evidence(state: EvidenceState, item: EvidenceItem) -> EvidenceState:
    """Hand an item to the extractors that it concerns."""
    return state


def view_evidence(state: EvidenceState, t_s: float, voice: VoiceState) -> tuple[EvidenceState, tuple[Signal, ...]]:
    """Collect the signals at a tick.

    Args:
        state: of the extractors.
        t_s: time of the tick.
        voice: what has been heard, with the pitch track, which is not computed twice.

    Returns:
        The state, in which the baseline may have learned, and one signal per name of the catalogue.
    """
    return state, ()
