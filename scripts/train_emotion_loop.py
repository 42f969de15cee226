"""The training loop: one network, one recipe, on a CPU or a GPU, resumable."""

import copy
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.emotion_net import load_imagenet
from pipeline.types import EMOTIONS
from scripts.train_emotion_augment import Dice, mix
from scripts.train_emotion_crew import Crew
from scripts.train_emotion_data import TrainingFaces
from scripts.train_emotion_faces import Faces
from scripts.train_emotion_losses import ask, distillation_loss, supervised_loss
from scripts.train_emotion_networks import build
from scripts.train_emotion_recipe import Recipe
from scripts.train_emotion_start import load_deployed

EMA_DECAY = 0.998
WARM_UP = 0.03
"""Part of the run in which the learning rate rises."""
SAVE_EVERY_S = 60.0
DISTIL_WEIGHT = 0.7
"""Weight of the teachers' answers, the rest is that of votes and labels."""
EXTRA_COPIES = {"disgust": 3, "fear": 1}
"""How often more faces with at least four tenths of their votes for it come in an epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where and how long to train."""

    device: torch.device
    folder: Path
    """Gets the checkpoints."""
    imagenet: Path
    """npz of ImageNet weights for MobileNetV2."""
    epochs: float | None
    """Passes over the training faces, or None when time decides."""
    minutes: float | None
    """Length of the run, or None when epochs decide."""
    seed: int
    start: Path | None = None
    """A deployed MobileNetV2 of ours to begin with instead of the ImageNet weights."""
    compiled: bool = False
    """Compile the network first: a minute or so, then faster steps on a GPU."""
    crew: Crew = field(default_factory=Crew)
    """The processes that train together; a step takes a batch of the recipe's size from each."""


