"""Figures of a stream of emotion shares: how right, how calm, how quick."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scripts.temporal_motion import Values

N_BOOTSTRAP = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Flicker:
    """How much a stream of shares moves."""

    variation_per_s: float
    """Total variation distance between consecutive shares, summed, per second."""
    changes_per_s: float
    """Changes of the largest share per second."""


def flicker(p: Values, t_s: Values) -> Flicker:
    """Measure streams of shape (n, n_frames, 7) at times of shape (n_frames,), n_frames >= 2; the mean over n."""
    length_s = float(t_s[-1] - t_s[0])
    steps = 0.5 * np.abs(np.diff(p, axis=1)).sum(axis=2)
    changes = np.diff(p.argmax(axis=2), axis=1) != 0
    return Flicker(
        variation_per_s=float(steps.sum(axis=1).mean() / length_s),
        changes_per_s=float(changes.sum(axis=1).mean() / length_s),
    )


def tick_variation(p: Values, t_s: Values) -> float:
    """Total variation distance between shares one second apart, the first second left out; the mean over all pairs.

    Args:
        p: shape (n, n_frames, 7).
        t_s: shape (n_frames,), from 0 to 2 s or more.
    """
    first = np.flatnonzero((t_s >= 1.0) & (t_s <= t_s[-1] - 1.0))
    second = np.searchsorted(t_s, t_s[first] + 1.0 - 1e-6)
    return float(0.5 * np.abs(p[:, second] - p[:, first]).sum(axis=2).mean())


def lags_s(p: Values, t_s: Values, switch_s: Values, ends: npt.NDArray[np.int64], half: Values) -> Values:
    """Time from the middle of a change until the shares are half-way.

    Args:
        p: shape (n, n_frames, 7).
        t_s: shape (n_frames,).
        switch_s: shape (n,), the middle of the change.
        ends: shape (n, 2), the emotion before and the one after.
        half: shape (n,), the value of share after less share before that counts as half-way.

    Returns:
        Shape (n,), interpolated between frames; infinite where the stream never gets there.
    """
    rows = np.arange(len(p))
    difference = p[rows, :, ends[:, 1]] - p[rows, :, ends[:, 0]]
    out = np.full(len(p), np.inf)
    for i in rows:
        # From 0.2 s before the middle, where no fade has begun to show: what was crossed earlier was flicker.
        first = int(np.searchsorted(t_s, switch_s[i] - 0.2))
        above = np.flatnonzero(difference[i, first:] >= half[i])
        if len(above):
            k = first + int(above[0])
            before, now = difference[i, max(0, k - 1)], difference[i, k]
            back = (now - half[i]) / (now - before) if now > before and k > first else 0.0
            out[i] = t_s[k] - back * (t_s[k] - t_s[max(0, k - 1)]) - switch_s[i]
    return out


def mean_response(p: Values, t_s: Values, switch_s: Values, before: Values, after: Values) -> tuple[Values, Values]:
    """Follow a change of any size and direction, averaged over streams.

    Args:
        p: shape (n, n_frames, 7), n >= 1.
        t_s: shape (n_frames,).
        switch_s: shape (n,), the middle of the change.
        before: shape (n, 7), where the unfiltered shares settle before the change.
        after: shape (n, 7), where they settle after it, not the same.

    Returns:
        Times relative to the middle of the change, and how much of the way has been made, 0 to 1 and beyond.
    """
    way = after - before
    made = ((p - before[:, None]) * way[:, None]).sum(axis=2) / (way**2).sum(axis=1)[:, None]
    times_s = np.arange(-10, 51) / 50
    return times_s, np.mean(
        [np.interp(times_s + at_s, t_s, row) for at_s, row in zip(switch_s, made, strict=True)], axis=0
    )


def settled(p: Values, t_s: Values, switch_s: Values) -> tuple[Values, Values]:
    """Return the mean shares up to 0.2 s before and from 0.2 s after the middle of the change, shape (n, 7) each."""
    is_before = (t_s < switch_s[:, None] - 0.2)[:, :, None]
    is_after = (t_s > switch_s[:, None] + 0.2)[:, :, None]
    before, after = ((p * chosen).sum(axis=1) / chosen.sum(axis=1) for chosen in (is_before, is_after))
    return before, after


def half_way(
    p: Values, t_s: Values, switch_s: Values, ends: npt.NDArray[np.int64]
) -> tuple[Values, npt.NDArray[np.bool_]]:
    """Say where half-way lies, from the unfiltered stream.

    Returns:
        The mean of the settled differences before and after the change, shape (n,), and which changes are visible
        at all: where the network itself tells the two apart on average, by 0.5 or more.
    """
    rows = np.arange(len(p))
    levels = [level[rows, ends[:, 1]] - level[rows, ends[:, 0]] for level in settled(p, t_s, switch_s)]
    before, after = levels
    return (before + after) / 2, (before < -0.25) & (after > 0.25)


def interval(per_sequence: Values) -> tuple[float, float]:
    """95 % percentile bootstrap interval of a mean over sequences, shape (n,); the same input gives the same."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(per_sequence), (N_BOOTSTRAP, len(per_sequence)))
    low, high = np.percentile(per_sequence[rows].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)
