"""Measure the voice network on labelled clips: DATA holds labels.csv (file, emotion, actor) and the files.

Only speakers that the network has not heard say how good it is. The network in models/ knows by number which actors of
RAVDESS it was trained on; where DATA has them, the answer says so. With --folds each speaker is judged by the network
of scripts/train_voice --folds that left them out.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import ModelError
from models.loader import OnnxVoiceClassifier, load_voice_classifier
from pipeline.audio.voice_input import MIN_FRAMES, prepare_voice
from pipeline.types import SAMPLE_RATE_HZ, VOICE_EMOTIONS, FloatArray
from scripts.evaluate_voice_figures import voice_figures
from scripts.evaluate_voice_score_clips import load_sound, pass_through_opus
from scripts.train_voice_augment import add_noise, add_room
from scripts.train_voice_data import VoiceClip, read_clips

N_TIMED_CLIPS = 100
LINE_FIGURES = ("uar", "three_level_accuracy", "three_level_ece")
"""What is said of a changed sound."""

Networks = Mapping[int, OnnxVoiceClassifier]
"""The network that judges each actor."""


def main() -> int:
    """Print the figures; return 2 when model or data cannot be used."""
    options = parse_options()
    try:
        clips = read_clips(options.data)
        networks = open_networks({clip.actor for clip in clips}, options.model, options.folds)
        sounds = [load_sound(clip.path) for clip in clips]
    except (ModelError, OSError, KeyError, ValueError) as exc:
        print(f"evaluate_voice: {exc}", file=sys.stderr)
        return 2
    result = evaluate(networks, clips, sounds)
    heard = sorted(actor for actor, network in networks.items() if actor in network.actors)
    result |= {
        "is_speaker_disjoint": not heard,
        "actors_trained_on": heard,
        "n_too_short": sum(prepare_voice(sound).shape[1] < MIN_FRAMES for sound in sounds),
        "ms_per_second": round(ms_per_second(networks[clips[0].actor], sounds[:N_TIMED_CLIPS]), 2),
        "parameters": networks[clips[0].actor].n_parameters,
        "model": sorted({network.version for network in networks.values()}),
    }
    coded = [pass_through_opus(sound, options.opus_kbps * 1000) for sound in sounds]
    result["after_opus"] = {"kbps": options.opus_kbps} | compare(result, evaluate(networks, clips, coded))
    if options.damage:
        result["damage"] = {
            name: compare(result, evaluate(networks, clips, [change(sound) for sound in sounds]))
            for name, change in changes().items()
        }
    if options.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name:24s}{value}" for name, value in result.items()))
    if heard:
        print(f"evaluate_voice: trained on actors {heard}: these figures do not say how good it is", file=sys.stderr)
    return 0


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="evaluate_voice", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of labels.csv and its clips")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--model", type=Path, help="an ONNX file instead of the one of models/manifest.toml")
    which.add_argument("--folds", type=Path, help="folder of folds.json: judge each actor by the network without them")
    parser.add_argument("--opus-kbps", type=int, default=24, help="bit rate of after_opus")
    parser.add_argument("--damage", action="store_true", help="also measure with noise, in a room, 20 dB lower")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    return parser.parse_args()


def open_networks(actors: set[int], model: Path | None, folds: Path | None) -> Networks:
    """Open the network that judges each of the actors.

    Raises:
        ModelError: a network cannot be used.
        ValueError: an actor was left out by none of the folds.
    """
    if folds is None:
        network = load_voice_classifier() if model is None else _open(model)
        return dict.fromkeys(actors, network)
    left_out: dict[str, list[int]] = json.loads((folds / "folds.json").read_text())
    opened = {name: _open(folds / name) for name in left_out}
    networks = {actor: opened[name] for name, numbers in left_out.items() for actor in numbers}
    missing = sorted(actors - networks.keys())
    if missing:
        raise ValueError(f"{folds}/folds.json leaves out no actor {', '.join(map(str, missing))}")
    return {actor: networks[actor] for actor in actors}


def _open(path: Path) -> OnnxVoiceClassifier:
    return OnnxVoiceClassifier(path.read_bytes(), source=str(path), name=path.stem)


def evaluate(networks: Networks, clips: Sequence[VoiceClip], sounds: Sequence[FloatArray]) -> dict[str, Any]:
    """Compute the figures of voice_figures from the sounds of the clips."""
    shares = np.stack([classify(networks[clip.actor], sound) for clip, sound in zip(clips, sounds, strict=True)])
    return voice_figures(shares, np.array([clip.label for clip in clips]), np.array([clip.actor for clip in clips]))


def classify(network: OnnxVoiceClassifier, sound: FloatArray) -> FloatArray:
    """Return the shares of one sound, shape (8,): equal ones where it is too short to be judged."""
    rows = prepare_voice(sound)
    if rows.shape[1] < MIN_FRAMES:
        return np.full(len(VOICE_EMOTIONS), 1 / len(VOICE_EMOTIONS), np.float32)
    return np.asarray(network(rows[None])[0], np.float32)


def compare(clean: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """Say what became of the figures, and how many points of them were lost."""
    lost = {f"{name}_points_lost": round(100 * (clean[name] - changed[name]), 2) for name in LINE_FIGURES[:2]}
    return {name: changed[name] for name in LINE_FIGURES} | lost


def changes() -> dict[str, Callable[[FloatArray], FloatArray]]:
    """What --damage does to a sound, the same to every one."""
    return {
        "noise_20_db": lambda sound: add_noise(sound, 20.0, np.random.default_rng(0)),
        "noise_10_db": lambda sound: add_noise(sound, 10.0, np.random.default_rng(0)),
        "room": lambda sound: add_room(sound, np.random.default_rng(0)),
        "quieter_20_db": lambda sound: sound * np.float32(0.1),
        "opus_16_kbps": lambda sound: pass_through_opus(sound, 16_000),
    }


def ms_per_second(network: OnnxVoiceClassifier, sounds: Sequence[FloatArray]) -> float:
    """Return the median time for one second of sound, preparation included, on one thread."""
    times_ms = []
    for sound in sounds:
        started_s = time.perf_counter()
        classify(network, sound)
        times_ms.append(1000 * (time.perf_counter() - started_s) * SAMPLE_RATE_HZ / len(sound))
    return float(np.median(times_ms))


if __name__ == "__main__":
    sys.exit(main())
