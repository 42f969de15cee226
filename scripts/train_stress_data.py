"""Labelled sessions: exported series and a table of labels become windows of features."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.catalogue import CATALOGUE
from pipeline.learned import MIN_KNOWN_SHARE, MIN_QUALITY, STATISTICS, WINDOW_S, Array, extract_features

LABEL_COLUMNS = ("session", "subject", "from_s", "to_s", "label")
"""Further columns are subgroups."""
SPEECH_COLUMN = "voice_speech_share"


class DataError(ValueError):
    """The labels or a session cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One line of the table of labels."""

    session: str
    """Name of its file without ``.csv``, or the session's id."""
    subject: str
    from_s: float
    to_s: float
    label: int
    """1 for stress, 0 for none."""
    groups: Mapping[str, str]
    """Subgroup by column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A session's signals, a row a tick."""

    t_s: Array
    distances: Mapping[str, Array]
    """z of each signal; NaN where it is unknown or of low quality."""
    speech_share: Array
    """NaN where it is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """All windows of all labelled stretches; the first axis of every array is the window."""

    signals: tuple[str, ...]
    features: Array
    """Shape (n, len(signals) * len(STATISTICS)), NaN where unknown."""
    labels: npt.NDArray[np.int64]
    subjects: npt.NDArray[np.str_]
    groups: Mapping[str, npt.NDArray[np.str_]]
    speech_share: Array
    """Mean share of speech; NaN where unknown."""
    n_sessions: int
    n_skipped: int
    """Windows in which too few signals were known."""


def read_labels(path: Path) -> tuple[Stretch, ...]:
    """Read the table of labels, UTF-8 CSV with a header.

    Raises:
        DataError: a column is missing, or a line cannot be used.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            missing = [name for name in LABEL_COLUMNS if name not in columns]
            if missing:
                raise DataError(f"{path}: no column {', '.join(missing)}; needed are {', '.join(LABEL_COLUMNS)}")
            return tuple(_read_stretch(row, f"{path}, line {reader.line_num}") for row in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise DataError(f"{path} cannot be read: {exc}") from exc


def _read_stretch(row: Mapping[str, str], place: str) -> Stretch:
    try:
        from_s, to_s = float(row["from_s"]), float(row["to_s"])
    except (TypeError, ValueError) as exc:
        raise DataError(f"{place}: from_s and to_s must be seconds") from exc
    if not (math.isfinite(from_s) and math.isfinite(to_s) and to_s > from_s):
        raise DataError(f"{place}: to_s must be after from_s")
    if row["label"] not in ("0", "1"):
        raise DataError(f"{place}: label must be 0 or 1, got {row['label']!r}")
    session, subject = (row["session"] or "").strip(), (row["subject"] or "").strip()
    if not session or not subject:
        raise DataError(f"{place}: session and subject must not be empty")
    groups = {name: (row[name] or "").strip() for name in row if name is not None and name not in LABEL_COLUMNS}
    return Stretch(
        session=session,
        subject=subject,
        from_s=from_s,
        to_s=to_s,
        label=int(row["label"]),
        groups=groups,
    )


def read_series(path: Path) -> Series:
    """Read an exported series (series.csv of a session).

    Raises:
        DataError: it is missing, or is no exported series with signals.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or [])
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise DataError(f"{path} cannot be read: {exc}") from exc
    names = [
        name
        for name, definition in CATALOGUE.items()
        if definition.has_baseline and {f"{name}_z", f"{name}_quality"} <= columns
    ]
    if "t_s" not in columns or not names:
        raise DataError(f"{path} is no exported series with signals (columns t_s, NAME_z, NAME_quality)")
    try:
        distances = {}
        for name in names:
            z, quality = _column(rows, f"{name}_z"), _column(rows, f"{name}_quality")
            distances[name] = np.where(quality >= MIN_QUALITY, z, np.nan)
        speech_share = _column(rows, SPEECH_COLUMN) if SPEECH_COLUMN in columns else np.full(len(rows), np.nan)
        return Series(t_s=_column(rows, "t_s"), distances=distances, speech_share=speech_share)
    except (TypeError, ValueError) as exc:
        raise DataError(f"{path}: {exc}") from exc


def _column(rows: Sequence[Mapping[str, str]], name: str) -> Array:
    return np.array([float(row[name]) if row[name] else math.nan for row in rows], np.float64)


def find_session(folder: Path, session: str) -> Path:
    """Return the file of a session. Raises DataError if there is none."""
    for name in (f"{session}.csv", f"composure-{session}.csv", session):
        if (folder / name).is_file():
            return folder / name
    raise DataError(f"{folder} has no {session}.csv and no composure-{session}.csv")


def load_windows(folder: Path, stretches: Sequence[Stretch], *, hop_s: float) -> Windows:
    """Cut the labelled stretches into windows of WINDOW_S, one every hop_s, each wholly inside its stretch.

    Signals that are known in less than MIN_KNOWN_SHARE of all windows are left out, then windows in which less than
    that share of the others is known: the module gives no answer there either.

    Raises:
        DataError: a session cannot be used or has several subjects, or nothing remains.
    """
    paths = {name: find_session(folder, name) for name in dict.fromkeys(s.session for s in stretches)}
    _require_one_subject_each(paths, stretches)
    series = {name: read_series(path) for name, path in paths.items()}
    measured = [name for name in CATALOGUE if any(name in item.distances for item in series.values())]
    cut = [
        (stretch, end_s)
        for stretch in stretches
        for end_s in np.arange(stretch.from_s + WINDOW_S, stretch.to_s + 1e-6, hop_s).tolist()
    ]
    if not cut:
        raise DataError(f"no labelled stretch lasts {WINDOW_S:.0f} s")
    found = [_features(series[stretch.session], measured, end_s) for stretch, end_s in cut]
    features = np.array([item[0] for item in found])
    is_known = np.isfinite(features[:, : len(measured)])
    kept = np.flatnonzero(is_known.mean(axis=0) >= MIN_KNOWN_SHARE)
    if not len(kept):
        raise DataError(f"no signal with a baseline is known in {MIN_KNOWN_SHARE:.0%} of the windows")
    rows = np.flatnonzero(is_known[:, kept].mean(axis=1) >= MIN_KNOWN_SHARE)
    columns = np.concatenate([kept + i * len(measured) for i in range(len(STATISTICS))])
    chosen = [cut[row][0] for row in rows]
    return Windows(
        signals=tuple(measured[i] for i in kept),
        features=features[np.ix_(rows, columns)],
        labels=np.array([stretch.label for stretch in chosen], np.int64),
        subjects=np.array([stretch.subject for stretch in chosen]),
        groups={
            name: np.array([stretch.groups[name] for stretch in chosen])
            for name in (stretches[0].groups if stretches else ())
        },
        speech_share=np.array([found[row][1] for row in rows]),
        n_sessions=len(set(paths.values())),
        n_skipped=len(cut) - len(rows),
    )


def _require_one_subject_each(paths: Mapping[str, Path], stretches: Sequence[Stretch]) -> None:
    """A session is of one person: a second name is another spelling, and who is left out would be trained on."""
    subject_of: dict[Path, str] = {}
    for stretch in stretches:
        path = paths[stretch.session]
        first = subject_of.setdefault(path, stretch.subject)
        if first != stretch.subject:
            raise DataError(
                f"session {path.name} has two subjects, {first!r} and {stretch.subject!r}: it is of one person"
            )


def _features(series: Series, names: Sequence[str], end_s: float) -> tuple[Array, float]:
    inside = (series.t_s > end_s - WINDOW_S) & (series.t_s <= end_s)
    unknown = np.full(int(inside.sum()), np.nan)
    distances = np.stack(
        [series.distances[name][inside] if name in series.distances else unknown for name in names], axis=1
    )
    speech = series.speech_share[inside]
    share = float(np.nanmean(speech)) if np.isfinite(speech).any() else math.nan
    return extract_features(distances, n_due=round(WINDOW_S)), share
