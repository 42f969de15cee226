"""What the voice path costs: ``scripts/bench voice [--json]``.

Milliseconds of processor time on one core for a second of sound, for each stage, beside librosa and Praat (development
packages: ``scripts/setup --dev``) doing the same in the same run on the same sound. The sound is generated talk that
has been through Opus at 24 kbit/s. ``whole`` is the voice path as a session runs it: packets of 20 ms in, every signal
of the voice out once a second, and the voice network's answer to the last three seconds. Each figure is the best of
``--repeats``: other work on the machine makes them worse.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import librosa
import numpy as np
import parselmouth
from parselmouth.praat import call

from models.loader import load_voice_classifier
from pipeline.audio.acoustic_signals import view_acoustics
from pipeline.audio.acoustics import AcousticState, follow_acoustics
from pipeline.audio.filled_pauses import find_filled_pauses
from pipeline.audio.formants import measure_formants
from pipeline.audio.framing import HOP_S, Doubles, Flags
from pipeline.audio.mfcc import N_MELS, N_MFCC, deltas, measure_mfcc
from pipeline.audio.periods import find_periods
from pipeline.audio.perturbation import measure_hnr, sum_perturbation
from pipeline.audio.pitch import PitchTrack, estimate_pitch
from pipeline.audio.pitch_candidates import MAX_F0_HZ, MIN_F0_HZ
from pipeline.audio.spectral_features import measure_spectral
from pipeline.audio.voice import hear, measure_pending, new_voice
from pipeline.audio.voice_emotion import WINDOW_SAMPLES, judge_voice, keep_sound, new_sound
from pipeline.audio.voice_input import prepare_voice
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, FloatArray, VoiceClassifier
from scripts.evaluate_pitch_vowels import FORMANTS_HZ, make_vowel
from scripts.evaluate_voice_score_clips import pass_through_opus

PACKET_SAMPLES = SAMPLE_RATE_HZ // 50
SEED = 5
LIBROSA_WINDOW: dict[str, Any] = {
    "sr": SAMPLE_RATE_HZ,
    "n_fft": 512,
    "win_length": 400,
    "hop_length": 160,
    "center": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One stage."""

    stage: str
    ms_per_s: float
    reference: str | None
    """What does the same, or None."""
    reference_ms_per_s: float | None
    ratio: float | None
    """Ours over the reference."""


def make_talk(duration_s: float) -> FloatArray:
    """Make talk that has been through Opus: four vowels a second with a pause of 0.4 s in every three seconds."""
    rng = np.random.default_rng(SEED)
    t_s = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    f0_hz = 140 * 2 ** (0.25 * np.sin(2 * np.pi * 0.4 * t_s))
    vowels = [make_vowel(f0_hz, FORMANTS_HZ[name], jitter=0.005, rng=rng) for name in "aiou"]
    sound = np.choose((t_s * 4).astype(np.intp) % len(vowels), vowels)
    sound *= np.maximum(0.0, np.sin(2 * np.pi * 2 * t_s) ** 2 - 0.1) * (np.abs(t_s % 3 - 1.6) > 0.2)
    return pass_through_opus((sound + rng.normal(0.0, 1e-3, len(sound))).astype(np.float32))


def run_path(sound: FloatArray, classify: VoiceClassifier) -> AcousticState:
    """Run the voice path as a session does."""
    voice, acoustics, heard = new_voice(), AcousticState(), new_sound()
    for start in range(0, len(sound), PACKET_SAMPLES):
        end = start + PACKET_SAMPLES
        chunk = AudioChunk(t_s=start / SAMPLE_RATE_HZ, samples=sound[start:end])
        voice, heard = hear(voice, chunk), keep_sound(heard, chunk)
        if end % SAMPLE_RATE_HZ == 0:
            voice = measure_pending(voice)
            acoustics = follow_acoustics(acoustics, voice)
            view_acoustics(acoustics, end / SAMPLE_RATE_HZ)
            judge_voice(heard, voice, end / SAMPLE_RATE_HZ, classify)
    return acoustics


def judge_each_second(sound: FloatArray, classify: VoiceClassifier) -> None:
    """Let the network judge the last seconds, once a second, whatever is in them."""
    for end in range(SAMPLE_RATE_HZ, len(sound) + 1, SAMPLE_RATE_HZ):
        classify(prepare_voice(sound[max(0, end - WINDOW_SAMPLES) : end])[None])


