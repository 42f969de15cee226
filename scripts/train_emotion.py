"""Train the emotion network on FER2013 faces with FER+ votes, then write models/emotion.onnx.

The folder of --data holds fer2013.npz and mobilenet_v2_imagenet.npz. The same command goes on from the last
finished epoch. --export-only writes the network from the newest checkpoint, finished or not.
"""

import argparse
import copy
import math
import os
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name PyTorch users know
from torch import Generator, Tensor

from models.emotion_net import EmotionNet, load_imagenet
from pipeline.video.crop import FACE_SIZE_PX, MIN_CONTRAST, prepare_faces
from scripts.train_emotion_augment import augment, normalise
from scripts.train_emotion_data import PUBLIC_TEST, TRAINING, LabelledFaces, load_ferplus7
from scripts.train_emotion_export import export

MODELS_DIR = Path(__file__).resolve().parents[1] / "models"
N_CALIBRATION_FACES = 1000
WARM_UP_STEPS = 300
EMA_DECAY = 0.998


def main() -> None:
    """Train, resume or export as the command line says."""
    options = parse_options()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    training = load_ferplus7(options.data / "fer2013.npz", TRAINING)
    held_out = np.random.default_rng(options.seed).permutation(len(training.labels))[:N_CALIBRATION_FACES]
    is_training = np.ones(len(training.labels), bool)
    is_training[held_out] = False
    calibration = _rows(training, held_out)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.export_only:
        net = EmotionNet()
        state = torch.load(options.out / "checkpoint.pt", weights_only=True)
        net.load_state_dict(state["ema"])
    else:
        public = load_ferplus7(options.data / "fer2013.npz", PUBLIC_TEST)
        net = train(options, _rows(training, np.flatnonzero(is_training)), public)
    export(net.eval(), calibration, options.models)


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="train_emotion", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of fer2013.npz and mobilenet_v2_imagenet.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--models", type=Path, default=MODELS_DIR, help="folder for emotion.onnx")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--export-only", action="store_true")
    return parser.parse_args()


def _rows(faces: LabelledFaces, rows: np.ndarray) -> LabelledFaces:
    return LabelledFaces(pixels=faces.pixels[rows], labels=faces.labels[rows], shares=faces.shares[rows])


def _grey_levels(faces: LabelledFaces) -> Tensor:
    """Resize to the network's input, as uint8 so that all faces fit into memory."""
    resized = [cv2.resize(face, (FACE_SIZE_PX, FACE_SIZE_PX), interpolation=cv2.INTER_LINEAR) for face in faces.pixels]
    return torch.from_numpy(np.stack(resized))[:, None]


def train(options: argparse.Namespace, training: LabelledFaces, public: LabelledFaces) -> EmotionNet:
    """Run the epochs that are still to be done and return the averaged network."""
    pixels, shares = _grey_levels(training), torch.from_numpy(training.shares)
    net = EmotionNet()
    first = normalise(pixels[:256].float(), MIN_CONTRAST)
    with np.load(options.data / "mobilenet_v2_imagenet.npz") as weights:
        load_imagenet(net, weights, first)
    # Channels-last is 1.7 times as fast on a CPU.
    net = net.to(memory_format=torch.channels_last)
    ema: EmotionNet = copy.deepcopy(net).eval()
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
    done = _resume(options.out / "checkpoint.pt", net, ema, optimiser)
    steps_per_epoch = len(pixels) // options.batch
    for epoch in range(done, options.epochs):
        started_s = time.monotonic()
        generator = Generator().manual_seed(options.seed * 1000 + epoch)
        order = torch.randperm(len(pixels), generator=generator)
        loss_sum = 0.0
        net.train()
        for i_step in range(steps_per_epoch):
            rows = order[i_step * options.batch : (i_step + 1) * options.batch]
            step = epoch * steps_per_epoch + i_step
            optimiser.param_groups[0]["lr"] = _learning_rate(step, options.epochs * steps_per_epoch)
            faces = normalise(augment(pixels[rows].float(), generator), MIN_CONTRAST)
            loss = F.cross_entropy(net(faces.contiguous(memory_format=torch.channels_last)), shares[rows])
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 2)
            optimiser.step()
            _average(ema, net, min(EMA_DECAY, (1 + step) / (10 + step)))
            loss_sum += float(loss.detach())
            if i_step % 50 == 49:
                print(f"  step {step + 1} loss {loss_sum / (i_step + 1):.4f}", flush=True)
        _save(options.out / "checkpoint.pt", net, ema, optimiser, epoch + 1)
        print(
            f"epoch {epoch + 1} loss {loss_sum / steps_per_epoch:.4f} public {_accuracy(ema, public):.4f} "
            f"{time.monotonic() - started_s:.0f} s",
            flush=True,
        )
    return ema


def _learning_rate(step: int, n_steps: int) -> float:
    """Rise over the warm-up, then fall along a cosine."""
    if step < WARM_UP_STEPS:
        return 1e-3 * (step + 1) / WARM_UP_STEPS
    return 1e-3 * (0.5 + 0.5 * math.cos(math.pi * (step - WARM_UP_STEPS) / (n_steps - WARM_UP_STEPS)))


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is absent where types are checked
def _average(ema: EmotionNet, net: EmotionNet, decay: float) -> None:
    averaged, current = list(ema.state_dict().values()), list(net.state_dict().values())
    pairs = [(a, c) for a, c in zip(averaged, current, strict=True) if a.is_floating_point()]
    torch._foreach_lerp_([a for a, _ in pairs], [c for _, c in pairs], 1 - decay)


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is absent where types are checked
def _accuracy(net: EmotionNet, faces: LabelledFaces) -> float:
    prepared = torch.from_numpy(prepare_faces(faces.pixels))
    labels = torch.cat([net(batch).argmax(dim=1) for batch in prepared.split(256)])
    return float((labels == torch.from_numpy(faces.labels)).float().mean())


def _save(path: Path, net: EmotionNet, ema: EmotionNet, optimiser: torch.optim.Optimizer, epochs_done: int) -> None:
    state = {"net": net.state_dict(), "ema": ema.state_dict(), "optimiser": optimiser.state_dict(), "done": epochs_done}
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def _resume(path: Path, net: EmotionNet, ema: EmotionNet, optimiser: torch.optim.Optimizer) -> int:
    """Load the newest checkpoint; return the number of finished epochs."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    net.load_state_dict(state["net"])
    ema.load_state_dict(state["ema"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["done"])


if __name__ == "__main__":
    main()
