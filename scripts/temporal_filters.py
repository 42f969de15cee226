"""Simple filters over per-frame emotion shares, the rivals of a trained head; each works on whole batches.

A filter takes probabilities of shape (n, n_frames, 7) and the frames' times of shape (n_frames,), sees nothing of the
future and returns the same shape, rows summing to 1.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from scripts.temporal_motion import Values

Filter = Callable[[Values, Values], Values]

SMALLEST = 1e-4
"""Shares below it count as this much where logarithms are taken."""


def simple_filters() -> Iterator[tuple[str, Filter]]:
    """Yield each filter with its name, over a range of strengths."""
    yield "none", _none
    for n in (3, 5, 10, 20):
        yield f"mean of last {n}", partial(_mean_of_last, n=n)
    for n in (3, 5, 10, 20):
        yield f"mean of last {n}, logits", _on_logits(partial(_mean_of_last, n=n))
    for tau_s in (0.1, 0.15, 0.2, 0.3, 0.5, 0.8):
        yield f"exponential {tau_s} s", partial(_exponential, tau_s=tau_s)
    for tau_s in (0.1, 0.15, 0.2, 0.3, 0.5, 0.8):
        yield f"exponential {tau_s} s, logits", _on_logits(partial(_exponential, tau_s=tau_s))
    for n in (3, 5, 9, 15):
        yield f"median of last {n}", partial(_median_of_last, n=n)
    for slow_hz, per_speed in ((0.1, 0.03), (0.1, 0.1), (0.1, 0.3), (0.1, 1.0)):
        yield f"1 euro {slow_hz} Hz, {per_speed}", partial(_one_euro, slow_hz=slow_hz, per_speed=per_speed)
    for slow_hz, per_distance in ((0.1, 0.2), (0.1, 0.4), (0.1, 0.6), (0.1, 0.9), (0.1, 2.0), (0.1, 4.0), (0.1, 8.0)):
        yield f"adaptive {slow_hz} Hz, {per_distance}", partial(_adaptive, slow_hz=slow_hz, per_distance=per_distance)
    for evidence_s, stay_s in ((0.1, 2.0), (0.2, 2.0), (0.4, 2.0), (0.4, 10.0)):
        name = f"hidden state {evidence_s} s, {stay_s} s"
        yield name, partial(_hidden_state, evidence_s=evidence_s, stay_s=stay_s)
    for window_s in (0.5, 1.0, 1.5):
        yield f"window {window_s} s", partial(average_window, window_s=window_s)


def _none(p: Values, t_s: Values) -> Values:
    return p


def _on_logits(run: Filter) -> Filter:
    return lambda p, t_s: _softmax(run(_logits(p), t_s))


def _logits(p: Values) -> Values:
    return np.asarray(np.log(np.maximum(p, SMALLEST)), np.float64)


def _softmax(logits: Values) -> Values:
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True), np.float64)


def _mean_of_last(x: Values, t_s: Values, *, n: int) -> Values:
    return np.stack([x[:, max(0, i + 1 - n) : i + 1].mean(axis=1) for i in range(x.shape[1])], axis=1)


def _median_of_last(p: Values, t_s: Values, *, n: int) -> Values:
    median = np.stack([np.median(p[:, max(0, i + 1 - n) : i + 1], axis=1) for i in range(p.shape[1])], axis=1)
    return np.asarray(median / median.sum(axis=-1, keepdims=True), np.float64)


def average_window(p: Values, t_s: Values, *, window_s: float) -> Values:
    """Average over the newest window_s, as ``pipeline.face`` does for frames of equal quality."""
    means = [p[:, (t_s > t_s[i] - window_s) & (t_s <= t_s[i])].mean(axis=1) for i in range(len(t_s))]
    return np.stack(means, axis=1)


def _exponential(x: Values, t_s: Values, *, tau_s: float) -> Values:
    out = np.empty_like(x)
    out[:, 0] = x[:, 0]
    for i in range(1, x.shape[1]):
        gain = -np.expm1(-(t_s[i] - t_s[i - 1]) / tau_s)
        out[:, i] = out[:, i - 1] + gain * (x[:, i] - out[:, i - 1])
    return out


def _one_euro(p: Values, t_s: Values, *, slow_hz: float, per_speed: float) -> Values:
    """Filter slowly what hardly moves and quickly what moves fast; one gain for all seven, so the sum stays 1.

    Source: Casiez et al. 2012, "1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy Input"; speed is
    the total variation distance per second, smoothed at 1 Hz.
    """
    out = np.empty_like(p)
    out[:, 0] = p[:, 0]
    speed = np.zeros_like(p[:, 0])
    for i in range(1, p.shape[1]):
        dt_s = t_s[i] - t_s[i - 1]
        speed = speed + _gain(1.0, dt_s) * ((p[:, i] - out[:, i - 1]) / dt_s - speed)
        cut_off_hz = slow_hz + per_speed * 0.5 * np.abs(speed).sum(axis=1, keepdims=True)
        out[:, i] = out[:, i - 1] + _gain(cut_off_hz, dt_s) * (p[:, i] - out[:, i - 1])
    return out


def _adaptive(p: Values, t_s: Values, *, slow_hz: float, per_distance: float) -> Values:
    """Do as the 1 euro filter does, with the smoothed distance of new frames in place of the speed.

    ``pipeline.video.temporal`` for frames of equal quality.
    """
    out = np.empty_like(p)
    out[:, 0] = p[:, 0]
    distance = np.zeros_like(p[:, 0])
    for i in range(1, p.shape[1]):
        dt_s = t_s[i] - t_s[i - 1]
        distance = distance + _gain(1.0, dt_s) * (p[:, i] - out[:, i - 1] - distance)
        cut_off_hz = slow_hz + per_distance * 0.5 * np.abs(distance).sum(axis=1, keepdims=True)
        out[:, i] = out[:, i - 1] + _gain(cut_off_hz, dt_s) * (p[:, i] - out[:, i - 1])
    return out


def _gain(cut_off_hz: Values | float, dt_s: float) -> Values:
    return np.asarray(1 / (1 + 1 / (2 * np.pi * cut_off_hz * dt_s)), np.float64)


def _hidden_state(p: Values, t_s: Values, *, evidence_s: float, stay_s: float) -> Values:
    """Forward algorithm over one hidden expression that stays for stay_s on average.

    Frames of one face say much the same, so evidence_s of them count as one independent observation.
    """
    out = np.empty_like(p)
    out[:, 0] = p[:, 0]
    for i in range(1, p.shape[1]):
        dt_s = t_s[i] - t_s[i - 1]
        left = -np.expm1(-dt_s / stay_s)
        prior = (1 - left) * out[:, i - 1] + left / p.shape[2]
        posterior = prior * np.maximum(p[:, i], SMALLEST) ** min(1.0, dt_s / evidence_s)
        out[:, i] = posterior / posterior.sum(axis=-1, keepdims=True)
    return out
