"""Three ways from the colour of skin to a pulse wave, side by side.

Green sees the pulse best but also every change of light; CHROM and POS combine the channels so that what changes all
alike cancels. A video encoder rounds small changes of colour away before small changes of brightness, so at call bit
rates CHROM and POS lose the pulse long before green does. All take colour over its own mean at RATE_HZ.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
import scipy  # its parts load when they are first used: a server that only names signals needs none of them
from numpy.lib.stride_tricks import sliding_window_view

RATE_HZ = 30.0
"""Sampling rate of every uniform series here."""

BAND_HZ = (0.7, 3.0)
"""Pulse rates looked for: 42 to 180 bpm."""

STRIDE_S = 1.6
"""Window within which POS and CHROM take the colour of the light as constant (Wang et al. 2017)."""

Doubles = npt.NDArray[np.float64]

_STRIDE = round(STRIDE_S * RATE_HZ)
_HOP = 4
"""Samples between the starts of windows; a divisor of _STRIDE. Every sample is in twelve windows."""


def band_pass(values: Doubles) -> Doubles:
    """Filter to BAND_HZ without delay (Butterworth, third order, both ways), after taking off the straight line.

    Args:
        values: shape (n, ...), n at least 2 s, at RATE_HZ.
    """
    ramp = np.linspace(-1, 1, len(values))
    level = values - values.mean(axis=0)
    slope = np.tensordot(ramp, level, axes=1) / (ramp @ ramp)
    filtered: Doubles = scipy.signal.sosfiltfilt(_design(), level - np.multiply.outer(ramp, slope), axis=0)
    return filtered


@cache
def _design() -> Doubles:
    """Second-order sections of the band pass."""
    sections: Doubles = scipy.signal.butter(3, BAND_HZ, "bandpass", fs=RATE_HZ, output="sos")
    return sections


def green(colour: Doubles) -> Doubles:
    """Return the green channel (Verkruysse et al. 2008), band-passed.

    Args:
        colour: shape (n, 3), red, green, blue over their means, n at least 2 s.

    Returns:
        Shape (n,).
    """
    return band_pass(colour[:, 1])


def chrom(colour: Doubles) -> Doubles:
    """Return the chrominance difference of de Haan and Jeanne (2013), band-passed.

    X = 3R - 2G and Y = 1.5R + G - 1.5B; the pulse is X - a Y with a the ratio of their spreads in windows of
    STRIDE_S, added up under a Hann window.

    Args:
        colour: shape (n, 3), as for :func:`green`.

    Returns:
        Shape (n,).
    """
    red, green_, blue = colour.T
    parts = band_pass(np.stack((3 * red - 2 * green_, 1.5 * red + green_ - 1.5 * blue), axis=1))
    windows = sliding_window_view(parts, _STRIDE, axis=0)[::_HOP]
    ratio = _spread_ratio(windows[:, 0], windows[:, 1])
    wave = (windows[:, 0] - ratio[:, None] * windows[:, 1]) * np.hanning(_STRIDE)
    return band_pass(_overlap_add(wave, len(colour)))


def pos(colour: Doubles) -> Doubles:
    """Return the projection on the plane orthogonal to skin of Wang, den Brinker, Stuijk and de Haan (2017).

    In each window of STRIDE_S the channels go over their means; S1 = G - B, S2 = G + B - 2R; the pulse is
    S1 + a S2 with a the ratio of their spreads; the windows are added up, then band-passed.

    Args:
        colour: shape (n, 3), as for :func:`green`.

    Returns:
        Shape (n,).
    """
    windows = sliding_window_view(colour, _STRIDE, axis=0)[::_HOP]
    level = windows / windows.mean(axis=2, keepdims=True)
    first, second = level[:, 1] - level[:, 2], level[:, 1] + level[:, 2] - 2 * level[:, 0]
    wave = first + _spread_ratio(first, second)[:, None] * second
    return band_pass(_overlap_add(wave - wave.mean(axis=1, keepdims=True), len(colour)))


def _spread_ratio(over: Doubles, under: Doubles) -> Doubles:
    """Return the ratio of standard deviations per row, shape (n_windows,); 0 where the second does not move."""
    spread = under.std(axis=1)
    ratio: Doubles = np.divide(over.std(axis=1), spread, out=np.zeros(len(spread)), where=spread > 0)
    return ratio


def _overlap_add(windows: Doubles, n: int) -> Doubles:
    """Add up windows that start _HOP samples apart, shape (n_windows, _STRIDE), to shape (n,)."""
    total = np.zeros(n)
    for i_window, window in enumerate(windows):
        total[i_window * _HOP : i_window * _HOP + _STRIDE] += window
    return total
