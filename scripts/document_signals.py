"""Write docs/signals.md from the catalogue of signals; --check only says whether it is up to date."""

import argparse
import sys
from pathlib import Path

from pipeline.catalogue import CATALOGUE
from pipeline.signals import Definition, Group

PAGE = Path(__file__).resolve().parents[1] / "docs" / "signals.md"

TITLES = {
    Group.VOICE: "Voice",
    Group.TURNS: "Turns and pauses",
    Group.VOICE_EMOTION: "Voice emotion",
    Group.WORDS: "Words",
    Group.EYES: "Eyes",
    Group.GAZE: "Gaze",
    Group.HEAD: "Head",
    Group.EXPRESSION: "Expression",
    Group.PULSE: "Pulse",
    Group.NONVERBAL: "Nonverbal indices",
    Group.LEVELS: "Levels of face and voice together",
}

HEAD = """# Signals

Evidence beside the score. Every signal comes once a second with a value (or null), a quality in [0, 1], a reason where
the value is weak or missing, and `z`: its robust distance from what it was in the person's own first minute
(`pipeline/baseline.py`). No signal changes `stress`; what moves a signal besides stress stands on the page of its
field: [voice](voice.md), [face](face.md), [pulse](pulse.md), [words](words.md), [evidence](evidence.md).

This page is written by `scripts/document_signals`. A unit of – is a plain number, with bounds of 0 and 1 a share.
"""


def main() -> int:
    """Write or check the page; return 1 when a check fails."""
    parser = argparse.ArgumentParser(prog="document_signals", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    page = render()
    if not options.check:
        PAGE.write_text(page)
    elif not PAGE.exists() or PAGE.read_text() != page:
        print("docs/signals.md is not what the catalogue says: run scripts/document_signals", file=sys.stderr)
        return 1
    return 0


def render() -> str:
    """Return the page."""
    parts = [HEAD]
    for group in Group:
        definitions = [item for item in CATALOGUE.values() if item.group is group]
        if definitions:
            parts.append(
                f"## {TITLES[group]}\n\n| name | shown as | unit | bounds | what it is |\n|---|---|---|---|---|\n"
            )
            parts[-1] += "".join(f"{_row(item)}\n" for item in definitions)
    return "\n".join(parts)


def _row(item: Definition) -> str:
    low, high = ("" if bound is None else f"{bound:g}" for bound in (item.low, item.high))
    notes = [item.what.replace("|", "\\|")]
    notes += ["Experimental."] if item.is_experimental else []
    notes += [] if item.has_baseline else ["Not compared with the baseline."]
    bounds = f"{low or '–'} to {high or '–'}" if low or high else "–"
    return f"| `{item.name}` | {item.label} | {item.unit or '–'} | {bounds} | {' '.join(notes)} |"


if __name__ == "__main__":
    sys.exit(main())
