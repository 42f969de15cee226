"""Measure how often the voice score lies in the ranges of its calibration table.

    scripts/evaluate_voice_score --data DIR [--actors 11-20] [--opus] [--json]

DIR holds labels.csv and the clips of acted speech it names. Ranges: silence < 0.10; neutral and calm speech 0.25-0.45;
the same 20 dB down < 0.25; angry speech of strong intensity > 0.65.

Protocol: a session per actor and fold. Its voice ranges are learnt, by the live analyser's own functions, from the
actor's neutral clips of one repetition (two clips, about three seconds of speech); then every clip of the other
repetition is scored, so no clip is scored by ranges that have seen it. A clip's score is what the analyser says at
the whole second at which its window holds most speech. A clip of speech in which the analyser finds no voice counts
as out of range; silence is in range when the analyser calls it unmeasured and the bare formula also gives < 0.10.
The constants of pipeline/calibration.py were chosen on actors 1-10; 11-20 were not looked at for that.
"""

import argparse
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.audio.reading import read_voice
from pipeline.audio.score import VoiceRanges, score_voice
from pipeline.audio.voice import WINDOW_S, VoiceState, VoiceWindow, hear, measure_pending, new_voice, view_window
from pipeline.calibration import learn, new_calibration
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, FloatArray
from scripts.evaluate_voice_score_clips import (
    QUIET_GAIN,
    Clip,
    load_sound,
    make_silences,
    pass_through_opus,
    read_labels,
)

CHUNK_SAMPLES = 320
"""20 ms, as Opus delivers it."""
RANGES = {
    "silence": (-1.0, 0.10),
    "normal": (0.25, 0.45),
    "quiet": (-1.0, 0.25),
    "stressed": (math.nextafter(0.65, 1.0), 1.01),
}
"""lower <= score < upper; "more than 0.65" excludes 0.65 itself."""
REPETITIONS = ("01", "02")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One scored stretch of sound."""

    kind: str
    """A key of RANGES."""
    actor: int
    score: float | None
    """None when the analyser says nothing and nothing was to be said (speech without a voice found)."""

    @property
    def is_in_range(self) -> bool:
        """Whether the table holds for it."""
        low, high = RANGES[self.kind]
        return self.score is not None and low <= self.score < high


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A calibrated person."""

    voice: VoiceState
    ranges: VoiceRanges
    next_s: float
    """When the clip to score starts."""


