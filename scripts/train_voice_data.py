"""The clips of a folder as the voice network learns them: prepared once, clean and damaged, and kept on disk."""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.audio.voice_input import MIN_FRAMES, N_ROWS, prepare_voice
from pipeline.types import VOICE_EMOTIONS, FloatArray
from scripts.evaluate_voice_score_clips import load_sound
from scripts.train_voice_augment import damage_sound

Ints = npt.NDArray[np.int64]


SYNONYMS = {
    "anger": "angry",
    "disgusted": "disgust",
    "fear": "fearful",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprised",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceClip:
    """One row of labels.csv."""

    path: Path
    label: int
    """Index into VOICE_EMOTIONS."""
    actor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledVoices:
    """Prepared clips; clip i of a copy is clip i of every other."""

    copies: tuple[tuple[FloatArray, ...], ...]
    """The clean clips, then damaged copies: each of shape (N_ROWS, n_frames), half precision."""
    labels: Ints
    """Shape (n,), index into VOICE_EMOTIONS."""
    actors: Ints
    """Shape (n,)."""


def read_clips(data: Path) -> list[VoiceClip]:
    """Read DATA/labels.csv, columns file, emotion and actor; others do not matter.

    Raises:
        KeyError: a column is missing.
        ValueError: an emotion is not among the eight, an actor is no number, or there is no row.
    """
    with (data / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise ValueError(f"{data}/labels.csv has no rows")
    return [
        VoiceClip(path=data / row["file"], label=_read_label(data, row["emotion"]), actor=int(row["actor"]))
        for row in rows
    ]


def _read_label(data: Path, emotion: str) -> int:
    name = SYNONYMS.get(emotion.lower(), emotion.lower())
    if name not in VOICE_EMOTIONS:
        raise ValueError(f"{data}/labels.csv: an emotion must be among {', '.join(VOICE_EMOTIONS)}, got {emotion}")
    return VOICE_EMOTIONS.index(name)


def load_voices(data: Path, cache: Path, n_damaged: int) -> LabelledVoices:
    """Read the copies that are in the cache and make those that are not, which takes a minute or two each.

    Args:
        data: folder of labels.csv and its clips.
        cache: gets one file for each copy.
        n_damaged: damaged copies beside the clean one.
    """
    clips = read_clips(data)
    cache.mkdir(parents=True, exist_ok=True)
    return LabelledVoices(
        copies=tuple(tuple(_load_copy(clips, cache, i_copy)) for i_copy in range(n_damaged + 1)),
        labels=np.array([clip.label for clip in clips]),
        actors=np.array([clip.actor for clip in clips]),
    )


def _load_copy(clips: list[VoiceClip], cache: Path, i_copy: int) -> Iterator[FloatArray]:
    path = cache / f"voices{i_copy}.npz"
    if not path.exists():
        prepared = [_prepare(clip, i_clip, i_copy) for i_clip, clip in enumerate(clips)]
        part = path.with_suffix(".part.npz")
        np.savez(part, rows=np.concatenate(prepared, axis=1), n_frames=[rows.shape[1] for rows in prepared])
        os.replace(part, path)
        print(f"made {path}", flush=True)
    with np.load(path) as kept:
        rows, n_frames = kept["rows"], kept["n_frames"]
    if len(n_frames) != len(clips) or len(rows) != N_ROWS:
        raise ValueError(f"{path} was made from other clips or otherwise: remove it")
    yield from np.split(rows, np.cumsum(n_frames)[:-1], axis=1)


def _prepare(clip: VoiceClip, i_clip: int, i_copy: int) -> FloatArray:
    """Prepare a clip, damaged for every copy but the first; where damage leaves too little, the clean clip stays."""
    sound = load_sound(clip.path)
    if i_copy > 0:
        damaged = prepare_voice(damage_sound(sound, np.random.default_rng((i_copy, i_clip))))
        if damaged.shape[1] >= MIN_FRAMES:
            return damaged.astype(np.float16)
    return prepare_voice(sound).astype(np.float16)
