"""All signals by name, in the order in which they are shown."""

from pipeline.signals import Definition

CATALOGUE: dict[str, Definition] = {item.name: item for definitions in () for item in definitions}
