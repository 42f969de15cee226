"""Agreement with Praat on recorded speech, before and after Opus."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import parselmouth

from pipeline.audio.framing import HOP_S, Doubles
from pipeline.audio.pitch import PitchTrack, estimate_pitch
from pipeline.audio.pitch_candidates import MAX_F0_HZ, MIN_F0_HZ
from pipeline.audio.pitch_range import CEILING_SHARE, FLOOR_SHARE, Counts, find_range
from pipeline.types import SAMPLE_RATE_HZ
from scripts.evaluate_pitch_figures import GROSS, Errors, align_pitch, compare_pitch, praat_pitch
from scripts.evaluate_voice_score_clips import load_sound, pass_through_opus, read_labels

BIT_RATES = (None, 32_000, 24_000, 16_000)
"""None: as recorded."""
MIN_SOUND_S = 0.5
MIN_VOICED_FRAMES = 20
RAISED = ("calm", "sad", "angry", "fearful", "disgust")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRow:
    """Figures at one bit rate."""

    opus_bit_s: int | None
    n_frames: int
    """That are voiced in the reference."""
    gross_error: float | None
    octave_down: float | None
    octave_up: float | None
    voicing_differs: float | None
    """Share of all frames."""
    praat_gross_error: float | None
    praat_voicing_differs: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisedRow:
    """Figures on strongly emotional clips of speakers whose neutral clips were heard before."""

    emotion: str
    n_frames: int
    """That are voiced in the reference."""
    gross_error: float | None
    octave_down: float | None
    octave_up: float | None
    hard_range_gross_error: float | None
    """Were the range of the neutral clips a hard limit."""
    praat_gross_error: float | None
    """With the range of the clip itself, which nobody has in a live session."""


def read_speech(folder: Path, n_files: int) -> list[Doubles]:
    """Read at most n_files recordings of a folder, the same ones each time.

    Raises:
        ValueError: there is none.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".flac", ".wav"))
    if not paths:
        raise ValueError(f"no FLAC or WAV file in {folder}")
    # By chance, not every so many: names of data sets run through the speakers in steps.
    chosen = np.random.default_rng(0).permutation(len(paths))[:n_files]
    sounds = [load_sound(paths[i]).astype(np.float64) for i in sorted(chosen)]
    return [sound for sound in sounds if len(sound) >= MIN_SOUND_S * SAMPLE_RATE_HZ]


def speech_errors(sounds: list[Doubles]) -> Iterator[SpeechRow]:
    """Compare ours and Praat's with the reference at every bit rate."""
    references = [find_reference(sound) for sound in sounds]
    for bit_rate in BIT_RATES:
        ours, praats = Errors(), Errors()
        for sound, (t_s, reference_hz) in zip(sounds, references, strict=True):
            heard = sound if bit_rate is None else pass_through_opus(sound.astype(np.float32), bit_rate).astype(float)
            track = estimate_twice(heard)
            ours += compare_pitch(align_pitch(track.t_s, track.f0_hz, t_s), reference_hz)
            praats += compare_pitch(align_pitch(*praat_twice(heard), t_s), reference_hz)
        yield SpeechRow(
            opus_bit_s=bit_rate,
            n_frames=ours.n_reference,
            gross_error=ours.gross_error,
            octave_down=ours.octave_down,
            octave_up=ours.octave_up,
            voicing_differs=ours.voicing_differs,
            praat_gross_error=praats.gross_error,
            praat_voicing_differs=praats.voicing_differs,
        )


def raised_errors(data: Path, n_actors: int) -> Iterator[RaisedRow]:
    """Follow raised voices after calm speech, as a live session does; data holds labels.csv."""
    clips = [clip for clip in read_labels(data) if clip.actor <= n_actors]
    seen: dict[int, Counts] = {}
    for clip in clips:
        if clip.emotion == "neutral":
            sound = load_sound(clip.path).astype(np.float64)
            seen[clip.actor] = estimate_pitch(sound, SAMPLE_RATE_HZ, seen=seen.get(clip.actor)).seen
    for emotion in RAISED:
        ours, hard, praats = Errors(), Errors(), Errors()
        for clip in clips:
            if (clip.emotion, clip.intensity, clip.repetition) != (emotion, "02", "01"):
                continue
            sound = load_sound(clip.path).astype(np.float64)
            t_s, reference_hz = find_reference(sound)
            track = estimate_pitch(sound, SAMPLE_RATE_HZ, seen=seen[clip.actor])
            limited = estimate_pitch(sound, SAMPLE_RATE_HZ, span=find_range(seen[clip.actor]))
            ours += compare_pitch(align_pitch(track.t_s, track.f0_hz, t_s), reference_hz)
            hard += compare_pitch(align_pitch(limited.t_s, limited.f0_hz, t_s), reference_hz)
            praats += compare_pitch(align_pitch(*praat_twice(sound), t_s), reference_hz)
        yield RaisedRow(
            emotion=emotion,
            n_frames=ours.n_reference,
            gross_error=ours.gross_error,
            octave_down=ours.octave_down,
            octave_up=ours.octave_up,
            hard_range_gross_error=hard.gross_error,
            praat_gross_error=praats.gross_error,
        )


def estimate_twice(sound: Doubles) -> PitchTrack:
    """Our two passes."""
    seen = estimate_pitch(sound, SAMPLE_RATE_HZ).seen
    return estimate_pitch(sound, SAMPLE_RATE_HZ, span=find_range(seen))


def find_reference(sound: Doubles) -> tuple[Doubles, Doubles]:
    """Times and pitch where cross-correlation and subharmonic summation, in the range of two passes, agree; else 0."""
    floor_hz, ceiling_hz = find_praat_range(sound)
    praat = parselmouth.Sound(sound, SAMPLE_RATE_HZ)
    one = praat.to_pitch_cc(time_step=HOP_S, pitch_floor=floor_hz, pitch_ceiling=ceiling_hz)
    other = praat.to_pitch_shs(time_step=HOP_S, minimum_pitch=floor_hz, ceiling=ceiling_hz)
    t_s, f0_hz = one.xs(), one.selected_array["frequency"]
    other_hz = align_pitch(other.xs(), other.selected_array["frequency"], t_s)
    return t_s, np.where(np.abs(other_hz - f0_hz) <= GROSS * f0_hz, f0_hz, 0.0)


def praat_twice(sound: Doubles) -> tuple[Doubles, Doubles]:
    """Praat's autocorrelation in two passes."""
    floor_hz, ceiling_hz = find_praat_range(sound)
    return praat_pitch(sound, SAMPLE_RATE_HZ, floor_hz=floor_hz, ceiling_hz=ceiling_hz)


def find_praat_range(sound: Doubles) -> tuple[float, float]:
    """Range of the second pass from the quartiles of the first, which is an autocorrelation over the whole range."""
    _, f0_hz = praat_pitch(sound, SAMPLE_RATE_HZ)
    voiced_hz = f0_hz[f0_hz > 0]
    if len(voiced_hz) < MIN_VOICED_FRAMES:
        return MIN_F0_HZ, MAX_F0_HZ
    q25_hz, q75_hz = np.quantile(voiced_hz, (0.25, 0.75))
    return max(MIN_F0_HZ, FLOOR_SHARE * q25_hz), min(MAX_F0_HZ, CEILING_SHARE * q75_hz)
