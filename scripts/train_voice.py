"""Train the voice network: five networks that leave speakers out, for figures and calibration, and one of all speakers.

DATA holds labels.csv (file, emotion, actor) and the clips. The same command goes on from the last finished epoch, on a
CPU as on a GPU. At the end OUT holds fold0.onnx to fold4.onnx with folds.json for scripts/evaluate_voice --folds OUT,
and models/ holds voice.onnx, calibrated by the answers of the five to the speakers they have not heard.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

from models.voice_net import Committee, DeployedVoiceNet
from pipeline.audio.framing import Doubles
from scripts.train_voice_data import LabelledVoices, load_voices
from scripts.train_voice_discriminant import Answers, Mixture, describe_voices, fit_discriminant, fit_mixture
from scripts.train_voice_export import export, write_network
from scripts.train_voice_loop import Setting, answer, train_net

MODELS_DIR = Path(__file__).resolve().parents[1] / "models"
N_FOLDS = 5
ALL = N_FOLDS
"""Number of the network that learns from all speakers."""


def main() -> int:
    """Train what is not trained yet, then export; return 2 when the data cannot be used."""
    options = parse_options()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        voices = load_voices(options.data, options.cache or options.out, options.copies)
        if len(np.unique(voices.actors)) < N_FOLDS:
            raise ValueError(f"{options.data} has fewer than {N_FOLDS} actors")
    except (OSError, KeyError, ValueError) as exc:
        print(f"train_voice: {exc}", file=sys.stderr)
        return 2
    if options.only is not None:
        train(options, voices, options.only)
        return 0
    nets = [train(options, voices, number) for number in range(N_FOLDS)]
    described = describe_voices(voices)
    mixture = export_folds(options.out, voices, nets, described)
    if not options.folds:
        net, discriminant = train(options, voices, ALL), fit_discriminant(described, voices.labels)
        export(DeployedVoiceNet(net, discriminant, *mixture).eval(), voices, options.models)
    return 0


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="train_voice", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of labels.csv and its clips")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and the networks of the folds")
    parser.add_argument("--cache", type=Path, help="folder for prepared clips (default OUT)")
    parser.add_argument("--models", type=Path, default=MODELS_DIR, help="folder for voice.onnx")
    parser.add_argument("--folds", action="store_true", help="stop after the five networks that leave speakers out")
    parser.add_argument("--only", type=int, choices=range(ALL + 1), help=f"train this one alone; {ALL}: all speakers")
    parser.add_argument("--copies", type=int, default=4, help="damaged copies of each clip beside the clean one")
    parser.add_argument("--members", type=int, default=3, help="networks whose answers are averaged")
    parser.add_argument("--epochs", type=int, default=110)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def fold_of(actors: np.ndarray) -> np.ndarray:
    """Return the fold that leaves each actor out, shape (n,): odd and even numbers (men and women) alternate."""
    _, rank = np.unique(actors, return_inverse=True)
    return np.asarray(rank % N_FOLDS)


def train(options: argparse.Namespace, voices: LabelledVoices, number: int) -> Committee:
    """Train the members of one committee to the end of their runs, unless they are there already."""
    name = "all" if number == ALL else f"fold{number}"
    rows = np.flatnonzero(fold_of(voices.actors) != number)
    settings = [
        Setting(
            checkpoint=options.out / f"{name}-{member}.pt",
            epochs=options.epochs,
            seed=options.seed + member,
            device=options.device,
        )
        for member in range(options.members)
    ]
    committee: Committee = Committee([train_net(voices, rows, setting) for setting in settings]).eval()
    return committee


def export_folds(folder: Path, voices: LabelledVoices, nets: list[Committee], described: Doubles) -> Mixture:
    """Write the network of each fold, mixed as is best for the speakers of the other folds.

    Args:
        folder: gets fold0.onnx to fold4.onnx and folds.json, which names the actors each has not heard.
        voices: all clips.
        nets: of the folds.
        described: of describe_voices.

    Returns:
        The mixture for networks of all speakers: fitted on the answers of each fold's networks to those it left out.
    """
    fold = fold_of(voices.actors)
    discriminants = [fit_discriminant(described[:, fold != i], voices.labels[fold != i]) for i in range(N_FOLDS)]
    answers = []
    for number, (net, discriminant) in enumerate(zip(nets, discriminants, strict=True)):
        rows = np.flatnonzero(fold == number)
        answers.append(
            Answers(
                net=answer(net, voices, rows),
                discriminant=answer(discriminant, voices, rows),
                labels=torch.from_numpy(voices.labels[rows]),
            )
        )
    left_out: dict[str, list[int]] = {}
    for number, (net, discriminant) in enumerate(zip(nets, discriminants, strict=True)):
        mixture = fit_mixture([answers[other] for other in range(N_FOLDS) if other != number])
        heard = np.unique(voices.actors[fold != number]).tolist()
        deployed = DeployedVoiceNet(net, discriminant, *mixture).eval()
        write_network(folder / f"fold{number}.onnx", deployed, heard, voices.copies[0][:4])
        left_out[f"fold{number}.onnx"] = np.unique(voices.actors[fold == number]).tolist()
    (folder / "folds.json").write_text(json.dumps(left_out))
    return fit_mixture(answers)


if __name__ == "__main__":
    sys.exit(main())
