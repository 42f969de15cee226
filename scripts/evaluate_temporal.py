"""Set a temporal head beside simple filters: accuracy, calibration, flicker, lag and cost in one table.

Sequences are made from FER2013 PublicTest faces, real speech is read from a video. What was made is kept in --cache.
"""

import argparse
import hashlib
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline.types import FaceSample, FloatArray, Reason
from pipeline.video.temporal import SteadyState, steady
from scripts.temporal_filters import Filter, average_window, simple_filters
from scripts.temporal_motion import Values
from scripts.temporal_network import EmbeddingNetwork, HeadFilter
from scripts.temporal_rows import COLUMNS, Candidate, measure
from scripts.temporal_streams import FPS, make_trials

WINDOWS_S = (0.5, 1.0, 1.5)


def main() -> int:
    """Print the table; return 2 when something cannot be read."""
    options = parse_options()
    cv2.setNumThreads(1)
    options.cache.mkdir(parents=True, exist_ok=True)
    try:
        network = EmbeddingNetwork(options.model, needs_embedding=bool(options.head))
        candidates = list_candidates(options.head)
        trials = make_trials(
            data=options.data,
            cache=options.cache,
            network=network,
            sizes=(options.stills, options.changes, options.warps),
            skip=options.skip,
            strides=options.strides,
        )
    except (OSError, KeyError, ValueError) as exc:
        print(f"evaluate_temporal: {exc}", file=sys.stderr)
        return 2
    result: dict[str, Any] = {
        "model": hashlib.sha256(network.content).hexdigest()[:8],
        "fps": {
            f"{FPS / stride:g}": {
                "n_still": len(trial.labels),
                "n_changing": len(trial.targets),
                "n_warped": len(trial.warped_at_s),
                "n_talkers": len(trial.talkers),
                "candidates": {name: measure(each, trial, candidates["as built"]) for name, each in candidates.items()},
            }
            for stride, trial in trials.items()
        },
    }
    print(json.dumps(result) if options.json else _as_text(result))
    return 0


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="evaluate_temporal", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of fer2013.npz and talkers.mp4")
    parser.add_argument("--cache", type=Path, required=True, help="folder for what is made once")
    parser.add_argument("--model", type=Path, help="another emotion network; heads need one with an embedding output")
    parser.add_argument("--head", type=Path, nargs="*", default=[], help="heads written by train_temporal")
    parser.add_argument("--stills", type=int, default=800, help="sequences of one expression")
    parser.add_argument("--changes", type=int, default=320, help="sequences that change")
    parser.add_argument("--warps", type=int, default=240, help="sequences in which the same person changes")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first so many faces")
    parser.add_argument(
        "--strides", type=int, nargs="*", default=[1, 2, 4], help="every how many frames of 20 a second"
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    return parser.parse_args()


def list_candidates(heads: list[Path]) -> dict[str, Candidate]:
    """Return everything that is measured, by name: simple filters, the product's own, and trained heads."""
    rivals = dict(simple_filters()) | {"as built": run_steady}
    rivals |= {
        f"as built, window {window_s} s": partial(_steady_and_average, window_s=window_s) for window_s in WINDOWS_S
    }
    return {name: _without_embedding(run) for name, run in rivals.items()} | {
        f"head {path.stem}": HeadFilter(path) for path in heads
    }


def run_steady(p: Values, t_s: Values) -> Values:
    """Run the product's filter over shares (n, n_frames, 7) at times (n_frames,), quality 1."""
    out = np.empty_like(p)
    for i_stream, stream in enumerate(p.astype(np.float32)):
        state = SteadyState()
        for i, shares in enumerate(stream):
            sample = FaceSample(t_s=float(t_s[i]), emotions=shares, quality=1.0, reason=Reason.OK)
            state, steadied = steady(state, sample)
            out[i_stream, i] = steadied.emotions
    return out


def _steady_and_average(p: Values, t_s: Values, *, window_s: float) -> Values:
    return average_window(run_steady(p, t_s), t_s, window_s=window_s)


def _without_embedding(run: Filter) -> Candidate:
    def candidate(p: Values, _: FloatArray, t_s: Values) -> Values:
        return run(p, t_s)

    return candidate


def _as_text(result: dict[str, Any]) -> str:
    lines = [f"model {result['model']}"]
    for fps, table in result["fps"].items():
        lines.append(
            f"\n{fps} frames/s: {table['n_still']} still sequences, {table['n_changing']} changes of person, "
            f"{table['n_warped']} of the same person, {table['n_talkers']} talkers"
        )
        lines.append(f"{'':32s}" + "".join(f"{title:>11s}" for title in COLUMNS.values()))
        for name, row in table["candidates"].items():
            lines.append(
                f"{name:32s}"
                + "".join(f"{row[key] if row[key] is None else format(row[key], '.4g'):>11}" for key in COLUMNS)
            )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