class Run:
    """A training run in the middle of its life."""

    def __init__(self, recipe: Recipe, setting: Setting, training: TrainingFaces) -> None:
        self.recipe, self.setting, self.device = recipe, setting, setting.device
        torch.manual_seed(setting.seed)
        self.faces = Faces(training, recipe, self.device)
        self.targets = self.faces.targets(recipe)
        net = build(recipe)
        if recipe.network == "mobilenet" and (recipe.imagenet or setting.start is not None):
            rows = torch.arange(min(256, len(self.faces.pixels)), device=self.device)
            first = self.faces.prepared(rows, recipe).cpu()
            if setting.start is not None:
                load_deployed(net, setting.start, first)
            else:
                with np.load(setting.imagenet) as weights:
                    load_imagenet(net, weights, first)
        self.net = net.to(self.device, memory_format=torch.channels_last)
        self._forward = torch.compile(self.net) if setting.compiled else self.net
        self.ema = copy.deepcopy(self.net).eval()
        self._averaged, self._current = _floats(self.ema), _floats(self.net)
        self.optimiser = _optimiser(recipe, self.net)
        self.step, self.elapsed_s = 0, 0.0
        self._epoch, self._order = -1, torch.empty(0)
        self._pool = self._sampling_pool()

    @property
    def checkpoint(self) -> Path:
        """Where an unfinished run goes on from."""
        return self.setting.folder / f"{self.recipe.name}.part.pt"

    @property
    def epochs(self) -> float:
        """Faces seen, in passes over the training faces."""
        return self.step * self._step_faces / len(self.faces.pixels)

    @property
    def _step_faces(self) -> int:
        return self.recipe.batch * self.setting.crew.size

    def progress(self) -> float:
        """How much of the run is done, 0 to 1."""
        if self.setting.minutes is not None:
            return min(1.0, self.elapsed_s / (60 * self.setting.minutes))
        assert self.setting.epochs is not None
        return min(1.0, self.epochs / self.setting.epochs)

    def train(self, teachers: Sequence[tuple[nn.Module, int]]) -> None:
        """Go on to the end of the run, saving now and then.

        Args:
            teachers: trained networks in evaluation mode with the size of their input in pixels.
        """
        losses = torch.zeros((), device=self.device)
        n_losses, saved_s, started_s, before_s = 0, time.monotonic(), time.monotonic(), self.elapsed_s
        self.net.train()
        while self.progress() < 1:
            losses += self._one_step(teachers)
            n_losses += 1
            if self.device.type == "cuda" and self.step % 20 == 0:
                torch.cuda.synchronize()  # so that the clock counts work done, not work asked for
            self.elapsed_s = self.setting.crew.mean(before_s + time.monotonic() - started_s)
            if self.setting.crew.leads and time.monotonic() - saved_s > SAVE_EVERY_S:
                saved_s = time.monotonic()
                self.save()
                rate = self._step_faces * n_losses / SAVE_EVERY_S
                print(f"{self.recipe.name}: epoch {self.epochs:.1f}, loss {float(losses) / n_losses:.4f}, "
                      f"{100 * self.progress():.0f} % of the run, about {rate:.0f} faces/s", flush=True)  # fmt: skip
                losses.zero_()
                n_losses = 0
        if self.setting.crew.leads:
            self.save()

    def _one_step(self, teachers: Sequence[tuple[nn.Module, int]]) -> Tensor:
        recipe = self.recipe
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.learning_rate * _schedule(self.progress())
        crew = self.setting.crew
        seed = (self.setting.seed + 7919 * crew.rank) * 10_000_019 + self.step
        torch.manual_seed(seed)  # of dropout, so that a run that was stopped goes on as it would have
        dice = Dice(seed, self.device)
        rows = self._next_rows()
        faces, targets = self.faces.augmented(rows, recipe, dice), self.targets[rows]
        if recipe.mix:
            faces, targets = mix(faces, targets, dice)
        faces = faces.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            logits = self._forward(faces)
        loss = supervised_loss(logits.float(), targets)
        if teachers:
            taught = distillation_loss(logits.float(), ask(teachers, faces, self.device))
            loss = (1 - DISTIL_WEIGHT) * loss + DISTIL_WEIGHT * taught
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        crew.average([p.grad for p in self.net.parameters() if p.grad is not None])
        nn.utils.clip_grad_norm_(self.net.parameters(), 2)
        self.optimiser.step()
        self.step += 1
        # At the beginning the average follows fast.
        decay = min(EMA_DECAY, (1 + self.step) / (10 + self.step)) if recipe.ema else 0.0
        with torch.no_grad():
            torch._foreach_lerp_(self._averaged, self._current, 1 - decay)
        return loss.detach()

    def _sampling_pool(self) -> Tensor:
        """Row numbers of one epoch; rare emotions come several times."""
        rows = torch.arange(len(self.faces.pixels), device=self.device)
        if not self.recipe.balance:
            return rows
        copies = torch.ones_like(rows)
        for emotion, extra in EXTRA_COPIES.items():
            copies += extra * (self.faces.shares[:, EMOTIONS.index(emotion)] >= 0.4) * self.faces.has_votes
        return rows.repeat_interleave(copies)

    def _next_rows(self) -> Tensor:
        per_epoch = len(self._pool) // self._step_faces
        epoch, i_step = divmod(self.step, per_epoch)
        if epoch != self._epoch:
            self._epoch = epoch
            generator = torch.Generator().manual_seed(self.setting.seed * 1000 + epoch)
            self._order = self._pool[torch.randperm(len(self._pool), generator=generator).to(self.device)]
        first = i_step * self._step_faces + self.setting.crew.rank * self.recipe.batch
        return self._order[first : first + self.recipe.batch]

    def save(self) -> None:
        """Write everything that going on needs."""
        state = {
            "net": self.net.state_dict(), "ema": self.ema.state_dict(), "optimiser": self.optimiser.state_dict(),
            "step": self.step, "elapsed_s": self.elapsed_s,
        }  # fmt: skip
        part = self.checkpoint.with_suffix(".writing")
        torch.save(state, part)
        os.replace(part, self.checkpoint)

    def resume(self) -> None:
        """Take up the newest checkpoint, if there is one."""
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
            self.net.load_state_dict(state["net"])
            self.ema.load_state_dict(state["ema"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.elapsed_s = state["step"], state["elapsed_s"]


def _optimiser(recipe: Recipe, net: nn.Module) -> torch.optim.Optimizer:
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


def _schedule(progress: float) -> float:
    """Rise over the warm-up, then fall along a cosine."""
    if progress < WARM_UP:
        return max(progress / WARM_UP, 0.01)
    return 0.5 + 0.5 * math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))


def _floats(net: nn.Module) -> list[Tensor]:
    """Weights and running statistics."""
    return [value for value in net.state_dict().values() if value.is_floating_point()]
