"""All signals by name, in the order in which they are shown."""

from pipeline.signals import Definition

_PARTS: tuple[tuple[Definition, ...], ...] = ()

CATALOGUE: dict[str, Definition] = {item.name: item for part in _PARTS for item in part}
