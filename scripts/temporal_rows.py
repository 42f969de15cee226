"""One row of the table: a candidate measured on held-out sequences and on real talkers."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.fusion import FACE_WEIGHTS
from pipeline.types import FloatArray
from scripts.evaluate_emotion_figures import expected_calibration_error
from scripts.temporal_figures import flicker, half_way, interval, lags_s, mean_response, settled, tick_variation
from scripts.temporal_motion import Values
from scripts.temporal_streams import Streams, Trial

WEIGHTS = np.array(list(FACE_WEIGHTS.values()))

Candidate = Callable[[Values, FloatArray, Values], Values]
"""Shares (n, n_frames, 7), embeddings (n, n_frames, 1280) and times (n_frames,) to shares."""

COLUMNS = {
    "accuracy_last": "last",
    "accuracy": "frames",
    "accuracy_changing": "changing",
    "ece": "ECE",
    "variation_per_s": "TV/s",
    "changes_per_s": "chg/s",
    "talkers_variation_per_s": "talk TV/s",
    "talkers_changes_per_s": "talk chg/s",
    "talkers_tick_variation": "talk tick",
    "talkers_stress_per_s": "talk ds/s",
    "talkers_stress": "talk s",
    "lag_ms": "lag ms",
    "lag_p90_ms": "p90 ms",
    "same_lag_ms": "same ms",
    "same_after_1s": "after 1 s",
    "us_per_frame": "us",
}
"""What the printed table shows, with its headings."""


def measure(candidate: Candidate, trial: Trial, built: Candidate) -> dict[str, Any]:
    """Measure one candidate.

    Args:
        candidate: what is measured.
        trial: what it is measured on.
        built: the product's filter, for the differences of accuracy.

    Returns:
        The keys of COLUMNS, and intervals of 95 % by sequence.
    """
    row = _on_still(candidate, trial) | _on_changing(candidate, trial)
    row |= _on_warped(candidate, trial) | _on_talkers(candidate, trial)
    over_built = _accuracies(candidate, trial) - _accuracies(built, trial)
    return row | {"over_built": round(float(over_built.mean()), 4), "over_built_ci95": _interval(over_built)}


def _accuracies(candidate: Candidate, trial: Trial) -> Values:
    """Return the share of frames named rightly of each still sequence."""
    right = _run(candidate, trial.still).argmax(axis=2) == trial.labels[:, None]
    return np.asarray(right.mean(axis=1), np.float64)


def _run(candidate: Candidate, streams: Streams) -> Values:
    return candidate(streams.p, streams.embeddings, streams.t_s)


def _interval(per_sequence: Values) -> list[float]:
    return [round(bound, 4) for bound in interval(per_sequence)]


def _on_still(candidate: Candidate, trial: Trial) -> dict[str, Any]:
    out = _run(candidate, trial.still)
    right = out.argmax(axis=2) == trial.labels[:, None]
    unfiltered = trial.still.p.argmax(axis=2) == trial.labels[:, None]
    moved = flicker(out, trial.still.t_s)
    flat = out.reshape(-1, out.shape[2]).astype(np.float32)
    return {
        "accuracy_last": round(float(right[:, -1].mean()), 4),
        "accuracy_last_ci95": _interval(right[:, -1].astype(float)),
        "accuracy": round(float(right.mean()), 4),
        "accuracy_ci95": _interval(right.mean(axis=1)),
        "gain_last_ci95": _interval(right[:, -1].astype(float) - unfiltered[:, -1]),
        "gain_ci95": _interval(right.mean(axis=1) - unfiltered.mean(axis=1)),
        "ece": round(expected_calibration_error(flat, np.repeat(trial.labels, out.shape[1])), 4),
        "variation_per_s": round(moved.variation_per_s, 4),
        "changes_per_s": round(moved.changes_per_s, 4),
    }


def _on_changing(candidate: Candidate, trial: Trial) -> dict[str, Any]:
    t_s = trial.changing.t_s
    out = _run(candidate, trial.changing)
    half, is_visible = half_way(trial.changing.p, t_s, trial.switch_s, trial.ends)
    late_s = lags_s(out, t_s, trial.switch_s, trial.ends, half)[is_visible]
    right = out.argmax(axis=2) == trial.targets
    return {
        "lag_ms": round(1000 * float(np.median(late_s)), 1),
        "lag_p90_ms": round(1000 * float(np.quantile(late_s, 0.9, method="lower")), 1),
        "accuracy_changing": round(float(right.mean()), 4),
        "accuracy_changing_ci95": _interval(right.mean(axis=1)),
    }


def _on_warped(candidate: Candidate, trial: Trial) -> dict[str, Any]:
    warped = trial.warped
    if len(warped.p) == 0:
        return {"same_lag_ms": None, "same_after_1s": None}
    levels = settled(warped.p, warped.t_s, trial.warped_at_s)
    times_s, made = mean_response(_run(candidate, warped), warped.t_s, trial.warped_at_s, *levels)
    half = np.flatnonzero(made >= 0.5)
    return {
        "same_lag_ms": round(1000 * float(times_s[half[0]])) if len(half) else None,
        "same_after_1s": round(float(made[-1]), 3),
    }


def _on_talkers(candidate: Candidate, trial: Trial) -> dict[str, Any]:
    outs, times_s = [], []
    for person in trial.talkers:
        started_s = time.perf_counter()
        outs.append(_run(candidate, person))
        times_s.append((time.perf_counter() - started_s) / len(person.t_s))
    spans_s = [person.t_s for person in trial.talkers]
    moved = [flicker(out, t_s) for out, t_s in zip(outs, spans_s, strict=True)]
    ticks = [tick_variation(out, t_s) for out, t_s in zip(outs, spans_s, strict=True)]
    stress = [out[0] @ WEIGHTS for out in outs]
    return {
        "talkers_variation_per_s": round(float(np.mean([each.variation_per_s for each in moved])), 4),
        "talkers_changes_per_s": round(float(np.mean([each.changes_per_s for each in moved])), 4),
        "talkers_tick_variation": round(float(np.mean(ticks)), 4),
        "talkers_stress_per_s": round(
            float(np.mean([np.abs(np.diff(s)).sum() / t_s[-1] for s, t_s in zip(stress, spans_s, strict=True)])), 4
        ),
        "talkers_stress": round(float(np.mean([s.mean() for s in stress])), 4),
        "us_per_frame": round(1e6 * float(np.median(times_s)), 1),
    }
