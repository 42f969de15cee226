"""Measure how often the pitch is wrong, beside Praat's (a development package: scripts/setup --dev).

    scripts/evaluate_pitch [--data DIR] [--files 100] [--json]

Vowels: five formant sets, eleven pitches from 60 to 500 Hz, steady, with jitter and gliding, in white noise. The truth
is known. Praat works with the same range of pitch as ours (55-700 Hz), else with its standard settings.

Speech, with --data: a folder of recordings, each of one speaker (FLAC or WAV, in folders or not), of which --files are
drawn. Nobody knows the true pitch; the reference is two other methods of Praat (cross-correlation, subharmonic
summation) where they agree on the sound as recorded. Our autocorrelation and Praat's, both in two passes with the
recording's own range, are compared with it, on that sound and after Opus. Where the folder has labels.csv of acted
emotions, the first ten actors' strong clips are followed as a live session would, their neutral clips heard before.

Errors are shares of the frames that the reference and the estimate both call voiced: gross_error is more than 20 %
away, octave_down and octave_up are the part of it that lies within 20 % of half and of double the pitch. ms_per_s is
processor time on one core for a second of sound.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.audio.framing import Doubles
from pipeline.audio.pitch import estimate_pitch
from scripts.evaluate_pitch_figures import Errors, compare_pitch, praat_pitch
from scripts.evaluate_pitch_speech import raised_errors, read_speech, speech_errors
from scripts.evaluate_pitch_vowels import RATE_HZ, Vowel, make_vowels

SNRS_DB = (20.0, 10.0, 5.0, 0.0)
VOWEL_S = 1.0
RAISED_ACTORS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class VowelRow:
    """Figures at one SNR."""

    snr_db: float
    gross_error: float | None
    octave_down: float | None
    octave_up: float | None
    found: float | None
    """Share of the frames, all of them voiced, that are called so."""
    praat_gross_error: float | None
    praat_found: float | None


def main() -> None:
    """Measure and print."""
    options = parse_options()
    vowels = {snr_db: list(make_vowels(snr_db, duration_s=VOWEL_S)) for snr_db in SNRS_DB}
    figures: dict[str, Any] = {
        "rows": [asdict(measure_vowels(snr_db, sounds)) for snr_db, sounds in vowels.items()],
        "cost": measure_cost([vowel.samples for vowel in vowels[5.0][::5]]),
    }
    if options.data is not None:
        figures["speech"] = [asdict(row) for row in speech_errors(read_speech(options.data, options.files))]
        if (options.data / "labels.csv").exists():
            figures["raised"] = [asdict(row) for row in raised_errors(options.data, RAISED_ACTORS)]
    print(json.dumps(figures) if options.json else describe(figures))


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="evaluate_pitch", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of recorded speech, one speaker a file")
    parser.add_argument("--files", type=int, default=100, help="how many of its recordings (default: 100)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def measure_vowels(snr_db: float, vowels: Iterable[Vowel]) -> VowelRow:
    """Compare both estimates with the truth."""
    ours, praats = Errors(), Errors()
    for vowel in vowels:
        track = estimate_pitch(vowel.samples, RATE_HZ)
        ours += compare_pitch(track.f0_hz, true_pitch(vowel, track.t_s))
        t_s, f0_hz = praat_pitch(vowel.samples, RATE_HZ)
        praats += compare_pitch(f0_hz, true_pitch(vowel, t_s))
    return VowelRow(
        snr_db=snr_db,
        gross_error=ours.gross_error,
        octave_down=ours.octave_down,
        octave_up=ours.octave_up,
        found=ours.found,
        praat_gross_error=praats.gross_error,
        praat_found=praats.found,
    )


def true_pitch(vowel: Vowel, t_s: Doubles) -> Doubles:
    """The truth at some moments."""
    return vowel.f0_hz[np.round(t_s * RATE_HZ).astype(np.intp)]


def measure_cost(sounds: Sequence[Doubles]) -> dict[str, float]:
    """Processor time for a second of sound, ours and Praat's."""

    def cost_ms_per_s(estimate: Callable[[Doubles, float], object]) -> float:
        began = time.process_time()
        for sound in sounds:
            estimate(sound, RATE_HZ)
        return round((time.process_time() - began) * 1e3 / (sum(map(len, sounds)) / RATE_HZ), 2)

    return {"ms_per_s": cost_ms_per_s(estimate_pitch), "praat_ms_per_s": cost_ms_per_s(praat_pitch)}


def describe(figures: dict[str, Any]) -> str:
    """Write the figures for people."""
    tables = [figures["rows"], figures.get("speech", []), figures.get("raised", [])]
    lines: list[str] = []
    for rows in filter(None, tables):
        lines += ["  ".join(f"{name:>17}" for name in rows[0])]
        lines += ["  ".join(f"{_text(value):>17}" for value in row.values()) for row in rows] + [""]
    cost = figures["cost"]
    return "\n".join([*lines, f"ms for a second of sound: {cost['ms_per_s']}, Praat {cost['praat_ms_per_s']}"])


def _text(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) and abs(value) < 1 else str(value)


if __name__ == "__main__":
    main()
