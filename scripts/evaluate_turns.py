"""Measure how well speech, pauses and syllables are found.

    scripts/evaluate_turns [--data DIR] [--clips 24] [--json] [--background]

The sound is the demo candidate's voice, whose syllables are known, and with --data a folder of RAVDESS clips with
labels.csv, as recorded and with noise. Three ways to find speech are compared: the decision of the voice score (level
over the noise floor, around voiced sound), WebRTC's detector alone, and the two judges of ``pipeline.audio.activity``.
Missed is the share of speech that is not found, false the share of the rest that is taken for speech, holes shorter
than 0.25 s closed in both. Syllables are counted by ours and, with Praat (a development package), after de Jong and
Wempe's script; every clip of RAVDESS has seven. --background asks instead, of the same data, how far other voices in
the room count as the person's (``scripts.evaluate_turns_background``).
"""

import argparse
import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import parselmouth

from models.voice_activity import WebRtcDetector
from pipeline.audio.activity import ActivityState, find_spurts, hear_activity, settle_activity
from pipeline.audio.framing import FRAME_S, HOP_S
from pipeline.audio.rate import RateState, follow_rate
from pipeline.audio.speech import MIN_PAUSE_S, find_speech
from pipeline.audio.voice import WINDOW_S, FrameTrack, hear, measure_pending, new_voice
from pipeline.spans import Spans, clip_spans, intersect_spans, join_spans, total_s
from pipeline.types import ACTIVITY_S, SAMPLE_RATE_HZ, AudioChunk, FloatArray, VoiceActivity
from scripts.evaluate_turns_background import measure_background
from scripts.evaluate_turns_sound import (
    NOISES,
    Speech,
    add_noise,
    join_speech,
    make_babble,
    make_demo_speech,
    read_clips,
)

SNRS_DB = (20.0, 10.0)
CHUNK_SAMPLES = 320
TAIL_S = 1.5
"""Silence after a recording, until everything is decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Shares in [0, 1]."""

    missed: float
    false: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One sound in one noise."""

    sound: str
    noise: str
    snr_db: float | None
    score: Errors
    """The voice score's decision."""
    detector: Errors
    both: Errors
    """What the signals use."""
    syllables: float
    """Found, as a share of those that are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was found in a recording."""

    score: Spans
    detector: Spans
    both: Spans
    n_syllables: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure how well speech, pauses and syllables are found.")
    parser.add_argument("--data", type=Path, help="folder of RAVDESS clips with labels.csv")
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--background", action="store_true", help="measure other voices in the room; needs --data")
    options = parser.parse_args()
    if options.background:
        if options.data is None:
            parser.error("--background needs --data")
        print(json.dumps([asdict(row) for row in measure_background(options.data, _find_false)], indent=2))
        return
    rows = list(measure_noises("demo", [make_demo_speech()]))
    counts: dict[str, Any] = {}
    if options.data is not None:
        clips = read_clips(options.data, options.clips)
        rows += measure_noises("ravdess", clips)
        counts = count_all(clips)
    if options.json:
        print(json.dumps({"rows": [asdict(row) for row in rows], "syllables": counts}, indent=2))
        return
    print("missed / false in %: the score's decision, WebRTC's detector, both judges; syllables found")
    for row in rows:
        shares = "  ".join(f"{100 * e.missed:5.1f}/{100 * e.false:5.1f}" for e in (row.score, row.detector, row.both))
        at = "" if row.snr_db is None else f"{row.snr_db:.0f} dB"
        print(f"{row.sound:8} {row.noise:8} {at:6} {shares}  {100 * row.syllables:4.0f} %")
    for name, figures in counts.items():
        print(f"{name}: mean {figures['mean']:.2f} of 7, sd {figures['sd']:.2f}, mean error {figures['error']:.2f}")


def measure_noises(name: str, clips: list[Speech]) -> list[Row]:
    """Measure clips, joined, as they are and in every noise."""
    speech = join_speech(clips)
    random = np.random.default_rng(1)
    n = len(speech.samples)
    noises = {kind: make(n, random) for kind, make in NOISES.items()}
    if len(clips) > 1:
        noises["babble"] = make_babble(clips, n, random)
    rows = [_measure(name, "none", None, speech, speech.samples)]
    for kind, noise in noises.items():
        rows += [_measure(name, kind, snr_db, speech, add_noise(speech, noise, snr_db)) for snr_db in SNRS_DB]
    return rows


def _measure(name: str, noise: str, snr_db: float | None, speech: Speech, samples: FloatArray) -> Row:
    heard = listen(samples)
    end_s = len(samples) / SAMPLE_RATE_HZ
    return Row(
        sound=name,
        noise=noise,
        snr_db=snr_db,
        score=compare(heard.score, speech.spurts, end_s),
        detector=compare(heard.detector, speech.spurts, end_s),
        both=compare(heard.both, speech.spurts, end_s),
        syllables=heard.n_syllables / speech.n_syllables,
    )


def _find_false(speech: Speech, samples: FloatArray) -> float:
    return compare(listen(samples).both, speech.spurts, len(samples) / SAMPLE_RATE_HZ).false