def measure(duration_s: float, repeats: int) -> list[Row]:
    """Measure every stage and what does the same."""
    sound = make_talk(duration_s)
    samples = sound.astype(np.float64)
    track = estimate_pitch(samples, SAMPLE_RATE_HZ)
    voiced = track.f0_hz > 0
    f0_hz, at_s = track.f0_hz[voiced], track.t_s[voiced]
    classify = load_voice_classifier()
    state = run_path(sound, classify)
    praat = parselmouth.Sound(samples, SAMPLE_RATE_HZ)
    stages: list[tuple[str, Callable[[], object], str | None, Callable[[], object] | None]] = [
        (
            "pitch",
            partial(estimate_pitch, samples, SAMPLE_RATE_HZ),
            "Praat",
            partial(praat.to_pitch_ac, time_step=HOP_S, pitch_floor=MIN_F0_HZ, pitch_ceiling=MAX_F0_HZ),
        ),
        ("spectral", partial(measure_spectral, samples, SAMPLE_RATE_HZ), "librosa", partial(_by_librosa, sound)),
        ("mfcc", partial(_mfcc, samples), "librosa", partial(_mfcc_by_librosa, sound)),
        (
            "formants",
            partial(measure_formants, samples, SAMPLE_RATE_HZ, at_s),
            "Praat",
            partial(praat.to_formant_burg, time_step=HOP_S),
        ),
        (
            "jitter_shimmer",
            partial(_perturb, samples, track, voiced),
            "Praat",
            partial(_perturb_by_praat, praat),
        ),
        (
            "hnr",
            partial(measure_hnr, samples, SAMPLE_RATE_HZ, f0_hz, at_s),
            "Praat",
            partial(praat.to_harmonicity_cc, HOP_S, 75.0, 0.1, 1.0),
        ),
        (
            "filled_pauses",
            partial(find_filled_pauses, state.track.f0_st, state.track.formants_hz, state.track.spectral.flux),
            None,
            None,
        ),
        ("voice_emotion", partial(judge_each_second, sound, classify), None, None),
        ("whole", partial(run_path, sound, classify), None, None),
    ]
    return [_compare(*stage, duration_s=duration_s, repeats=repeats) for stage in stages]


def _compare(
    stage: str,
    ours: Callable[[], object],
    reference: str | None,
    theirs: Callable[[], object] | None,
    *,
    duration_s: float,
    repeats: int,
) -> Row:
    """Take turns, so that both meet the same machine."""
    costs: list[float] = []
    others: list[float] = []
    for _ in range(repeats):
        costs.append(_cost_ms(ours) / duration_s)
        if theirs is not None:
            others.append(_cost_ms(theirs) / duration_s)
    return Row(
        stage=stage,
        ms_per_s=round(min(costs), 2),
        reference=reference,
        reference_ms_per_s=round(min(others), 2) if others else None,
        ratio=round(min(costs) / min(others), 2) if others else None,
    )


def _cost_ms(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e3


def _mfcc(samples: Doubles) -> Doubles:
    return deltas(measure_mfcc(samples, SAMPLE_RATE_HZ))


def _perturb(samples: Doubles, track: PitchTrack, voiced: Flags) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], voiced, [False])).astype(np.int8)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        at_s = track.t_s[start:stop]
        from_ = max(0, round((at_s[0] - 0.05) * SAMPLE_RATE_HZ))
        around = samples[from_ : round((at_s[-1] + 0.05) * SAMPLE_RATE_HZ)]
        offset_s = from_ / SAMPLE_RATE_HZ
        sum_perturbation(find_periods(around, SAMPLE_RATE_HZ, track.f0_hz[start:stop], at_s - offset_s))


def _perturb_by_praat(sound: parselmouth.Sound) -> None:
    points = call(sound, "To PointProcess (periodic, cc)", MIN_F0_HZ, MAX_F0_HZ)
    call(points, "Get jitter (local)", 0, 0, 1e-4, 0.02, 1.3)
    call([sound, points], "Get shimmer (local)", 0, 0, 1e-4, 0.02, 1.3, 1.6)


def _by_librosa(sound: FloatArray) -> None:
    librosa.feature.spectral_centroid(y=sound, **LIBROSA_WINDOW)
    librosa.feature.spectral_rolloff(y=sound, **LIBROSA_WINDOW)
    librosa.feature.zero_crossing_rate(sound, frame_length=400, hop_length=160, center=False)
    librosa.feature.rms(y=sound, frame_length=400, hop_length=160, center=False)


def _mfcc_by_librosa(sound: FloatArray) -> None:
    mels = librosa.feature.melspectrogram(y=sound, n_mels=N_MELS, **LIBROSA_WINDOW)
    librosa.feature.delta(librosa.feature.mfcc(S=librosa.power_to_db(mels, top_db=None), n_mfcc=N_MFCC + 1), width=9)


def main(argv: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/bench voice", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the sound (default: 20)")
    parser.add_argument("--repeats", type=int, default=5, help="the best of so many counts (default: 5)")
    options = parser.parse_args(argv)
    rows = measure(options.seconds, options.repeats)
    load_average = round(os.getloadavg()[0], 1)
    if options.json:
        print(json.dumps({"stages": [asdict(row) for row in rows], "load_average": load_average}, indent=2))
        return 0
    for row in rows:
        beside = (
            "" if row.reference is None else f"  {row.reference:8} {row.reference_ms_per_s:7.2f}  ratio {row.ratio}"
        )
        print(f"{row.stage:16} {row.ms_per_s:7.2f} ms a second{beside}")
    print(f"load average {load_average}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
