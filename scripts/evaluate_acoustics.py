"""Measure how near the acoustic measures are to Praat's on recorded speech, and what Opus does to them.

    scripts/evaluate_acoustics --data DIR [--files 40] [--json]

DIR holds recordings, each of one speaker (FLAC or WAV, in folders or not), of which --files are drawn. Each goes
through the voice path as in a session, as recorded and after Opus; one value of each signal a recording. Each signal:
``spread``, the standard deviation over the recordings; ``opus_shift``, the median change by Opus, and ``opus_scatter``,
the standard deviation of that change, both as shares of the spread; for what Praat measures too, ``praat_r``, the
correlation with it over the recordings, and ``praat_difference``, the median of ours less Praat's in the signal's unit.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import parselmouth
from parselmouth.praat import call

from pipeline.audio.acoustic_signals import DEFINITIONS, view_acoustics
from pipeline.audio.acoustics import AcousticState, follow_acoustics
from pipeline.audio.formants import CEILING_HZ
from pipeline.audio.framing import HOP_S
from pipeline.audio.voice import hear, measure_pending, new_voice
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, FloatArray
from scripts.evaluate_pitch_speech import find_praat_range, read_speech
from scripts.evaluate_voice_score_clips import pass_through_opus

BIT_RATES = (24_000, 16_000)
MIN_KNOWN = 3
"""Recordings; signals that fewer give are left out (a rate of filled pauses wants longer ones)."""
TAIL_S = 0.5
"""Of silence behind each recording, so that its last frames are decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One signal."""

    signal: str
    n: int
    spread: float
    praat_r: float | None
    praat_difference: float | None
    opus_shift: dict[int, float]
    """By bit rate."""
    opus_scatter: dict[int, float]


def measure(sound: FloatArray) -> dict[str, float]:
    """Values of the signals at the end of a recording; NaN where unknown."""
    padded = np.concatenate((sound, np.zeros(round(TAIL_S * SAMPLE_RATE_HZ), np.float32)))
    voice, state = new_voice(), AcousticState()
    for start in range(0, len(padded), SAMPLE_RATE_HZ):
        piece = padded[start : start + SAMPLE_RATE_HZ]
        voice = measure_pending(hear(voice, AudioChunk(t_s=start / SAMPLE_RATE_HZ, samples=piece)))
        state = follow_acoustics(state, voice)
    signals = view_acoustics(state, len(padded) / SAMPLE_RATE_HZ)
    return {signal.name: float("nan") if signal.value is None else signal.value for signal in signals}


def measure_by_praat(sound: FloatArray) -> dict[str, float]:
    """What Praat measures too, in the recording's own range of pitch."""
    floor_hz, ceiling_hz = find_praat_range(sound.astype(np.float64))
    praat = parselmouth.Sound(sound.astype(np.float64), SAMPLE_RATE_HZ)
    pitch = praat.to_pitch_ac(time_step=HOP_S, pitch_floor=floor_hz, pitch_ceiling=ceiling_hz)
    points = call([praat, pitch], "To PointProcess (cc)")
    harmonicity = praat.to_harmonicity_cc(HOP_S, 75.0, 0.1, 1.0)
    formants = praat.to_formant_burg(time_step=HOP_S, maximum_formant=CEILING_HZ)
    voiced_s = pitch.xs()[pitch.selected_array["frequency"] > 0]
    hnr_db = [harmonicity.get_value(t_s) for t_s in voiced_s]
    found = {
        "voice.jitter": 100 * call(points, "Get jitter (local)", 0, 0, 1e-4, 0.02, 1.3),
        "voice.shimmer": 100 * call([praat, points], "Get shimmer (local)", 0, 0, 1e-4, 0.02, 1.3, 1.6),
        "voice.hnr": float(np.nanmean([value for value in hnr_db if value > -100])),
    }
    for i in (1, 2, 3):
        found[f"voice.f{i}"] = float(np.nanmedian([formants.get_value_at_time(i, t_s) for t_s in voiced_s]))
    return found


def evaluate(sounds: list[FloatArray]) -> list[Row]:
    """Compare over recordings."""
    plain = [measure(sound) for sound in sounds]
    coded = {bit_rate: [measure(pass_through_opus(sound, bit_rate)) for sound in sounds] for bit_rate in BIT_RATES}
    theirs = [measure_by_praat(sound) for sound in sounds]
    rows = []
    for name in (item.name for item in DEFINITIONS):
        ours = np.array([values[name] for values in plain])
        is_known = np.isfinite(ours)
        if is_known.sum() < MIN_KNOWN:
            continue
        spread = float(ours[is_known].std())
        changes = {rate: np.array([values[name] for values in runs]) - ours for rate, runs in coded.items()}
        praat = np.array([values.get(name, np.nan) for values in theirs])
        both = is_known & np.isfinite(praat)
        rows.append(
            Row(
                signal=name,
                n=int(is_known.sum()),
                spread=spread,
                praat_r=float(np.corrcoef(ours[both], praat[both])[0, 1]) if both.sum() > 2 else None,
                praat_difference=float(np.median(ours[both] - praat[both])) if both.any() else None,
                opus_shift={rate: float(np.nanmedian(change) / spread) for rate, change in changes.items()},
                opus_scatter={rate: float(np.nanstd(change) / spread) for rate, change in changes.items()},
            )
        )
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="evaluate_acoustics", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of recorded speech, one speaker a file")
    parser.add_argument("--files", type=int, default=40, help="how many of its recordings (default: 40)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    sounds = [sound.astype(np.float32) for sound in read_speech(options.data, options.files)]
    rows = evaluate(sounds)
    if options.json:
        print(json.dumps([asdict(row) for row in rows]))
        return
    for row in rows:
        opus = "  ".join(
            f"{rate // 1000}k {row.opus_shift[rate]:+.2f} +-{row.opus_scatter[rate]:.2f}" for rate in BIT_RATES
        )
        praat = "" if row.praat_r is None else f"  Praat: r {row.praat_r:.3f}, {row.praat_difference:+.3g}"
        print(f"{row.signal:22} n {row.n:3}  spread {row.spread:8.3g}  Opus {opus}{praat}")


if __name__ == "__main__":
    main()
