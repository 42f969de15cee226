"""When the heart beat, from a pulse wave sampled far too coarsely to see it without interpolation."""

import numpy as np
import scipy  # its parts load when they are first used: a server that only names signals needs none of them

from pipeline.physiology.methods import RATE_HZ, Doubles

FINE_HZ = 300.0
"""Rate at which peaks are looked for: frames 33 ms apart would round each beat by up to 17 ms."""

KEPT_BAND = (0.55, 2.5)
"""What is kept around the rate, as multiples of it: the wave and its second harmonic, with room for a varying rate."""

MIN_DISTANCE = 0.55
"""Shortest time between beats, share of the mean."""

MIN_PROMINENCE = 0.35
"""Of a beat, share of the median of all peaks': less is a dicrotic wave or noise."""

_HIGHEST_HZ = 0.45 * RATE_HZ


def find_beats(wave: Doubles, rate_hz: float) -> Doubles:
    """Find the beats of a pulse wave.

    The wave is filtered around its rate, interpolated by a cubic spline to FINE_HZ, and the top of each beat is that of
    a parabola through the highest three points.

    Args:
        wave: shape (n,), n at least 5 s, at RATE_HZ.
        rate_hz: its mean rate.

    Returns:
        Shape (n_beats,): seconds after the first sample, increasing. Beats within a third of a period of either end are
        left out, for the filter bends them. Empty for a flat wave.
    """
    return find_crests(filter_around(wave, rate_hz), rate_hz)


def filter_around(wave: Doubles, rate_hz: float) -> Doubles:
    """Filter a wave to KEPT_BAND of its rate, without delay; shapes as for :func:`find_beats`."""
    band = (KEPT_BAND[0] * rate_hz, min(KEPT_BAND[1] * rate_hz, _HIGHEST_HZ))
    filtered: Doubles = scipy.signal.sosfiltfilt(
        scipy.signal.butter(2, band, "bandpass", fs=RATE_HZ, output="sos"), wave
    )
    return filtered


def find_crests(filtered: Doubles, rate_hz: float) -> Doubles:
    """Find the beats of a wave that :func:`filter_around` made; as :func:`find_beats`."""
    peaks, found = scipy.signal.find_peaks(
        filtered, distance=max(1, int(MIN_DISTANCE * RATE_HZ / rate_hz)), prominence=0.0
    )
    if not len(peaks):
        return np.empty(0)
    peaks = peaks[found["prominences"] >= MIN_PROMINENCE * np.median(found["prominences"])]
    # Only around each peak, one frame to either side, is the finer curve needed.
    steps = round(FINE_HZ / RATE_HZ)
    near = peaks[:, None] + np.arange(-steps - 1, steps + 2) / steps
    fine: Doubles = scipy.interpolate.CubicSpline(np.arange(len(filtered)), filtered)(near)
    i_top = 1 + fine[:, 1:-1].argmax(axis=1)
    row = np.arange(len(peaks))
    left, top, right = fine[row, i_top - 1], fine[row, i_top], fine[row, i_top + 1]
    bend = left - 2 * top + right
    offset = np.divide(0.5 * (left - right), bend, out=np.zeros(len(peaks)), where=bend < 0)
    beats_s: Doubles = near[row, i_top] / RATE_HZ + np.clip(offset, -0.5, 0.5) / FINE_HZ
    margin_s = 1 / (3 * rate_hz)
    return beats_s[(beats_s >= margin_s) & (beats_s <= (len(filtered) - 1) / RATE_HZ - margin_s)]
