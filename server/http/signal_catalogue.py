"""The catalogue of signals as the pages get it."""

from functools import cache
from typing import Any

from pipeline.catalogue import CATALOGUE
from pipeline.moved import is_detail
from pipeline.signals import Definition

OWN_BEGINNING = {"nonverbal.attentiveness": 0.5, "nonverbal.engagement": 0.5, "nonverbal.composure": 0.5}
"""Indices that are made of distances from the baseline, and their value where nothing moved (docs/evidence.md)."""


@cache
def signal_catalogue() -> tuple[dict[str, Any], ...]:
    """Return what a page needs to show a signal, in the order of showing."""
    return tuple(_entry(definition) for definition in CATALOGUE.values())


def _entry(definition: Definition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "label": definition.label,
        "unit": definition.unit,
        "group": str(definition.group),
        "what": definition.what,
        "digits": definition.digits,
        "low": definition.low,
        "high": definition.high,
        "is_experimental": definition.is_experimental,
        "has_baseline": definition.has_baseline,
        "is_detail": is_detail(definition.name),
        "benchmark": OWN_BEGINNING.get(definition.name),
    }
