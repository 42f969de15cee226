"""All signals by name, in the order in which they are shown."""

from pipeline.audio import voice_emotion
from pipeline.signals import Definition

_PARTS: tuple[tuple[Definition, ...], ...] = (voice_emotion.DEFINITIONS,)

CATALOGUE: dict[str, Definition] = {item.name: item for part in _PARTS for item in part}
