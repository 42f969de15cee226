"""The pulse of a face: rate, and as an experiment its variability. Evidence beside the score, never part of it."""

from collections.abc import Mapping

import numpy as np

from pipeline.physiology.beats import filter_around, find_crests
from pipeline.physiology.hrv import intervals, lf_hf_ratio, measure_variability
from pipeline.physiology.rate import (
    MAX_SPREAD_BPM,
    RateReading,
    combine,
    head_speed,
    movement_basis,
    read_rate,
)
from pipeline.physiology.recording import KEPT_S, Recording, Window, cut_window, new_recording, record
from pipeline.physiology.spectrum import find_peak
from pipeline.signals import Definition, Group, absent
from pipeline.types import FaceFrame, Reason, Signal
from pipeline.video.face import ramp

RATE_WINDOW_S = 30.0
"""Newest seconds that the rate is read from."""

MAX_AGE_S = 1.0
"""Without skin in view for longer than this nothing is said."""

VARIABILITY_MIN_S = 60.0
BALANCE_MIN_S = 120.0

KEPT_LIMITS = (0.8, 0.95)
"""Share of intervals that are believed."""

EXTREMES_LIMITS = (0.25, 0.5)
"""Difference between the RMSSD of the wave's crests and that of its troughs, over their mean: from full to no quality.
Noise moves the two independently, the heart nearly together. On 21 finger recordings nothing tells errors of the RMSSD
better (docs/pulse.md)."""

VARIABILITY_SNR_LIMITS_DB = (3.0, 10.0)
VARIABILITY_SPEED_LIMITS = (0.15, 0.5)
"""As SPEED_LIMITS of ``pipeline.physiology.rate``, but a beat's time suffers earlier than the rate."""

VARIABILITY_MIN_QUALITY = 0.3

_RATE = Definition(
    name="pulse.rate",
    label="Pulse rate",
    unit="bpm",
    group=Group.PULSE,
    what="Heart beats a minute from the colour of the skin, over the last 10 to 30 s.",
    digits=0,
    low=42.0,
    high=180.0,
    window_s=RATE_WINDOW_S,
)
_SNR = Definition(
    name="pulse.snr",
    label="Pulse signal to noise",
    unit="dB",
    group=Group.PULSE,
    what="How far the pulse stands out of everything else in the colour of the skin, over the last 10 to 30 s.",
    digits=1,
    low=-40.0,
    high=40.0,
    has_baseline=False,
)


def _experiment(name: str, label: str, unit: str, what: str, digits: int = 0) -> Definition:
    return Definition(
        name=name,
        label=label,
        unit=unit,
        group=Group.PULSE,
        what=what,
        digits=digits,
        low=0.0,
        # Minutes long windows overlap: values of the first minute cannot say how much it varies by itself.
        has_baseline=False,
        is_experimental=True,
    )


_VARIABILITY = (
    _experiment(
        "pulse.rmssd",
        "Beat to beat variability (RMSSD)",
        "ms",
        "Root mean square of the differences between neighbouring beat intervals, over the last 60 to 150 s.",
    ),
    _experiment(
        "pulse.sdnn",
        "Variability of the pulse (SDNN)",
        "ms",
        "Standard deviation of the beat intervals, over the last 60 to 150 s.",
    ),
    _experiment(
        "pulse.sd1",
        "Poincaré width (SD1)",
        "ms",
        "Spread of each beat interval against the next across the line of identity, over the last 60 to 150 s.",
    ),
    _experiment(
        "pulse.sd2",
        "Poincaré length (SD2)",
        "ms",
        "Spread of each beat interval against the next along the line of identity, over the last 60 to 150 s.",
    ),
)
_BALANCE = _experiment(
    "pulse.lf_hf",
    "Slow over fast variability (LF/HF)",
    "",
    "Power of the beat intervals at 0.04 to 0.15 Hz over that at 0.15 to 0.4 Hz, over the last 120 to 150 s.",
    digits=1,
)

DEFINITIONS: tuple[Definition, ...] = (_RATE, _SNR, *_VARIABILITY, _BALANCE)

N_VARIABILITY = len(_VARIABILITY) + 1
"""Signals at the end of DEFINITIONS that are about variability."""
VARIABILITY_EVERY_S = 5.0

PulseState = Recording
"""What the pulse needs to remember: at most KEPT_S seconds of skin colours."""

new_pulse = new_recording


def follow_pulse(state: PulseState, frame: FaceFrame) -> PulseState:
    """Take in the next frame. A gap of more than 200 ms without skin in view, or another face, begins anew."""
    return record(state, frame)


