"""The pulse rate of a window, by several methods that must agree, and how far to trust it."""

from dataclasses import dataclass

import numpy as np

from pipeline.physiology.methods import Doubles, band_pass, chrom, pos
from pipeline.physiology.recording import Window
from pipeline.physiology.spectrum import Peak, find_peak
from pipeline.types import Reason
from pipeline.video.face import ramp

MIN_S = 10.0
"""Shortest window of which a rate is said."""

MAX_SPREAD_BPM = 5.0
"""Within this two readings agree."""

MIN_QUALITY = 0.3
"""Below it no rate is said."""

# Each factor of quality rises from 0 to 1 between two limits. They were chosen on generated video, see docs/pulse.md.
SNR_LIMITS_DB = (-1.0, 4.0)
SUPPORT_LIMITS = (0.3, 0.9)
"""See :func:`read_rate`."""
SPEED_LIMITS = (0.3, 1.5)
"""Speed of the head in spans between the outer corners of the eyes a second, 90th percentile: from full to no
quality."""
LEVEL_LIMITS = (15.0, 45.0)
"""Mean green level of the skin."""
BITS_LIMITS = (0.01, 0.04)
"""Bits per pixel: 92 and 369 kbit/s at 640 x 480 and 30 frames a second."""
FRAME_RATE_LIMITS_HZ = (9.0, 18.0)
LENGTH_LIMITS_S = (0.0, 20.0)
"""A window of 10 s has half the quality of one of 20 s and more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateReading:
    """What a window says about the pulse rate."""

    rate_bpm: float
    """The best answer, whatever it is worth."""
    snr_db: float
    """Of the method it comes from."""
    method: str
    """``green``, ``chrom`` or ``pos``."""
    quality: float
    """In [0, 1]."""
    reason: Reason
    """OK from MIN_QUALITY on; below it the reason that weakens most."""


def read_rate(window: Window) -> RateReading | None:
    """Read the pulse rate of a window.

    Green, CHROM and POS each read the mean of the regions (:func:`combine`), green also each region for itself; what
    moves with the head is taken off every wave. The answer is that of the method with the best SNR among the three. Its
    support is the weight of the regions whose green agrees, and half for either of the other two methods that does. A
    region that is the only one in view, as the forehead over a mask, agrees with nobody.
    It is worth what SNR, support, stillness, light, bit rate, frame rate and length leave of it, each a factor in
    [0, 1].

    Returns:
        The reading; None from a window shorter than MIN_S or without any change of colour.
    """
    if window.length_s < MIN_S:
        return None
    movement = movement_basis(window.place)
    colour, weights, waves = combine(window.regions, movement)
    # Filters are linear, so the regions' waves add up to the wave of their mean.
    found = (
        ("green", find_peak(weights @ waves)),
        ("chrom", find_peak(without_movement(chrom(colour), movement))),
        ("pos", find_peak(without_movement(pos(colour), movement))),
    )
    peaks = {method: peak for method, peak in found if peak is not None}
    if not peaks:
        return None
    method = max(peaks, key=lambda name: peaks[name].snr_db)
    best = peaks[method]
    support = sum(0.5 for name, peak in peaks.items() if name != method and _agree(peak, best))
    if len(waves) > 1:
        support += sum(
            float(weight) * _agree(find_peak(wave), best) for weight, wave in zip(weights, waves, strict=True)
        )
    factors = {
        Reason.WEAK: ramp(best.snr_db, SNR_LIMITS_DB),
        Reason.DISAGREE: ramp(support, SUPPORT_LIMITS),
        Reason.MOVING: 1 - ramp(head_speed(window.place), SPEED_LIMITS),
        Reason.DARK: ramp(window.level, LEVEL_LIMITS),
        Reason.COMPRESSED: 1.0 if window.bits_per_pixel is None else ramp(window.bits_per_pixel, BITS_LIMITS),
        Reason.LOW_RATE: ramp(window.frame_rate_hz, FRAME_RATE_LIMITS_HZ),
        Reason.TOO_SHORT: ramp(window.length_s, LENGTH_LIMITS_S),
    }
    quality = float(np.prod(list(factors.values())))
    reason = Reason.OK if quality >= MIN_QUALITY else min(factors, key=lambda name: factors[name])
    return RateReading(rate_bpm=60 * best.rate_hz, snr_db=best.snr_db, method=method, quality=quality, reason=reason)


def movement_basis(place: Doubles) -> Doubles:
    """Return an orthonormal basis of the head's movement in the band of the pulse.

    Args:
        place: shape (n, 5), as in :class:`Window`.

    Returns:
        Shape (n, 5); columns of zeros where nothing moves.
    """
    moved = band_pass(place)
    basis, strength = np.linalg.qr(moved)
    moves = np.abs(np.diag(strength)) > 1e-9
    return np.where(moves, basis, 0.0)


def without_movement(wave: Doubles, movement: Doubles) -> Doubles:
    """Take off what a linear function of the head's place explains: shading, and skin that enters and leaves.

    Args:
        wave: shape (n,), band-passed.
        movement: shape (n, k), of :func:`movement_basis`.
    """
    rest: Doubles = wave - movement @ (movement.T @ wave)
    return rest


def combine(regions: Doubles, movement: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Average regions by how steady their green is in the band: the pulse is in all alike, noise is not.

    Args:
        regions: shape (n_regions, n, 3), as in :class:`Window`.
        movement: shape (n, k), of :func:`movement_basis`.

    Returns:
        The colour, shape (n, 3); the weights, shape (n_regions,), sum 1: inverse variances; and each region's green
        without movement, shape (n_regions, n).
    """
    steady = band_pass(regions[..., 1].T)
    waves = (steady - movement @ (movement.T @ steady)).T
    weights = 1 / np.maximum(waves.var(axis=1), 1e-18)
    weights /= weights.sum()
    return np.tensordot(weights, regions, axes=1), weights, waves


def _agree(peak: Peak | None, other: Peak) -> bool:
    return peak is not None and abs(peak.rate_hz - other.rate_hz) * 60 <= MAX_SPREAD_BPM


def head_speed(place: Doubles) -> float:
    """Return the 90th percentile of the head's speed in spans a second; place as in :class:`Window`."""
    # Steps of a fifth of a second, so that the jitter of landmarks counts little.
    step = place[6:, :2] - place[:-6, :2]
    return float(np.percentile(np.hypot(step[:, 0], step[:, 1]), 90)) * 5
