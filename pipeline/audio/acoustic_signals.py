"""What the acoustic measures of the last seconds say, as signals. docs/voice.md has a section for each."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pipeline.audio.acoustics import COUNT_S, REFERENCE_HZ, WINDOW_S, AcousticState, AcousticTrack
from pipeline.audio.framing import HOP_S, Doubles, Flags
from pipeline.audio.mfcc import N_MFCC
from pipeline.audio.perturbation import Perturbation
from pipeline.audio.reading import FULL_SNR_DB, NOISY_SNR_DB
from pipeline.audio.spectral_features import MIN_POWER, to_loudness
from pipeline.signals import Definition, Group, absent
from pipeline.types import Reason, Signal

MAX_AGE_S = 2.0
"""Without sound for longer nothing is said."""
MIN_SPEECH_S = 0.3
"""Less speech in the window is no speech, as in ``pipeline.audio.reading``."""
MIN_AMOUNT_S = 1.0
"""Of speech, or of voice where a signal is about voiced sound; less gives no value."""
FULL_AMOUNT_S = 3.0
"""From here on the amount does not lower the quality."""
MIN_COUNTED_S = 5.0
"""Of speech, before a rate of filled pauses is given; quality rises up to FULL_COUNTED_S."""
FULL_COUNTED_S = 20.0
MIN_STEPS = 30
"""Pairs of neighbouring periods, before jitter or shimmer is given."""
MAX_FROM_MEDIAN_ST = 9.0
"""Pitch further from the window's median is an octave error and is left out."""
MIN_SLOPE_FRAMES = 10
"""Shorter voiced stretches have no slope."""

_GAIN = " Means little while the browser's automatic gain is on, and less while its noise suppression is on."
_SUPPRESSION = " Means less while the browser's noise suppression is on."


def _define(
    name: str,
    label: str,
    unit: str,
    what: str,
    *,
    digits: int = 1,
    low: float | None = None,
    high: float | None = None,
    is_log: bool = False,
    window_s: float = 10.0,
    is_experimental: bool = False,
) -> Definition:
    return Definition(
        name=f"voice.{name}",
        label=label,
        unit=unit,
        group=Group.VOICE,
        what=what,
        digits=digits,
        low=low,
        high=high,
        is_log=is_log,
        window_s=window_s,
        is_experimental=is_experimental,
    )


