"""Train the eye network on the strips of FER2013 faces with FER+ votes, then write models/eyes.onnx.

The same command goes on from the last finished epoch, on a CPU as on a GPU. --export-only writes the network from the
newest checkpoint, finished or not.
"""

import argparse
import copy
import math
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name PyTorch users know
from torch import Generator, Tensor

from models.eyes_net import EyesNet
from pipeline.types import FloatArray
from pipeline.video.crop import MIN_CONTRAST, SOURCE_SIZE_PX
from pipeline.video.eyes import STRIP_COLUMNS, STRIP_ROWS, STRIP_SIZE_PX, prepare_strips
from scripts.train_emotion_augment import Dice, augment, normalise
from scripts.train_emotion_data import PUBLIC_TEST, TRAINING, LabelledFaces
from scripts.train_emotion_recipe import Recipe
from scripts.train_eyes_data import load_eyes6
from scripts.train_eyes_export import export

MODELS_DIR = Path(__file__).resolve().parents[1] / "models"
N_CALIBRATION_FACES = 1000
LEARNING_RATE = 2e-3
WARM_UP_STEPS = 300
EMA_DECAY = 0.998

RECIPE = Recipe(name="eyes", network="eyes", size_px=SOURCE_SIZE_PX, occlude=False)
"""Of the damage done to whole faces. Hidden parts are left out: a bar over the eyes would leave nothing to learn."""


def main() -> int:
    """Train, resume or export as the command line says; return 2 when the data cannot be used."""
    options = parse_options()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    try:
        teacher = None if options.teacher is None else read_teacher(options.teacher)
        training = load_eyes6(options.data, TRAINING, teacher)
        public = load_eyes6(options.data, PUBLIC_TEST)
    except (OSError, KeyError, ValueError) as exc:
        print(f"train_eyes: {exc}", file=sys.stderr)
        return 2
    order = np.random.default_rng(options.seed).permutation(len(training.labels))
    calibration, rest = _rows(training, order[:N_CALIBRATION_FACES]), _rows(training, order[N_CALIBRATION_FACES:])
    options.out.mkdir(parents=True, exist_ok=True)
    if options.export_only:
        net = EyesNet()
        net.load_state_dict(torch.load(options.out / "checkpoint.pt", weights_only=True, map_location="cpu")["ema"])
    else:
        net = train(options, rest, public)
    export(net.eval().to("cpu", memory_format=torch.contiguous_format), calibration, options.models)
    return 0


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="train_eyes", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="npz of FER2013 with FER+ votes")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--models", type=Path, default=MODELS_DIR, help="folder for eyes.onnx")
    parser.add_argument(
        "--teacher", type=Path, help="npz with shares (n, 7) of the training faces from larger networks"
    )
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--export-only", action="store_true")
    return parser.parse_args()


def read_teacher(path: Path) -> FloatArray:
    """Read the array ``shares`` of a teacher's npz. Raises OSError or KeyError."""
    with np.load(path) as data:
        return np.asarray(data["shares"], np.float32)


def _rows(faces: LabelledFaces, rows: np.ndarray) -> LabelledFaces:
    return LabelledFaces(pixels=faces.pixels[rows], labels=faces.labels[rows], shares=faces.shares[rows])


def train(options: argparse.Namespace, training: LabelledFaces, public: LabelledFaces) -> EyesNet:
    """Run the epochs that are still to be done and return the averaged network."""
    pixels = torch.from_numpy(training.pixels)[:, None].to(options.device)
    shares = torch.from_numpy(training.shares).to(options.device)
    net = EyesNet().to(options.device, memory_format=torch.channels_last)
    ema: EyesNet = copy.deepcopy(net).eval()
    optimiser = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=0.05)
    done = _resume(options, net, ema, optimiser)
    steps_per_epoch = len(pixels) // options.batch
    for epoch in range(done, options.epochs):
        started_s = time.monotonic()
        generator = Generator().manual_seed(options.seed * 1000 + epoch)
        order = torch.randperm(len(pixels), generator=generator)
        loss_sum = 0.0
        net.train()
        for i_step in range(steps_per_epoch):
            rows = order[i_step * options.batch : (i_step + 1) * options.batch].to(options.device)
            step = epoch * steps_per_epoch + i_step
            optimiser.param_groups[0]["lr"] = _learning_rate(step, options.epochs * steps_per_epoch)
            # Damage is done to whole faces, as a camera does it, and the strip is cut afterwards.
            dice = Dice(options.seed * 1_000_000 + step, options.device)
            strips = to_strips(augment(pixels[rows].float(), RECIPE, dice))
            answers = net(strips.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(answers, shares[rows])
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 2)
            optimiser.step()
            _average(ema, net, min(EMA_DECAY, (1 + step) / (10 + step)))
            loss_sum += float(loss.detach())
        _save(options.out / "checkpoint.pt", net, ema, optimiser, epoch + 1)
        right = accuracy(ema, public, options.device)
        took_s = time.monotonic() - started_s
        print(f"epoch {epoch + 1} loss {loss_sum / steps_per_epoch:.4f} public {right:.4f} {took_s:.0f} s", flush=True)
    return ema


def to_strips(faces: Tensor) -> Tensor:
    """Do to tensors of shape (n, 1, 48, 48) what ``pipeline.video.eyes.prepare_strips`` does to arrays."""
    strips = F.interpolate(
        faces[:, :, STRIP_ROWS, STRIP_COLUMNS], size=STRIP_SIZE_PX, mode="bilinear", align_corners=False
    )
    return normalise(strips, MIN_CONTRAST)


def _learning_rate(step: int, n_steps: int) -> float:
    """Rise over the warm-up, then fall along a cosine."""
    if step < WARM_UP_STEPS:
        return LEARNING_RATE * (step + 1) / WARM_UP_STEPS
    return LEARNING_RATE * (0.5 + 0.5 * math.cos(math.pi * (step - WARM_UP_STEPS) / max(1, n_steps - WARM_UP_STEPS)))


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is absent where types are checked
def _average(ema: EyesNet, net: EyesNet, decay: float) -> None:
    averaged, current = list(ema.state_dict().values()), list(net.state_dict().values())
    pairs = [(a, c) for a, c in zip(averaged, current, strict=True) if a.is_floating_point()]
    torch._foreach_lerp_([a for a, _ in pairs], [c for _, c in pairs], 1 - decay)


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is absent where types are checked
def accuracy(net: EyesNet, faces: LabelledFaces, device: str) -> float:
    """Return the share of faces whose label is the network's answer."""
    prepared = torch.from_numpy(prepare_strips(faces.pixels))
    labels = torch.cat([net(batch.to(device)).argmax(dim=1).cpu() for batch in prepared.split(256)])
    return float((labels == torch.from_numpy(faces.labels)).float().mean())


def _save(path: Path, net: EyesNet, ema: EyesNet, optimiser: torch.optim.Optimizer, epochs_done: int) -> None:
    state = {"net": net.state_dict(), "ema": ema.state_dict(), "optimiser": optimiser.state_dict(), "done": epochs_done}
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def _resume(options: argparse.Namespace, net: EyesNet, ema: EyesNet, optimiser: torch.optim.Optimizer) -> int:
    """Load the newest checkpoint; return the number of finished epochs."""
    path = options.out / "checkpoint.pt"
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True, map_location=options.device)
    net.load_state_dict(state["net"])
    ema.load_state_dict(state["ema"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["done"])


if __name__ == "__main__":
    sys.exit(main())
