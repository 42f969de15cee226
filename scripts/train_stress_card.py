"""The model card of a decision module, in Markdown."""

from collections.abc import Mapping, Sequence

from pipeline.learned import STATISTICS, WINDOW_S
from scripts.train_stress_data import Windows
from scripts.train_stress_figures import Figures

KIND_WORDS = {"logistic": "Logistic regression", "forest": "Random forest", "svm": "Support vector machine"}


def write_card(
    name: str,
    chosen: str,
    windows: Windows,
    *,
    figures: Mapping[str, Figures],
    subgroups: Mapping[str, Mapping[str, Figures]],
    bins: Sequence[tuple[int, float, float]],
    speech_auroc: float | None,
    hop_s: float,
) -> str:
    """Return the text of the card."""
    share = float(windows.labels.mean())
    subjects = len(set(windows.subjects.tolist()))
    lines = [
        f"# {name}",
        "",
        f"{KIND_WORDS[chosen]} over {len(windows.signals)} signals of Composure, trained by `scripts/train_stress`. "
        "Its answer is the signal `nonverbal.learned_stress`, marked experimental, beside the published score.",
        "",
        "## Data",
        "",
        f"{windows.n_sessions} sessions of {subjects} subjects: {len(windows.labels)} windows of {WINDOW_S:.0f} s, one "
        f"every {hop_s:g} s of the labelled stretches; {share:.1%} have label 1. {windows.n_skipped} windows were left "
        "out because too few signals were known. Who labelled them and how, and who the subjects are, is not in the "
        "files: **write it here before anybody uses this module.**",
        "",
        f"Features: {' and '.join(STATISTICS)} of each signal's distance from the person's own baseline. Unknown "
        "counts as 0.",
        "",
        ", ".join(f"`{signal}`" for signal in windows.signals),
        "",
        "## How good it is for people it has not seen",
        "",
        "Leave one subject out: every answer below is about a subject that the module was fitted without. Intervals "
        "are 95 %, by drawing subjects. A decision is a probability above the share of label 1 in training, and AUROC "
        "ranks by the distance from that share, for it differs with the subject left out. AUROC and balanced accuracy "
        "are 0.5 for guessing, and a little lower when there are few subjects of one label each.",
        "",
        _table("module", figures, chosen=chosen),
        "",
        f"Always answering {share:.3f} has a Brier score of {share * (1 - share):.3f}. "
        + (
            "The share of speech is not in the files, so what knowing who talks is worth cannot be said."
            if speech_auroc is None
            else f"The share of speech alone, in the better direction, has an AUROC of {speech_auroc:.3f}: a module "
            "that is no better may have learnt to tell talking from listening."
        ),
        "",
        f"Calibration of {KIND_WORDS[chosen].lower()}, equally many windows in each row:",
        "",
        "| windows | mean probability | share of label 1 |",
        "|---|---|---|",
        *(f"| {n} | {mean:.3f} | {true:.3f} |" for n, mean, true in bins),
        "",
        "## Subgroups",
        "",
    ]
    if not subgroups:
        lines += ["The table of labels has no further columns, so nothing is known about differences between groups."]
    for column, by_value in subgroups.items():
        lines += [_table(column, by_value), ""]
    return "\n".join([*lines, "", *_USE, ""])


_USE = (
    "## What it may be used for",
    "",
    "For research on people and situations like those of its data, next to the published score and the signals "
    "themselves. Not for judging, ranking or selecting anybody, and not as a lie detector. Where the intervals above "
    "include 0.5, it has not been shown to know anything.",
)


def _table(title: str, rows: Mapping[str, Figures], *, chosen: str | None = None) -> str:
    head = f"| {title} | subjects | windows | label 1 | balanced accuracy | AUROC | Brier | ECE |"
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for name, item in rows.items():
        words = KIND_WORDS.get(name, name or "(empty)") + (" (this one)" if name == chosen else "")
        accuracy = _with_interval(item.balanced_accuracy, item.balanced_accuracy_ci95)
        auroc = _with_interval(item.auroc, item.auroc_ci95)
        lines.append(
            f"| {words} | {item.n_subjects} | {item.n_windows} | {item.share:.1%} | {accuracy} | {auroc} "
            f"| {item.brier:.3f} | {item.ece:.3f} |"
        )
    return "\n".join(lines)


def _with_interval(value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None:
        return "one label only"
    return f"{value:.3f}" + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval is not None else "")
