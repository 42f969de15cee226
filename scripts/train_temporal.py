"""Train the temporal head on sequences made from FER2013 Training faces; write temporal.onnx into the --out folder.

Sequences and embeddings are made once and kept in --out; the same command goes on from the last finished epoch.
"""

import argparse
import hashlib
import io
import os
import time
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from torch import Generator, Tensor

from scripts.temporal_head import N_EMBEDDING, N_EMOTIONS, N_STATE, TemporalHead
from scripts.temporal_network import EmbeddingNetwork
from scripts.temporal_sequences import FaceSequences, SequenceSpec, load_sequences, make_sequences, save_sequences
from scripts.train_emotion_data import TRAINING, LabelledFaces, load_ferplus7

SPEC = SequenceSpec(n_frames=24, switching=0.4, switch_at=(0.2, 0.8))
STRIDES = (1, 2, 4)
"""20, 10 and 5 frames a second."""
STRIDE_ODDS = (0.5, 0.25, 0.25)
OPSET = 17


def main() -> None:
    """Make what is missing, train what is left, write the head."""
    options = parse_options()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    sequences = _sequences(options)
    shares, embeddings = _embedded(options, sequences)
    head = train(options, sequences, shares, embeddings)
    export(head.eval().cpu(), options.out / f"{_name(options)}.onnx")


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="train_temporal", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of fer2013.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder for sequences, checkpoints and the head")
    parser.add_argument("--model", type=Path, help="emotion network with an embedding output; the project's own else")
    parser.add_argument("--sequences", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--calm", type=float, default=0.5, help="weight of the total variation between frames")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _name(options: argparse.Namespace) -> str:
    return f"temporal-calm{options.calm:g}"


def _sequences(options: argparse.Namespace) -> FaceSequences:
    path = options.out / f"sequences-{options.sequences}-{options.seed}.npz"
    if not path.exists():
        faces = load_ferplus7(options.data / "fer2013.npz", TRAINING)
        rows = np.random.default_rng(options.seed).permutation(len(faces.labels))[: options.sequences]
        chosen = LabelledFaces(pixels=faces.pixels[rows], labels=faces.labels[rows], shares=faces.shares[rows])
        save_sequences(make_sequences(chosen, SPEC, seed=options.seed), path)
    return load_sequences(path)


def _embedded(options: argparse.Namespace, sequences: FaceSequences) -> tuple[Tensor, Tensor]:
    """Return the network's shares (n, n_frames, 7) and embeddings (n, n_frames, 1280) as half floats."""
    network = EmbeddingNetwork(options.model)
    key = hashlib.sha256(network.content).hexdigest()[:8]
    path = options.out / f"embeddings-{options.sequences}-{options.seed}-{key}.npz"
    if not path.exists():
        n, n_frames = sequences.crops.shape[:2]
        shares = np.empty((n, n_frames, N_EMOTIONS), np.float32)
        embeddings = np.empty((n, n_frames, N_EMBEDDING), np.float16)
        for i, crops in enumerate(sequences.crops):
            shares[i], embeddings[i] = network(crops)
        part = path.with_suffix(".part.npz")
        np.savez(part, shares=shares, embeddings=embeddings)
        part.replace(path)
    with np.load(path) as data:
        return torch.from_numpy(data["shares"]), torch.from_numpy(data["embeddings"])


def train(options: argparse.Namespace, sequences: FaceSequences, shares: Tensor, embeddings: Tensor) -> TemporalHead:
    """Run the epochs that are still to be done."""
    targets = torch.from_numpy(sequences.shares)
    head = TemporalHead()
    head.to(options.device)
    print(f"{sum(parameter.numel() for parameter in head.parameters())} parameters", flush=True)
    optimiser = torch.optim.AdamW(head.parameters(), lr=2e-3, weight_decay=0.05)
    n_steps = options.epochs * (len(shares) // options.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=n_steps + 1)
    path = options.out / f"{_name(options)}.pt"
    done = 0
    if path.exists():
        kept = torch.load(path, weights_only=True)
        head.load_state_dict(kept["head"])
        optimiser.load_state_dict(kept["optimiser"])
        schedule.load_state_dict(kept["schedule"])
        done = int(kept["done"])
    for epoch in range(done, options.epochs):
        started_s = time.monotonic()
        generator = Generator().manual_seed(options.seed * 1000 + epoch)
        torch.manual_seed(options.seed * 1000 + epoch)
        order = torch.randperm(len(shares), generator=generator)
        losses = []
        for i_step in range(len(shares) // options.batch):
            rows = order[i_step * options.batch : (i_step + 1) * options.batch]
            stride = STRIDES[int(torch.multinomial(torch.tensor(STRIDE_ODDS), 1, generator=generator))]
            frames = slice(int(torch.randint(0, stride, (1,), generator=generator)), None, stride)
            batch = [x[rows, frames].to(options.device).float() for x in (embeddings, shares, targets)]
            loss = _loss(head, batch, stride / SPEC.fps, options.calm)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), 1)
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        part = path.with_suffix(".part")
        state = {"head": head.state_dict(), "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
        torch.save(state | {"done": epoch + 1}, part)
        os.replace(part, path)
        print(f"epoch {epoch + 1} loss {np.mean(losses):.4f} {time.monotonic() - started_s:.0f} s", flush=True)
    return head


def _loss(head: TemporalHead, batch: list[Tensor], dt_s: float, calm: float) -> Tensor:
    """Cross entropy with the vote shares, and the total variation between frames while the targets stay."""
    embeddings, shares, targets = batch
    state = torch.zeros(len(shares), N_STATE, device=shares.device)
    outputs = []
    for i in range(shares.shape[1]):
        dt = torch.full((len(shares), 1), dt_s if i else 0.0, device=shares.device)
        output, state = head(embeddings[:, i], shares[:, i], dt, state)
        outputs.append(output)
    out = torch.stack(outputs, dim=1)
    entropy = -(targets * torch.log(out.clamp_min(1e-6))).sum(dim=2).mean()
    is_still = (targets.diff(dim=1).abs().sum(dim=2) == 0).float()
    variation = 0.5 * (out.diff(dim=1).abs().sum(dim=2) * is_still).sum(dim=1).mean()
    return entropy + calm * variation


def export(head: TemporalHead, path: Path) -> None:
    """Write one step of the head as ONNX."""
    buffer = io.BytesIO()
    names = ["embedding", "shares", "dt_s", "state"]
    inputs = tuple(torch.full((2, n), 0.1) for n in (N_EMBEDDING, N_EMOTIONS, 1, N_STATE))
    torch.onnx.export(
        head,
        inputs,
        buffer,
        opset_version=OPSET,
        dynamo=False,
        input_names=names,
        output_names=["probabilities", "next_state"],
        dynamic_axes={name: {0: "n"} for name in (*names, "probabilities", "next_state")},
    )
    onnx.checker.check_model(onnx.load_model_from_string(buffer.getvalue()))
    path.write_bytes(buffer.getvalue())
    print(f"{path}: {len(buffer.getvalue())} bytes")


if __name__ == "__main__":
    main()
