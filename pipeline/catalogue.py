"""All signals by name, in the order in which they are shown."""

from pipeline import agreement, face_shares, learned, nonverbal
from pipeline.signals import Definition

_PARTS: tuple[tuple[Definition, ...], ...] = (
    nonverbal.DEFINITIONS,
    face_shares.DEFINITIONS,
    learned.DEFINITIONS,
    agreement.DEFINITIONS,
)

CATALOGUE: dict[str, Definition] = {item.name: item for part in _PARTS for item in part}
