"""Variability of the pulse from finger recordings, beside a chest strap and beside NeuroKit2 on the same series."""

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats

from pipeline.physiology.beats import find_beats
from pipeline.physiology.hrv import Variability, intervals, measure_variability
from pipeline.physiology.methods import RATE_HZ, band_pass
from pipeline.physiology.pulse import EXTREMES_LIMITS, KEPT_LIMITS, VARIABILITY_MIN_QUALITY
from pipeline.physiology.spectrum import find_peak
from pipeline.video.face import ramp
from scripts.temporal_motion import Values


def measure_fingers(folder: Path) -> dict[str, Any]:
    """Return the errors of RMSSD and SDNN over the recordings of a folder.

    ``formula``: ours less NeuroKit2's on the strap's own intervals. ``beats``: from the camera's wave, less the strap's
    over all recordings and over those whose quality lets the value be said. ``neurokit2``: its own beats from the
    same wave, less the strap's. ``rank_correlation`` (Spearman): of the errors of ``beats`` with what may tell them:
    the difference between crests and troughs (``extremes``), the share of intervals kept, and the SNR.

    Raises:
        ValueError: there is no recording.
    """
    rows = [_measure(path) for path in sorted(folder.glob("**/subject_*")) if (path / "PPG.csv").exists()]
    if not rows:
        raise ValueError(f"{folder} has no subject_*/PPG.csv")
    said = np.array([row["quality"] >= VARIABILITY_MIN_QUALITY for row in rows])
    report: dict[str, Any] = {"n": len(rows), "n_said": int(said.sum())}
    for name in ("rmssd", "sdnn"):
        for kind in ("formula", "beats", "neurokit2"):
            errors = np.abs([row[f"{kind}_{name}"] for row in rows])
            report[f"{kind}_{name}_mae_ms"] = round(float(np.nanmean(errors)), 2)
            if kind == "beats":
                for sign in ("extremes", "kept", "snr"):
                    rho = scipy.stats.spearmanr([row[sign] for row in rows], errors).statistic
                    report[f"{sign}_{name}_rank_correlation"] = round(float(rho), 2)
            if kind != "formula":
                report[f"{kind}_{name}_median_ms"] = round(float(np.nanmedian(errors)), 2)
                report[f"{kind}_{name}_mae_said_ms"] = round(float(np.nanmean(errors[said])), 2)
    return report


def _measure(path: Path) -> dict[str, float]:
    table = np.genfromtxt(path / "PPG.csv", delimiter=",", skip_header=1)
    strap_s = np.loadtxt(path / "RR.txt") / 1000
    strap = _known(measure_variability(strap_s))
    t_s = table[:, 0] / 1000
    grid_s = np.arange(t_s[0], t_s[-1], 1 / RATE_HZ)
    waves = [np.interp(grid_s, t_s, column) for column in table[:, 1:].T if column.std() > 0]
    peaks = [(peak.snr_db, i, peak) for i, wave in enumerate(waves) if (peak := find_peak(band_pass(wave))) is not None]
    _, i_best, peak = max(peaks, key=lambda item: item[0])
    wave = waves[i_best]
    found, kept = intervals(find_beats(wave, peak.rate_hz))
    own = _known(measure_variability(found))
    troughs = _known(measure_variability(intervals(find_beats(-wave, peak.rate_hz))[0]))
    apart = 2 * abs(own.rmssd_ms - troughs.rmssd_ms) / (own.rmssd_ms + troughs.rmssd_ms)
    formula_rmssd, formula_sdnn = _neurokit_of_intervals(strap_s)
    theirs_rmssd, theirs_sdnn = _neurokit_of_wave(wave)
    print(f"{path.name}: strap {strap}, camera {own}", file=sys.stderr)
    return {
        "quality": ramp(kept, KEPT_LIMITS) * (1 - ramp(apart, EXTREMES_LIMITS)),
        "extremes": apart,
        "kept": kept,
        "snr": peak.snr_db,
        "formula_rmssd": strap.rmssd_ms - formula_rmssd,
        "formula_sdnn": strap.sdnn_ms - formula_sdnn,
        "beats_rmssd": own.rmssd_ms - strap.rmssd_ms,
        "beats_sdnn": own.sdnn_ms - strap.sdnn_ms,
        "neurokit2_rmssd": theirs_rmssd - strap.rmssd_ms,
        "neurokit2_sdnn": theirs_sdnn - strap.sdnn_ms,
    }


def _known(found: Variability | None) -> Variability:
    if found is None:
        raise ValueError("a recording has fewer than four beats")
    return found


def _neurokit_of_intervals(intervals_s: Values) -> tuple[float, float]:
    """Return RMSSD and SDNN in ms as NeuroKit2 has them."""
    import neurokit2

    peaks = neurokit2.intervals_to_peaks(intervals_s * 1000, sampling_rate=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = neurokit2.hrv_time(peaks, sampling_rate=1000)
    return float(table["HRV_RMSSD"][0]), float(table["HRV_SDNN"][0])


def _neurokit_of_wave(wave: Values) -> tuple[float, float]:
    """Return RMSSD and SDNN in ms of the beats that NeuroKit2 finds, and corrects, in a wave at RATE_HZ."""
    import neurokit2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fine = neurokit2.signal_resample(wave, sampling_rate=RATE_HZ, desired_sampling_rate=300, method="interpolation")
        clean = neurokit2.ppg_clean(fine, sampling_rate=300)
        _, found = neurokit2.ppg_peaks(clean, sampling_rate=300, correct_artifacts=True)
        table = neurokit2.hrv_time(found["PPG_Peaks"], sampling_rate=300)
    return float(table["HRV_RMSSD"][0]), float(table["HRV_SDNN"][0])
