"""All signals by name, in the order in which they are shown."""

from pipeline.signals import Definition
from pipeline.video import shape

_PARTS: tuple[tuple[Definition, ...], ...] = (shape.DEFINITIONS,)

CATALOGUE: dict[str, Definition] = {item.name: item for part in _PARTS for item in part}