def view_pulse(state: PulseState, t_s: float, *, variability: tuple[Signal, ...] | None = None) -> tuple[Signal, ...]:
    """Say what is known at a tick.

    Args:
        state: of the frames so far.
        t_s: time of the tick; later frames count for nothing.
        variability: what an earlier call of at most VARIABILITY_EVERY_S ago gave beyond the first two signals, to be
            used again where there still is a rate: it costs three times as much as the rate and hardly changes in that
            time. None measures it anew.

    Returns:
        One signal for each of DEFINITIONS. Without a value: NO_VIDEO, NO_FACE, TURNED_AWAY, DARK or GAP when there is
        no skin in view now; TOO_SHORT or, when the recording had to begin anew, GAP while it is not long enough;
        otherwise the reason that weakens most (MOVING, COMPRESSED, DARK, DISAGREE, WEAK, LOW_RATE).
    """
    rows = state.rows[state.rows[:, 0] <= t_s]
    missing = _why_missing(state, float(rows[-1, 0]) if len(rows) else None, t_s)
    if missing is not None:
        return absent(DEFINITIONS, missing)
    age_s = t_s - float(rows[-1, 0])
    is_short = Reason.GAP if state.was_cut else Reason.TOO_SHORT
    window = cut_window(rows, RATE_WINDOW_S)
    reading = None if window is None else read_rate(window)
    if reading is None:
        return absent(DEFINITIONS, is_short)
    quality = reading.quality if reading.reason is Reason.OK else 0.0
    rate = _signal(_RATE, reading.rate_bpm, quality, reading.reason, age_s)
    snr = _signal(_SNR, reading.snr_db, 1.0, Reason.OK, age_s)
    if rows[-1, 0] - rows[0, 0] < VARIABILITY_MIN_S:
        return (rate, snr, *absent((*_VARIABILITY, _BALANCE), is_short))
    if reading.reason is not Reason.OK:
        return (rate, snr, *absent((*_VARIABILITY, _BALANCE), reading.reason))
    longest = cut_window(rows, KEPT_S)
    if longest is None or longest.length_s < VARIABILITY_MIN_S - 0.1:
        return (rate, snr, *absent((*_VARIABILITY, _BALANCE), is_short))
    if variability is not None:
        return (rate, snr, *variability)
    return (rate, snr, *_view_variability(longest, reading, age_s, is_short))


def _why_missing(state: PulseState, newest_s: float | None, t_s: float) -> Reason | None:
    """Return why there is no skin in view now, None when there is."""
    if newest_s is not None and t_s - newest_s <= MAX_AGE_S:
        return None
    hidden_s = state.hidden_s
    if hidden_s is not None and t_s - hidden_s <= MAX_AGE_S and (newest_s is None or hidden_s > newest_s):
        return state.hidden_reason
    return Reason.NO_VIDEO if newest_s is None and hidden_s is None else Reason.GAP


def _view_variability(window: Window, reading: RateReading, age_s: float, is_short: Reason) -> tuple[Signal, ...]:
    """Measure the variability of green, the one channel that survives compression and costs little over minutes."""
    wanted = (*_VARIABILITY, _BALANCE)
    movement = movement_basis(window.place)
    _, weights, waves = combine(window.regions, movement)
    wave = weights @ waves
    peak = find_peak(wave[-round(RATE_WINDOW_S * 30) :])
    if peak is None or abs(60 * peak.rate_hz - reading.rate_bpm) > MAX_SPREAD_BPM:
        return absent(wanted, Reason.DISAGREE)
    filtered = filter_around(wave, peak.rate_hz)
    beats_s = find_crests(filtered, peak.rate_hz)
    found_s, kept = intervals(beats_s)
    crests = measure_variability(found_s)
    troughs = measure_variability(intervals(find_crests(-filtered, peak.rate_hz))[0])
    if crests is None or troughs is None:
        return absent(wanted, Reason.WEAK)
    apart = 2 * abs(crests.rmssd_ms - troughs.rmssd_ms) / max(crests.rmssd_ms + troughs.rmssd_ms, 1e-9)
    factors: Mapping[Reason, float] = {
        Reason.WEAK: ramp(kept, KEPT_LIMITS) * ramp(peak.snr_db, VARIABILITY_SNR_LIMITS_DB),
        Reason.DISAGREE: 1 - ramp(apart, EXTREMES_LIMITS),
        Reason.MOVING: 1 - ramp(head_speed(window.place), VARIABILITY_SPEED_LIMITS),
    }
    quality = float(np.prod(list(factors.values())))
    if quality < VARIABILITY_MIN_QUALITY:
        return absent(wanted, min(factors, key=lambda name: factors[name]))
    values = (crests.rmssd_ms, crests.sdnn_ms, crests.sd1_ms, crests.sd2_ms)
    signals = [
        _signal(definition, value, quality, Reason.OK, age_s)
        for definition, value in zip(_VARIABILITY, values, strict=True)
    ]
    ratio = lf_hf_ratio(beats_s, found_s) if window.length_s >= BALANCE_MIN_S - 0.1 else None
    if ratio is None:
        return (*signals, *absent((_BALANCE,), is_short))
    return (*signals, _signal(_BALANCE, ratio, quality, Reason.OK, age_s))


def _signal(definition: Definition, value: float, quality: float, reason: Reason, age_s: float) -> Signal:
    """Return a signal; without a value where the quality is 0."""
    known = value if quality > 0 else None
    return Signal(
        name=definition.name, value=known, quality=quality, reason=reason, age_s=age_s if quality > 0 else 0.0
    )