def main() -> None:
    """Score the clips and print the shares in range."""
    options = parse_options()
    clips = [clip for clip in read_labels(options.data) if clip.actor in options.actors]
    scored = list(score_all(clips, through_opus=options.opus))
    figures = {"n": len(scored), **{kind: share_in_range(scored, kind) for kind in RANGES}}
    print(json.dumps(figures) if options.json else describe(scored))


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="evaluate_voice_score", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of labels.csv and the clips")
    parser.add_argument("--actors", type=parse_actors, default=range(1, 1000), help="for example 11-20 (default: all)")
    parser.add_argument("--opus", action="store_true", help="pass all sound through Opus at 24 kbit/s first")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def parse_actors(text: str) -> range:
    """Read "11-20" or "7"."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def score_all(clips: list[Clip], *, through_opus: bool) -> Iterator[Scored]:
    """Score the clips of all actors in both folds."""
    for actor in sorted({clip.actor for clip in clips}):
        for fold in REPETITIONS:
            own = [clip for clip in clips if clip.actor == actor]
            yield from score_fold(
                actor,
                [clip for clip in own if clip.repetition != fold and clip.emotion == "neutral"],
                [clip for clip in own if clip.repetition == fold],
                through_opus=through_opus,
            )


def score_fold(actor: int, ordinary: list[Clip], others: list[Clip], *, through_opus: bool) -> Iterator[Scored]:
    """Calibrate a session on some clips and score others."""

    def send(samples: FloatArray) -> FloatArray:
        return pass_through_opus(samples) if through_opus else samples

    session = calibrate(send(load_sound(clip.path)) for clip in ordinary)
    for seed, clip in enumerate(others):
        samples = load_sound(clip.path)
        if clip.emotion in ("neutral", "calm"):
            yield Scored(kind="normal", actor=actor, score=score_speech(session, send(samples)))
            yield Scored(kind="quiet", actor=actor, score=score_speech(session, send(samples * np.float32(QUIET_GAIN))))
            for silence in make_silences(samples, seed):
                yield Scored(kind="silence", actor=actor, score=score_silence(session, send(silence)))
        elif clip.emotion == "angry" and clip.intensity == "02":
            yield Scored(kind="stressed", actor=actor, score=score_speech(session, send(samples)))


def listen(voice: VoiceState, start_s: float, samples: FloatArray) -> Iterator[tuple[float, VoiceState]]:
    """Feed sound in live chunks; yield the time and the state at every whole second and at the end."""
    for i in range(0, len(samples), CHUNK_SAMPLES):
        chunk = AudioChunk(t_s=start_s + i / SAMPLE_RATE_HZ, samples=samples[i : i + CHUNK_SAMPLES])
        voice = hear(voice, chunk)
        end = i + CHUNK_SAMPLES
        if end % SAMPLE_RATE_HZ == 0 or end >= len(samples):
            voice = measure_pending(voice)
            yield start_s + min(end, len(samples)) / SAMPLE_RATE_HZ, voice


def calibrate(sounds: Iterable[FloatArray]) -> Session:
    """Learn a person's ranges from ordinary speech, as the live analyser does at each tick."""
    voice, calibration, t_s = new_voice(), new_calibration(), 0.0
    for samples in sounds:  # each goes on where the last one ended
        for t_s, voice in listen(voice, t_s, samples):  # noqa: B020
            window = view_window(voice, t_s)
            if window is not None:
                calibration = learn(calibration, window.speech)
    if calibration.ranges is None:
        raise ValueError("too little speech to calibrate on")
    # The next clip starts when nothing of these is left in the window.
    return Session(voice=voice, ranges=calibration.ranges, next_s=t_s + WINDOW_S)


def fullest_window(session: Session, samples: FloatArray) -> tuple[float, VoiceWindow]:
    """Return the window with most speech among those the analyser would look at, and its time."""
    views = ((t_s, view_window(voice, t_s)) for t_s, voice in listen(session.voice, session.next_s, samples))
    found = [(t_s, window) for t_s, window in views if window is not None]
    return max(found, key=lambda pair: len(pair[1].speech.t_s))


def score_speech(session: Session, samples: FloatArray) -> float | None:
    """Score a clip of speech."""
    _, window = fullest_window(session, samples)
    return read_voice(window, session.ranges, 1.0, 0.0, has_gap=False).reading.value


def score_silence(session: Session, samples: FloatArray) -> float:
    """Score a silence: the formula's value, or 1 if the analyser would take it for speech."""
    *_, (t_s, voice) = listen(session.voice, session.next_s, samples)
    window = view_window(voice, t_s)
    if window is None:
        raise ValueError("no sound in the window")
    if read_voice(window, session.ranges, 1.0, 0.0, has_gap=False).reading.value is not None:
        return 1.0
    return score_voice(window.features, session.ranges)


def share_in_range(scored: list[Scored], kind: str) -> float | None:
    """Share of a kind that lies in its range, 4 digits; None when there is none."""
    flags = [item.is_in_range for item in scored if item.kind == kind]
    return round(sum(flags) / len(flags), 4) if flags else None


def describe(scored: list[Scored]) -> str:
    """Write the figures for people."""
    lines = [f"{'kind':10}{'n':>6}{'in range':>10}{'5 %':>8}{'median':>8}{'95 %':>8}{'no voice':>10}"]
    for kind in RANGES:
        items = [item for item in scored if item.kind == kind]
        scores = [item.score for item in items if item.score is not None]
        if not items or not scores:
            lines.append(f"{kind:10}{len(items):6}")
            continue
        low, middle, high = np.percentile(scores, (5, 50, 95))
        share = sum(item.is_in_range for item in items) / len(items)
        n_unfound = len(items) - len(scores)
        lines.append(f"{kind:10}{len(items):6}{share:10.3f}{low:8.2f}{middle:8.2f}{high:8.2f}{n_unfound:10}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