def compare(found: Spans, truth: Spans, end_s: float) -> Errors:
    """Compare what was found with what is there, in [0, end_s]."""
    found = clip_spans(join_spans(found, MIN_PAUSE_S), 0.0, end_s)
    truth = join_spans(truth, MIN_PAUSE_S)
    right_s, true_s = total_s(intersect_spans(found, truth)), total_s(truth)
    return Errors(missed=1 - right_s / true_s, false=(total_s(found) - right_s) / (end_s - true_s))


def listen(samples: FloatArray) -> Heard:
    """Follow a recording as the worker does: chunks of 20 ms, a tick a second."""
    n = len(samples)
    room = np.random.default_rng(2).normal(0, 1e-5, round(TAIL_S * SAMPLE_RATE_HZ)).astype(np.float32)
    sound = np.concatenate((samples, room))
    detector, voice, activity, rate = WebRtcDetector(), new_voice(), ActivityState(), RateState()
    score: list[tuple[float, float]] = []
    alone: list[tuple[float, float]] = []
    nuclei_s: list[float] = []
    for i in range(0, len(sound), CHUNK_SAMPLES):
        chunk = AudioChunk(t_s=i / SAMPLE_RATE_HZ, samples=sound[i : i + CHUNK_SAMPLES])
        voice = hear(voice, chunk)
        decided = detector(chunk)
        if decided is not None:
            activity = hear_activity(activity, decided)
            alone += _speech_of(decided)
        if (i + CHUNK_SAMPLES) % SAMPLE_RATE_HZ == 0:
            voice = measure_pending(voice)
            score += _score_speech(voice.track, (i + CHUNK_SAMPLES) / SAMPLE_RATE_HZ)
            activity, rate = settle_activity(activity, voice.track), follow_rate(rate, voice.track)
            newest_s = nuclei_s[-1] if nuclei_s else -1.0
            nuclei_s += [t_s for t_s in rate.nuclei_s if t_s > newest_s]
    both = find_spurts(activity, 0.0, n / SAMPLE_RATE_HZ)
    return Heard(
        score=join_spans(score, 1e-3),
        detector=join_spans(alone, 1e-3),
        both=both,
        n_syllables=sum(any(a <= t_s < b for a, b in both) for t_s in nuclei_s),
    )


def _speech_of(decided: VoiceActivity) -> list[tuple[float, float]]:
    starts_s = decided.t_s + np.flatnonzero(decided.is_speech) * ACTIVITY_S
    return [(start_s, start_s + ACTIVITY_S) for start_s in starts_s.tolist()]


def _score_speech(track: FrameTrack, t_s: float) -> list[tuple[float, float]]:
    """What the voice score calls speech of the second before the newest 0.35 s, whose pitch may still change."""
    track = track.where(track.t_s > t_s - WINDOW_S)
    is_speech, _ = find_speech(track.level_dbfs, track.floor_dbfs, track.f0_hz)
    middle_s = track.t_s - FRAME_S / 2
    is_new = (middle_s > t_s - 1.35) & (middle_s <= t_s - 0.35)
    return [(at_s - HOP_S / 2, at_s + HOP_S / 2) for at_s in middle_s[is_speech & is_new].tolist()]


def count_all(clips: list[Speech]) -> dict[str, dict[str, float]]:
    """Count the syllables of each clip, as ours and as the published script in Praat does."""
    counts = {
        "ours": np.array([listen(clip.samples).n_syllables for clip in clips]),
        "Praat": np.array([count_as_published(clip.samples) for clip in clips]),
    }
    truth = np.array([clip.n_syllables for clip in clips])
    return {
        name: {
            "mean": float(found.mean()),
            "sd": float(found.std()),
            "error": float(np.abs(found - truth).mean()),
        }
        for name, found in counts.items()
    }


def count_as_published(samples: FloatArray) -> int:
    """Count syllable nuclei as de Jong and Wempe's script does: -25 dB, dips of 2 dB, voiced peaks."""
    sound = parselmouth.Sound(samples.astype(np.float64), SAMPLE_RATE_HZ)
    intensity = sound.to_intensity(minimum_pitch=50)
    level_db, times_s = intensity.values[0], intensity.xs()
    limit_db = max(np.percentile(level_db, 99) - 25, level_db.min())
    is_peak = (level_db[1:-1] > level_db[:-2]) & (level_db[1:-1] >= level_db[2:]) & (level_db[1:-1] > limit_db)
    peaks = np.flatnonzero(is_peak) + 1
    kept = [
        peak
        for peak, following in pairwise(peaks.tolist())
        if level_db[peak] - level_db[peak : following + 1].min() > 2
    ]
    pitch = sound.to_pitch_ac(
        time_step=0.02,
        pitch_floor=30,
        max_number_of_candidates=4,
        silence_threshold=0.03,
        voicing_threshold=0.25,
        octave_cost=0.01,
        octave_jump_cost=0.35,
        voiced_unvoiced_cost=0.25,
        pitch_ceiling=450,
    )
    return sum(not np.isnan(pitch.get_value_at_time(times_s[peak])) for peak in kept)


if __name__ == "__main__":
    main()
