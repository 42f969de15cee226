"""A made-up session: estimates as the analyser would give them, with a rise, a peak and a hole."""

import math

from pipeline.types import EMOTIONS, Band, Contribution, Estimate, Reading, Reason, Shares

PEAK_S = 40
HOLE_S = range(60, 75)


def reading(value: float | None, reason: Reason = Reason.OK) -> Reading:
    return Reading(value=value, quality=0.0 if value is None else 0.8, reason=reason, age_s=0.1)


def an_estimate(t_s: int) -> Estimate:
    """Return the estimate of one second: 0.2 to 0.8, a peak of 0.9 at PEAK_S, unknown in HOLE_S."""
    known = t_s not in HOLE_S
    stress = 0.9 if t_s == PEAK_S else 0.5 - 0.3 * math.cos(t_s / 19)
    band = Band.LOW if stress < 0.3 else Band.MODERATE if stress < 0.6 else Band.HIGH
    return Estimate(
        t_s=float(t_s),
        stress=reading(stress if known else None, Reason.OK if known else Reason.NO_FACE),
        stress_raw=stress if known else None,
        face=reading(stress if known else None, Reason.OK if known else Reason.NO_FACE),
        voice=reading(stress if known else None, Reason.OK if known else Reason.SILENCE),
        emotions=(0.1, 0.05, 0.2, 0.15, 0.4, 0.05, 0.05) if known else None,
        levels=Shares(
            shares=(0.5, 0.2, 0.3) if known else None,
            quality=0.7 if known else 0.0,
            reason=Reason.OK if known else Reason.NO_FACE,
            age_s=0.2 if known else 0.0,
        ),
        eyes=Shares(
            shares=(0.1, 0.1, 0.3, 0.4, 0.05, 0.05) if known else None,
            quality=0.6 if known else 0.0,
            reason=Reason.OK if known else Reason.UNCLEAR,
            age_s=0.2 if known else 0.0,
        ),
        voice_features=None,
        band=band if known else None,
        trajectory=None,
        window_mean=None,
        window_sd=None,
        peak_t_s=float(PEAK_S) if t_s == PEAK_S + 1 else None,
        contributions=(Contribution(signal=f"face.{EMOTIONS[2]}", amount=stress),) if known else (),
        newest_sample_s=t_s - 0.1,
    )


def a_series(n: int = 120) -> list[Estimate]:
    return [an_estimate(t_s) for t_s in range(n)]
