"""All signals by name, in the order in which they are shown."""

from pipeline import agreement, face_shares, learned, nonverbal
from pipeline.audio import acoustic_signals, turns, voice_emotion
from pipeline.language import signals as words
from pipeline.physiology import pulse
from pipeline.signals import Definition
from pipeline.video import shape

_PARTS: tuple[tuple[Definition, ...], ...] = (
    acoustic_signals.DEFINITIONS,
    turns.DEFINITIONS,
    voice_emotion.DEFINITIONS,
    words.DEFINITIONS,
    shape.DEFINITIONS,
    pulse.DEFINITIONS,
    face_shares.DEFINITIONS,
    nonverbal.DEFINITIONS,
    learned.DEFINITIONS,
    agreement.DEFINITIONS,
)

CATALOGUE: dict[str, Definition] = {item.name: item for part in _PARTS for item in part}