_LAST = "over the last 10 s"
OF_SPEECH = (
    _define("rms", "Level", "dB", f"RMS level of the speech {_LAST}, under full scale." + _GAIN),
    _define("loudness", "Loudness", "LUFS", f"Loudness (ITU-R BS.1770) of the speech {_LAST}." + _GAIN),
    _define(
        "zcr",
        "Zero crossings",
        "",
        f"Mean share of samples at which the sign changes, in speech {_LAST}." + _SUPPRESSION,
        digits=3,
        low=0.0,
        high=1.0,
        is_log=True,
    ),
    _define(
        "centroid",
        "Brightness",
        "Hz",
        f"Mean spectral centroid of the speech {_LAST}." + _SUPPRESSION,
        digits=0,
        low=0.0,
        is_log=True,
    ),
    _define(
        "rolloff",
        "Upper edge of the spectrum",
        "Hz",
        f"Mean frequency under which 85 % of the spectrum's magnitude lies, in speech {_LAST}." + _SUPPRESSION,
        digits=0,
        low=0.0,
        is_log=True,
    ),
    _define(
        "flux",
        "Change of the spectrum",
        "",
        f"Mean distance of successive spectra of unit length, 10 ms apart, in speech {_LAST}." + _SUPPRESSION,
        low=0.0,
        high=1.42,
        digits=3,
        is_log=True,
    ),
)
OF_PITCH = (
    _define("f0_mean", "Pitch", "st", f"Mean pitch {_LAST}, in semitones over {REFERENCE_HZ} Hz."),
    _define(
        "f0_sd", "Pitch variability", "st", f"Standard deviation of the pitch {_LAST}.", digits=2, low=0.0, is_log=True
    ),
    _define(
        "f0_range",
        "Pitch range",
        "st",
        f"From the 20th to the 80th percentile of the pitch {_LAST}.",
        digits=2,
        low=0.0,
        is_log=True,
    ),
    _define(
        "f0_slope", "Slope of the pitch", "st/s", f"Mean slope of the pitch within voiced stretches {_LAST}; < 0 falls."
    ),
)
OF_SPECTRUM = (
    _define(
        "slope",
        "Spectral slope",
        "dB/kHz",
        f"Mean slope of the voiced spectrum from 500 to 1500 Hz {_LAST}." + _SUPPRESSION,
    ),
    _define(
        "slope_low",
        "Spectral slope, low",
        "dB/kHz",
        f"Mean slope of the voiced spectrum from 0 to 500 Hz {_LAST}." + _SUPPRESSION,
    ),
    _define(
        "alpha_ratio",
        "Alpha ratio",
        "dB",
        f"Mean of voiced power at 50-1000 Hz over that at 1-5 kHz {_LAST}: low in a pressed voice." + _SUPPRESSION,
    ),
    _define(
        "hammarberg",
        "Hammarberg index",
        "dB",
        f"Mean of the strongest voiced power under 2 kHz over that at 2-5 kHz {_LAST}." + _SUPPRESSION,
    ),
)
OF_FORMANTS = tuple(
    _define(
        f"f{i}",
        f"Formant {i}",
        "Hz",
        f"Median of formant {i} in voiced sound {_LAST}: mostly which vowels were said.",
        digits=0,
        low=50.0,
        high=5_450.0,
        is_log=True,
    )
    for i in (1, 2, 3)
)
OF_PERIODS = (
    _define(
        "jitter",
        "Jitter",
        "%",
        f"Mean difference of neighbouring periods over the mean period, in running speech {_LAST}.",
        digits=2,
        low=0.0,
        is_log=True,
    ),
    _define(
        "shimmer",
        "Shimmer",
        "%",
        f"Mean difference of neighbouring periods' amplitudes over the mean, in running speech {_LAST}." + _SUPPRESSION,
        low=0.0,
        is_log=True,
    ),
)
HNR = (
    _define(
        "hnr",
        "Voice clarity",
        "dB",
        f"Mean harmonics-to-noise ratio of voiced sound {_LAST}." + _SUPPRESSION,
        low=-30.0,
        high=50.0,
    ),
)
FILLED_PAUSES = (
    _define(
        "filled_pauses",
        "Filled-pause candidates",
        "1/min",
        "Voiced sounds held for 200 ms or more (uh, but also drawn-out vowels), per minute of speech in the last 60 s.",
        low=0.0,
        window_s=60.0,
        is_experimental=True,
    ),
)
OF_MFCC = tuple(
    _define(
        f"mfcc{i}",
        f"MFCC {i}",
        "",
        f"Mean of cepstral coefficient {i} of the speech {_LAST}; for research." + _SUPPRESSION,
    )
    for i in range(1, N_MFCC + 1)
)
OF_DELTAS = tuple(
    _define(
        f"mfcc{i}_delta",
        f"MFCC {i}, change",
        "",
        f"RMS change of cepstral coefficient {i} per 10 ms in speech {_LAST}; for research." + _SUPPRESSION,
        digits=2,
        low=0.0,
        is_log=True,
    )
    for i in range(1, N_MFCC + 1)
)
_OF_VOICED = OF_PITCH + OF_SPECTRUM + OF_FORMANTS + HNR
DEFINITIONS = OF_SPEECH + _OF_VOICED + OF_PERIODS + FILLED_PAUSES + OF_MFCC + OF_DELTAS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Worth:
    """What is the same for all signals of a view."""

    snr_db: float
    age_s: float

    def judge(self, amount: float, least: float, full: float) -> tuple[float, Reason]:
        """Quality in [0, 1] and the reason, for an amount of sound that a value rests on; 0 when it is too little."""
        if amount < least:
            return 0.0, Reason.TOO_SHORT
        quality = min(1.0, max(0.0, self.snr_db) / FULL_SNR_DB) * min(1.0, amount / full)
        if self.snr_db < NOISY_SNR_DB:
            return quality, Reason.NOISE
        return quality, Reason.OK if amount >= full else Reason.TOO_SHORT


