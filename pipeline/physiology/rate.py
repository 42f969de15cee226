"""The pulse rate of a window, by several methods that must agree, and how far to trust it."""

from dataclasses import dataclass

import numpy as np

from pipeline.physiology.methods import Doubles, band_pass, chrom, green, pos
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
SNR_LIMITS_DB = (-1.0, 6.0)
SUPPORT_LIMITS = (0.4, 0.8)
"""Share of the other readings that agree, see :func:`read_rate`."""
SPEED_LIMITS = (0.25, 1.2)
"""Speed of the head in spans between the outer corners of the eyes a second, 90th percentile: from full to no
quality."""
EXPLAINED_LIMITS = (0.35, 0.8)
"""Share of the wave that movement of the head explains: from full to no quality."""
LEVEL_LIMITS = (15.0, 45.0)
"""Mean green level of the skin."""
BITS_LIMITS = (0.012, 0.05)
"""Bits per pixel: 110 and 460 kbit/s at 640 x 480 and 30 frames a second."""
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

    Green, CHROM and POS each read the mean of the regions, green also each region for itself. The answer is that of the
    method with the best SNR among the three. It is worth what SNR, agreement of the other readings, stillness, light,
    bit rate, frame rate and length leave of it, each a factor in [0, 1].

    Returns:
        The reading; None from a window shorter than MIN_S or without any change of colour.
    """
    if window.length_s < MIN_S:
        return None
    colour = window.colour
    waves = {"green": green(colour), "chrom": chrom(colour), "pos": pos(colour)}
    peaks = {name: peak for name, wave in waves.items() if (peak := find_peak(wave)) is not None}
    if not peaks:
        return None
    method = max(peaks, key=lambda name: peaks[name].snr_db)
    best = peaks[method]
    others = [peak for name, peak in peaks.items() if name != method]
    factors = {
        Reason.WEAK: ramp(best.snr_db, SNR_LIMITS_DB),
        Reason.DISAGREE: ramp(_support(best, others, window), SUPPORT_LIMITS),
        Reason.MOVING: min(
            1 - ramp(head_speed(window.place), SPEED_LIMITS),
            1 - ramp(share_explained(waves[method], window.place), EXPLAINED_LIMITS),
        ),
        Reason.DARK: ramp(window.level, LEVEL_LIMITS),
        Reason.COMPRESSED: 1.0 if window.bits_per_pixel is None else ramp(window.bits_per_pixel, BITS_LIMITS),
        Reason.LOW_RATE: ramp(window.frame_rate_hz, FRAME_RATE_LIMITS_HZ),
        Reason.TOO_SHORT: ramp(window.length_s, LENGTH_LIMITS_S),
    }
    quality = float(np.prod(list(factors.values())))
    reason = Reason.OK if quality >= MIN_QUALITY else min(factors, key=lambda name: factors[name])
    return RateReading(rate_bpm=60 * best.rate_hz, snr_db=best.snr_db, method=method, quality=quality, reason=reason)


def head_speed(place: Doubles) -> float:
    """Return the 90th percentile of the head's speed in spans a second; place as in :class:`Window`."""
    # Steps of a fifth of a second, so that the jitter of landmarks counts little.
    step = place[6:, :2] - place[:-6, :2]
    return float(np.percentile(np.hypot(step[:, 0], step[:, 1]), 90)) * 5


def share_explained(wave: Doubles, place: Doubles) -> float:
    """Return the share of a band-passed wave's power that is a linear function of the head's place in the same band."""
    power = float(wave @ wave)
    if power <= 0:
        return 0.0
    basis, _ = np.linalg.qr(band_pass(place))
    return float(np.sum((basis.T @ wave) ** 2)) / power


def _support(best: Peak, others: list[Peak], window: Window) -> float:
    """Return the share of the other readings that agree with the best: other methods and green of single regions."""
    regions = [find_peak(green(region)) for region in window.regions]
    rates = [peak.rate_hz for peak in others + [peak for peak in regions if peak is not None]]
    agreeing = [abs(rate_hz - best.rate_hz) * 60 <= MAX_SPREAD_BPM for rate_hz in rates]
    return float(np.mean(agreeing)) if agreeing else 0.0
