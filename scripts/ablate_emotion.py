"""Train the small network once with the whole recipe and once for each ingredient left out or added; print a table.

The runs are shorter and cheaper (48 px, stem stride 2) than the real one, so compare them with each other only. Their
teachers are the finished ones in --out; --quick does without, for two CPU cores. Finished runs are not repeated: a
longer list goes on where a shorter one ended.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import torch

from scripts.train_emotion import train
from scripts.train_emotion_recipe import INGREDIENTS, QUICK, STUDENT, Recipe, turned_over

BASE = replace(STUDENT, name="whole-recipe", stem_stride=2)
QUICK_BASE = replace(QUICK, name=BASE.name, size_px=BASE.size_px)
COLUMNS = {
    "public_ferplus7": "FER+ seven classes",
    "public_macro_f1": "macro F1",
    "public_ferplus7_after_codec": "FER+ after a codec",
    "public_fer2013": "FER2013 labels",
}


def main() -> int:
    """Run what is missing, print the table."""
    options = parse_options()
    folder = options.out / "ablation"
    folder.mkdir(parents=True, exist_ok=True)
    recipes = {recipe.name: recipe for recipe in _recipes(options)}
    if options.one is not None:
        torch.set_num_threads(options.threads)
        options.out, options.minutes, options.teachers = folder, None, not options.quick
        options.compile, options.start = False, None
        options.seed = int(options.one.rpartition("@")[2])
        train(recipes[options.one], options)
        return 0
    if not options.quick:
        _link_teachers(options.out, folder)
    waiting = [name for name in recipes if not (folder / f"{name}.pt").exists()]
    running: list[subprocess.Popen[bytes]] = []
    failed = False
    while waiting or running:
        while waiting and len(running) < options.parallel:
            running.append(subprocess.Popen([sys.executable, "-m", "scripts.ablate_emotion", *sys.argv[1:],
                                             "--one", waiting.pop(0)]))  # fmt: skip
        failed |= running.pop(0).wait() != 0
    print(table(folder, list(recipes.values())))
    return int(failed)


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="ablate_emotion", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the training data")
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished teachers; gets ablation/")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--epochs", type=float, default=20)
    parser.add_argument("--seeds", type=int, default=1, help="runs of each line")
    parser.add_argument("--quick", action="store_true", help="no teachers and small batches, for two CPU cores")
    parser.add_argument("--parallel", type=int, default=1, help="runs at the same time")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def _recipes(options: argparse.Namespace) -> list[Recipe]:
    base = QUICK_BASE if options.quick else BASE
    # Without teachers nothing can be distilled, and a recipe without mild faces does not say how many to add.
    left_alone = {"distil"} if options.quick else {"mild_share"}
    lines = [base, *(turned_over(base, ingredient) for ingredient in INGREDIENTS if ingredient not in left_alone)]
    return [replace(recipe, name=f"{recipe.name}@{seed}") for seed in range(1, options.seeds + 1) for recipe in lines]


def _link_teachers(out: Path, folder: Path) -> None:
    for teacher in out.glob("teacher-*.pt"):
        link = folder / teacher.name
        if not link.exists():
            link.symlink_to(teacher.resolve())


def table(folder: Path, recipes: list[Recipe]) -> str:
    """Return the finished runs as a table in Markdown; several seeds as their mean."""
    means: dict[str, dict[str, float]] = {}
    for recipe in recipes:
        path = folder / f"{recipe.name}.json"
        if path.exists():
            report = json.loads(path.read_text())
            line = means.setdefault(recipe.name.rpartition("@")[0], dict.fromkeys((*COLUMNS, "n"), 0.0))
            line["n"] += 1
            for column in COLUMNS:
                line[column] += report.get(column, float("nan"))
    whole = means.get("whole-recipe")
    rows = [f"| recipe | runs | {' | '.join(COLUMNS.values())} |", "|---" * (len(COLUMNS) + 2) + "|"]
    for name, line in means.items():
        cells = []
        for column in COLUMNS:
            share = 100 * line[column] / line["n"]
            base = share if whole is None else 100 * whole[column] / whole["n"]
            cells.append(f"{share:.1f}" if line is whole else f"{share:.1f} ({share - base:+.1f})")
        rows.append(f"| {name.replace('-', ' ')} | {line['n']:.0f} | {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