def view_acoustics(state: AcousticState, t_s: float) -> tuple[Signal, ...]:
    """Return all signals of this module at a tick.

    Quality is SNR / FULL_SNR_DB times amount / FULL_AMOUNT_S, each at most 1; the amount is speech, voiced sound or
    pairs of periods, whichever the signal rests on.
    """
    track = state.track.where(state.track.t_s > t_s - WINDOW_S)
    has_hole = state.hole_s > t_s - WINDOW_S
    if not len(track.t_s) or t_s - track.t_s[-1] > MAX_AGE_S:
        return absent(DEFINITIONS, Reason.GAP if state.hole_s > t_s - MAX_AGE_S else Reason.NO_AUDIO)
    speech_s = float(track.is_speech.sum()) * HOP_S
    if speech_s < MIN_SPEECH_S:
        if has_hole and len(track.t_s) * HOP_S < WINDOW_S / 2:
            return absent(DEFINITIONS, Reason.GAP)
        return absent(DEFINITIONS, Reason.NOISE if track.is_loud.mean() > 0.5 else Reason.SILENCE)
    speech, voiced = track.where(track.is_speech), track.where(track.is_voiced)
    level_db = 10 * float(np.log10(max(float(speech.spectral.mean_square.mean()), MIN_POWER)))
    worth = _Worth(snr_db=level_db - float(np.median(track.floor_dbfs)), age_s=max(0.0, t_s - float(speech.t_s[-1])))
    perturbation = sum((one for end_s, one in state.perturbations if end_s > t_s - WINDOW_S), Perturbation())
    amount = worth.judge(speech_s, MIN_AMOUNT_S, FULL_AMOUNT_S)
    voiced_amount = worth.judge(len(voiced.t_s) * HOP_S, MIN_AMOUNT_S, FULL_AMOUNT_S)
    steps = worth.judge(perturbation.n_period_steps, MIN_STEPS, 4 * MIN_STEPS)
    spoken_s = sum(seconds for end_s, seconds in state.spoken if end_s > t_s - COUNT_S)
    counted = worth.judge(spoken_s, MIN_COUNTED_S, FULL_COUNTED_S)
    n_filled = sum(end_s > t_s - COUNT_S for end_s in state.filled_s)
    values: list[tuple[tuple[Definition, ...], list[float | None], tuple[float, Reason]]] = [
        (OF_SPEECH, [level_db, *_describe_speech(speech)], amount),
        (_OF_VOICED, _describe_voiced(track, voiced), voiced_amount),
        (OF_PERIODS, [_percent(perturbation.jitter), _percent(perturbation.shimmer)], steps),
        (FILLED_PAUSES, [60 * n_filled / spoken_s if spoken_s > 0 else None], counted),
        (OF_MFCC, _means(speech.mfcc), amount),
        (OF_DELTAS, _root_mean_squares(speech.mfcc_delta), amount),
    ]
    return tuple(
        _signal(definition, value, quality, reason, worth.age_s)
        for definitions, group, (quality, reason) in values
        for definition, value in zip(definitions, group, strict=True)
    )


def _signal(definition: Definition, value: float | None, quality: float, reason: Reason, age_s: float) -> Signal:
    if value is None or not np.isfinite(value) or quality <= 0:
        missing = Reason.TOO_SHORT if reason is Reason.OK else reason
        return Signal(name=definition.name, value=None, quality=0.0, reason=missing, age_s=0.0)
    return Signal(name=definition.name, value=value, quality=quality, reason=reason, age_s=age_s)


def _describe_speech(speech: AcousticTrack) -> list[float | None]:
    """OF_SPEECH without the level."""
    spectral = speech.spectral
    return [
        to_loudness(float(spectral.weighted_square.mean())),
        _mean(spectral.zero_crossing_rate),
        _mean(spectral.centroid_hz),
        _mean(spectral.rolloff_hz),
        _mean(spectral.flux),
    ]


def _describe_voiced(track: AcousticTrack, voiced: AcousticTrack) -> list[float | None]:
    """Values of _OF_VOICED; None without voiced frames."""
    if not len(voiced.t_s):
        return [None] * len(_OF_VOICED)
    # One of the values, else none need lie near it: between as many of a low as of a high voice.
    median_st = np.percentile(voiced.f0_st, 50, method="lower")
    f0_st = voiced.f0_st[np.abs(voiced.f0_st - median_st) <= MAX_FROM_MEDIAN_ST]
    low_st, high_st = np.percentile(f0_st, (20, 80)).tolist()
    spectral = voiced.spectral
    return [
        _mean(f0_st),
        float(f0_st.std()),
        high_st - low_st,
        _mean_slope(track.f0_st, track.is_voiced & track.follows),
        _mean(spectral.slope_db_per_khz),
        _mean(spectral.low_slope_db_per_khz),
        _mean(spectral.alpha_ratio_db),
        _mean(spectral.hammarberg_db),
        *(_median(voiced.formants_hz[:, i]) for i in range(3)),
        _mean(voiced.hnr_db),
    ]


def _mean_slope(f0_st: Doubles, is_voiced: Flags) -> float | None:
    """Mean of the regression slopes of voiced stretches, each weighted by its length, in semitones per second."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_voiced, [False])).astype(np.int8)))
    slopes: list[float] = []
    lengths: list[int] = []
    for start, stop in list(pairwise(edges.tolist()))[::2]:
        if stop - start >= MIN_SLOPE_FRAMES:
            at_s = (np.arange(stop - start) - (stop - start - 1) / 2) * HOP_S
            slopes.append(float(at_s @ f0_st[start:stop] / (at_s @ at_s)))
            lengths.append(stop - start)
    return float(np.average(slopes, weights=lengths)) if slopes else None


def _known(values: Doubles) -> Doubles:
    return values[np.isfinite(values)]


def _mean(values: Doubles) -> float | None:
    known = _known(values)
    return float(known.mean()) if len(known) else None


def _median(values: Doubles) -> float | None:
    known = _known(values)
    return float(np.median(known)) if len(known) else None


def _means(columns: Doubles) -> list[float | None]:
    return [_mean(column) for column in columns.T]


def _root_mean_squares(columns: Doubles) -> list[float | None]:
    squares = [_mean(column**2) for column in columns.T]
    return [None if square is None else float(np.sqrt(square)) for square in squares]


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
