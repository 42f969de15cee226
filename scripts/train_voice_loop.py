"""The training loop of the voice network: one set of speakers, on a CPU or a GPU, resumable after every epoch."""

import copy
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name PyTorch users know
from torch import Tensor, nn

from models.voice_net import VoiceNet
from pipeline.audio.voice_input import MIN_FRAMES
from pipeline.types import VOICE_EMOTIONS
from scripts.train_voice_data import Ints, LabelledVoices
from scripts.train_voice_rows import RowDice, augment_rows, mix_rows

BATCH = 32
BUCKET = 6
"""Batches among which clips are sorted by length, so that those of a batch are stretched little."""
LEARNING_RATE = 2e-3
WARM_UP_STEPS = 100
WEIGHT_DECAY = 0.05
LABEL_SMOOTHING = 0.1
EMA_DECAY = 0.993
CROP = 0.78
"""Length of a batch's clips, of the median of its clips'; a tenth more or less by chance."""
MAX_FRAMES = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How to train."""

    checkpoint: Path
    epochs: int
    seed: int
    device: str


def train_net(voices: LabelledVoices, rows: Ints, setting: Setting) -> VoiceNet:
    """Run the epochs that are still to be done and return the averaged network, on the CPU, in evaluation mode.

    Args:
        voices: all clips.
        rows: which of them may be learned from.
        setting: a checkpoint that is there is gone on from.
    """
    torch.manual_seed(setting.seed)
    net = VoiceNet().to(setting.device)
    ema: VoiceNet = copy.deepcopy(net).eval()
    optimiser = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    done = _resume(setting, net, ema, optimiser)
    labels = torch.from_numpy(voices.labels)
    pool = _balanced(rows, voices.labels)
    n_steps = setting.epochs * (len(pool) // BATCH)
    for epoch in range(done, setting.epochs):
        started_s, losses = time.monotonic(), []
        net.train()
        for i_batch, clips in enumerate(_batches(voices, pool, np.random.default_rng((setting.seed, epoch)))):
            step = epoch * (len(pool) // BATCH) + i_batch
            seed = setting.seed * 1_000_003 + step
            torch.manual_seed(seed)  # of dropout, so that a run that was stopped goes on as it would have
            for group in optimiser.param_groups:
                group["lr"] = LEARNING_RATE * _schedule(step, n_steps)
            inputs, targets = _draw_batch(voices, labels, clips, seed)
            answers = net(inputs.to(setting.device))
            loss = F.cross_entropy(answers, targets.to(setting.device), label_smoothing=LABEL_SMOOTHING)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 2)
            optimiser.step()
            _average(ema, net, min(EMA_DECAY, (1 + step) / (10 + step)))
            losses.append(float(loss.detach()))
        _save(setting.checkpoint, net, ema, optimiser, epoch + 1)
        took_s = time.monotonic() - started_s
        print(f"{setting.checkpoint.stem}: epoch {epoch + 1}, loss {np.mean(losses):.4f}, {took_s:.0f} s", flush=True)
    averaged: VoiceNet = ema.cpu().eval()
    return averaged


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is absent where types are checked
def answer(net: nn.Module, voices: LabelledVoices, rows: Ints) -> Tensor:
    """Return the logits of the clean clips at rows, shape (len(rows), 8)."""
    clips = (torch.from_numpy(voices.copies[0][i].astype(np.float32))[None] for i in rows.tolist())
    return torch.cat([net(clip) for clip in clips])


def _balanced(rows: Ints, labels: Ints) -> Ints:
    """Repeat the clips of rare classes, so that each class comes about as often as the most frequent one."""
    counts = np.bincount(labels[rows], minlength=len(VOICE_EMOTIONS))
    return np.repeat(rows, np.rint(counts.max() / counts[labels[rows]]).astype(int))


def _batches(voices: LabelledVoices, rows: Ints, rng: np.random.Generator) -> list[Ints]:
    """Divide the rows into batches of clips of similar length, each row with the copy it is taken from.

    Returns:
        Arrays of shape (BATCH, 2): copy and row.
    """
    drawn = np.stack([rng.integers(0, len(voices.copies), len(rows)), rng.permutation(rows)], axis=1)
    n_frames = np.array([voices.copies[i_copy][i_row].shape[1] for i_copy, i_row in drawn.tolist()])
    buckets = np.array_split(np.arange(len(rows)), max(1, len(rows) // (BATCH * BUCKET)))
    order = np.concatenate([bucket[np.argsort(n_frames[bucket], kind="stable")] for bucket in buckets])
    starts = rng.permutation(len(rows) // BATCH) * BATCH
    return [drawn[order[start : start + BATCH]] for start in starts.tolist()]


def _draw_batch(voices: LabelledVoices, labels: Tensor, clips: Ints, seed: int) -> tuple[Tensor, Tensor]:
    chosen = [voices.copies[i_copy][i_row].astype(np.float32) for i_copy, i_row in clips.tolist()]
    dice = RowDice(seed, len(chosen))
    median = float(np.median([clip.shape[1] for clip in chosen]))
    n_frames = round(median * CROP * float(dice.uniform(0.9, 1.1)[0]))
    inputs = augment_rows(chosen, min(MAX_FRAMES, max(MIN_FRAMES, n_frames)), dice)
    targets = F.one_hot(labels[clips[:, 1]], len(VOICE_EMOTIONS)).float()
    return mix_rows(inputs, targets, seed)


def _schedule(step: int, n_steps: int) -> float:
    """Rise over the warm-up, then fall along a cosine."""
    return min(1.0, (step + 1) / WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * step / n_steps))


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is absent where types are checked
def _average(ema: VoiceNet, net: VoiceNet, decay: float) -> None:
    for averaged, current in zip(ema.state_dict().values(), net.state_dict().values(), strict=True):
        if averaged.is_floating_point():
            averaged.lerp_(current, 1 - decay)


def _save(path: Path, net: VoiceNet, ema: VoiceNet, optimiser: torch.optim.Optimizer, epochs_done: int) -> None:
    state = {"net": net.state_dict(), "ema": ema.state_dict(), "optimiser": optimiser.state_dict(), "done": epochs_done}
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def _resume(setting: Setting, net: VoiceNet, ema: VoiceNet, optimiser: torch.optim.Optimizer) -> int:
    """Load the newest checkpoint; return the number of finished epochs."""
    if not setting.checkpoint.exists():
        return 0
    state = torch.load(setting.checkpoint, weights_only=True, map_location=setting.device)
    net.load_state_dict(state["net"])
    ema.load_state_dict(state["ema"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["done"])
