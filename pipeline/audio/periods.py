"""Where the periods of a voiced stretch lie, one vocal fold closure after the other.

Source: the cross-correlation method of Praat ("To PointProcess (cc)"): from the strongest extremum of the stretch, each
next moment is where one period of sound resembles the present one most.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.audio.framing import Doubles

SHORTEST_SHARE = 0.8
"""Of the period that the pitch track expects: where the next closure may lie."""
LONGEST_SHARE = 1.25
MIN_RESEMBLANCE = 0.3
"""Normalised cross-correlation under which the voice is taken to have stopped."""
N_AMPLITUDE_POINTS = 33
AMPLITUDE_REACH = 0.2
"""Of the neighbouring periods: how far around a moment its amplitude is taken (Praat)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """Closures of one voiced stretch, n of them."""

    t_s: Doubles
    """Shape (n,), from the first sample, rising."""
    amplitude: Doubles
    """Shape (n,): RMS, Hann-weighted, around each; NaN for the first and the last."""


def find_periods(samples: npt.NDArray[np.floating], rate_hz: float, f0_hz: Doubles, at_s: Doubles) -> Periods:
    """Find the periods of one voiced stretch.

    Args:
        samples: sound of the stretch, shape (m,).
        rate_hz: of the sound.
        f0_hz: pitch within it, shape (k,), k >= 1, all > 0.
        at_s: moments of these in seconds from the first sample, rising.

    Returns:
        Periods from around the first moment to the last; fewer than two where there is no resemblance.
    """
    sound = np.asarray(samples, np.float64)
    energy = np.concatenate(([0.0], np.cumsum(sound**2)))
    first, last = at_s[0] * rate_hz, at_s[-1] * rate_hz
    period = rate_hz / f0_hz

    def expect(at: float) -> float:
        return float(np.interp(at / rate_hz, at_s, period))

    middle = round((first + last) / 2)
    reach = max(1, round(expect(middle) / 2))
    begin = max(0, middle - reach)
    around = np.abs(sound[begin : middle + reach + 1])
    if not len(around) or not around.any():
        return Periods(t_s=np.zeros(0), amplitude=np.zeros(0))
    start = float(begin + int(around.argmax()))
    before = _walk(sound, energy, start, first, expect, -1)
    after = _walk(sound, energy, start, last, expect, 1)
    at = np.array([*reversed(before), start, *after])
    return Periods(t_s=at / rate_hz, amplitude=_measure_amplitudes(sound, at))


def _walk(
    sound: Doubles, energy: Doubles, start: float, end: float, expect: Callable[[float], float], direction: int
) -> list[float]:
    """Go from closure to closure until the end of the stretch, or until nothing resembles the last period."""
    found: list[float] = []
    at = start
    while True:
        period = expect(at)
        if (end - at) * direction < period / 2:
            return found
        lag = _match(sound, energy, round(at), period, direction)
        if lag is None:
            return found
        at += direction * lag
        found.append(at)


def _match(sound: Doubles, energy: Doubles, centre: int, period: float, direction: int) -> float | None:
    """Distance in samples to the period that resembles the one around centre most; None without one."""
    width = round(period)
    shortest, longest = int(SHORTEST_SHARE * period), int(np.ceil(LONGEST_SHARE * period))
    left = centre - width // 2
    from_, to = (left + shortest, left + longest) if direction > 0 else (left - longest, left - shortest)
    if min(left, from_) < 0 or max(left, to) + width > len(sound):
        return None
    here = energy[left + width] - energy[left]
    there = energy[from_ + width : to + width + 1] - energy[from_ : to + 1]
    product = np.correlate(sound[from_ : to + width], sound[left : left + width], "valid")
    resemblance = product / np.sqrt(np.maximum(here * there, 1e-30))
    best = int(resemblance.argmax())
    if resemblance[best] < MIN_RESEMBLANCE:
        return None
    shift = 0.0
    if 0 < best < len(resemblance) - 1:
        before, peak, after = resemblance[best - 1 : best + 2].tolist()
        curve = before - 2 * peak + after
        shift = 0.5 * (before - after) / curve if curve < 0 else 0.0
    return abs(from_ + best + shift - left)


def _measure_amplitudes(sound: Doubles, at: Doubles) -> Doubles:
    amplitude = np.full(len(at), np.nan)
    if len(at) < 3:
        return amplitude
    gaps = np.diff(at)
    phase = np.linspace(-1.0, 1.0, N_AMPLITUDE_POINTS)
    width = AMPLITUDE_REACH * np.where(phase < 0, gaps[:-1, None], gaps[1:, None])
    values = np.interp(at[1:-1, None] + phase * width, np.arange(len(sound)), sound)
    weight = (0.5 + 0.5 * np.cos(np.pi * phase)) ** 2 * width
    amplitude[1:-1] = np.sqrt((values**2 * weight).sum(axis=1) / weight.sum(axis=1))
    return amplitude
