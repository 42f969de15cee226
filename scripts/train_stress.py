"""Train a decision module on one's own labelled sessions, judge it on people it has not seen, write it and its card.

The sessions are downloads of the series (NAME.csv or composure-NAME.csv); the table of labels has the columns session,
subject, from_s, to_s, label (0 or 1), and any others as subgroups. docs/evidence.md describes both.
"""

import argparse
import sys
from pathlib import Path

from models.stress_module import load_stress_module, write_stress_module
from scripts.train_stress_card import write_card
from scripts.train_stress_data import DataError, load_windows, read_labels
from scripts.train_stress_figures import (
    calibration_bins,
    leave_one_subject_out,
    measure,
    measure_speech,
    measure_subgroups,
    to_plain,
)
from scripts.train_stress_fit import FITS, N_TREES, fit


def main(argv: list[str] | None = None) -> int:
    """Train as the command line says; return 2 when the data cannot be used."""
    options = parse_options(argv)
    try:
        train(options)
    except (DataError, OSError) as exc:
        print(f"train_stress: {exc}", file=sys.stderr)
        return 2
    return 0


def parse_options(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="train_stress", description=__doc__)
    parser.add_argument("--sessions", type=Path, required=True, help="folder of exported series")
    parser.add_argument("--labels", type=Path, required=True, help="table of labels, CSV")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for NAME.json and NAME.md")
    parser.add_argument("--name", default="stress", help="of the two files")
    parser.add_argument("--model", choices=tuple(FITS), default="logistic", help="kind that is written")
    parser.add_argument("--hop-s", type=float, default=10.0, help="seconds between windows")
    parser.add_argument("--trees", type=int, default=N_TREES, help="of the forest")
    options = parser.parse_args(argv)
    if options.hop_s <= 0 or options.trees < 1:
        parser.error("--hop-s and --trees must be above 0")
    return options


def train(options: argparse.Namespace) -> None:
    """Judge all three kinds, then fit the chosen one to all subjects and write it. Raises DataError, OSError."""
    windows = load_windows(options.sessions, read_labels(options.labels), hop_s=options.hop_s)
    answers = {kind: leave_one_subject_out(kind, windows, n_trees=options.trees) for kind in FITS}
    figures = {kind: measure(windows, item, has_intervals=True) for kind, item in answers.items()}
    chosen = options.model
    subgroups = measure_subgroups(windows, answers[chosen])
    module = fit(chosen, windows.signals, windows.features, windows.labels, windows.subjects, n_trees=options.trees)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{options.name}.json"
    write_stress_module(module, path, {"leave_one_subject_out": {k: to_plain(item) for k, item in figures.items()}})
    load_stress_module(path)  # as a server will
    card = write_card(
        options.name,
        chosen,
        windows,
        figures=figures,
        subgroups=subgroups,
        bins=calibration_bins(windows, answers[chosen]),
        speech_auroc=measure_speech(windows),
        hop_s=options.hop_s,
    )
    card_path = options.out / f"{options.name}.md"
    card_path.write_text(card, encoding="utf-8")
    for kind, item in figures.items():
        print(f"{kind}: AUROC {item.auroc:.3f}, balanced accuracy {item.balanced_accuracy:.3f}, Brier {item.brier:.3f}")
    print(f"Written: {path} and its card {card_path}")


if __name__ == "__main__":
    sys.exit(main())
