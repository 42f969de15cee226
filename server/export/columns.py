"""The columns of the exported series: one name, one unit, one way to read it from an estimate."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

from pipeline.catalogue import CATALOGUE
from pipeline.levels import LEVELS, name_level
from pipeline.types import EMOTIONS, EYE_EMOTIONS, Estimate, Shares

Cell = float | str | bool | None
"""None stands for unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column."""

    name: str
    """Ends with the unit where there is one; plain numbers are shares or indices in [0, 1]."""
    read: Callable[[Estimate], Cell]


def _reading(name: str) -> tuple[Column, ...]:
    return (
        Column(name=name, read=attrgetter(f"{name}.value")),
        Column(name=f"{name}_quality", read=attrgetter(f"{name}.quality")),
        Column(name=f"{name}_reason", read=lambda estimate: str(getattr(estimate, name).reason)),
        Column(name=f"{name}_age_s", read=attrgetter(f"{name}.age_s")),
    )


def _emotion(index: int) -> Column:
    return Column(
        name=f"emotion_{EMOTIONS[index]}",
        read=lambda estimate: None if estimate.emotions is None else estimate.emotions[index],
    )


def _shares(name: str, parts: Iterable[str], read: Callable[[Estimate], Shares]) -> tuple[Column, ...]:
    def part(index: int) -> Callable[[Estimate], Cell]:
        def value(estimate: Estimate) -> Cell:
            shares = read(estimate).shares
            return None if shares is None else shares[index]

        return value

    return (
        *(Column(name=f"{name}_{label}", read=part(index)) for index, label in enumerate(parts)),
        Column(name=f"{name}_quality", read=lambda estimate: read(estimate).quality),
        Column(name=f"{name}_reason", read=lambda estimate: str(read(estimate).reason)),
        Column(name=f"{name}_age_s", read=lambda estimate: read(estimate).age_s),
    )


def _level(estimate: Estimate) -> Cell:
    level, _ = name_level(estimate.levels)
    return None if level is None else str(level)


def _voice(name: str) -> Column:
    return Column(
        name=f"voice_{name}",
        read=lambda estimate: None if estimate.voice_features is None else getattr(estimate.voice_features, name),
    )


def _plain(name: str) -> Column:
    def read(estimate: Estimate) -> Cell:
        value = getattr(estimate, name)
        return str(value) if isinstance(value, str) else value

    return Column(name=name, read=read)


COLUMNS: tuple[Column, ...] = (
    _plain("t_s"),
    *_reading("stress"),
    _plain("stress_raw"),
    *_reading("face"),
    *_reading("voice"),
    *(_emotion(i) for i in range(len(EMOTIONS))),
    Column(name="level", read=_level),
    *_shares("level", LEVELS, attrgetter("levels")),
    *_shares("eyes", EYE_EMOTIONS, attrgetter("eyes")),
    _plain("band"),
    _plain("trajectory"),
    _plain("window_mean"),
    _plain("window_sd"),
    _plain("peak_t_s"),
    _voice("rms"),
    _voice("centroid_hz"),
    _voice("f0_hz"),
    _voice("rms_variability"),
    _voice("f0_variability"),
    _voice("snr_db"),
    _voice("speech_share"),
    _voice("is_silent"),
    _plain("newest_sample_s"),
)

SIGNAL_COLUMNS: tuple[str, ...] = tuple(
    f"{name}{suffix}" for name in CATALOGUE for suffix in ("", "_quality", "_reason", "_z")
)
"""Four columns a signal, in the order of the catalogue; units are in docs/signals.md."""


def read_signals(estimate: Estimate) -> list[Cell]:
    """Return the cells of SIGNAL_COLUMNS; all None for a signal that the estimate does not have."""
    by_name = {signal.name: signal for signal in estimate.signals}
    cells: list[Cell] = []
    for name in CATALOGUE:
        signal = by_name.get(name)
        cells += (None,) * 4 if signal is None else (signal.value, signal.quality, str(signal.reason), signal.z)
    return cells
