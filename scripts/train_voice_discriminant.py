"""Fit the linear discriminant that stands beside the voice network, in one step, and how the two are added up."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name PyTorch users know
from torch import Tensor

from models.voice_net import N_DESCRIPTORS, Discriminant, describe
from pipeline.audio.framing import Doubles
from pipeline.types import VOICE_EMOTIONS
from scripts.train_voice_data import Ints, LabelledVoices

SHRINKAGE = 0.1
"""Share of the identity in the covariance of the standardised descriptors."""

TEMPERATURES = np.geomspace(0.4, 2.5, 60)
WEIGHTS = np.linspace(0, 1, 21)


class Mixture(NamedTuple):
    """How the logits of network and discriminant are added up: net / temperature + weight * discriminant."""

    temperature: float
    weight: float


class Answers(NamedTuple):
    """Logits for clips of speakers that neither has heard."""

    net: Tensor
    """Shape (n, 8)."""
    discriminant: Tensor
    """Shape (n, 8)."""
    labels: Tensor
    """Shape (n,)."""


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is absent where types are checked
def describe_voices(voices: LabelledVoices) -> Doubles:
    """Describe every copy of every clip: shape (n_copies, n, N_DESCRIPTORS)."""
    described = np.empty((len(voices.copies), len(voices.labels), N_DESCRIPTORS))
    for i_copy, clips in enumerate(voices.copies):
        for i_clip, clip in enumerate(clips):
            described[i_copy, i_clip] = describe(torch.from_numpy(clip.astype(np.float32))[None])[0]
    return described


def fit_discriminant(described: Doubles, labels: Ints) -> Discriminant:
    """Fit Fisher's linear discriminant with a shrunk covariance; no class is likelier than another beforehand.

    Args:
        described: shape (n_copies, n, N_DESCRIPTORS) of the clips that may be learned from.
        labels: shape (n,), index into VOICE_EMOTIONS; every class occurs.
    """
    rows, classes = described.reshape(-1, N_DESCRIPTORS), np.tile(labels, len(described))
    mean, deviation = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    rows = (rows - mean) / deviation
    means = np.stack([rows[classes == label].mean(axis=0) for label in range(len(VOICE_EMOTIONS))])
    within = rows - means[classes]
    covariance = within.T @ within / len(rows)
    scale = np.trace(covariance) / N_DESCRIPTORS
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * scale * np.eye(N_DESCRIPTORS)
    weights = np.linalg.solve(covariance, means.T).T
    bias = -0.5 * np.sum(weights * means, axis=1)
    discriminant: Discriminant = Discriminant().eval()
    with torch.no_grad():
        discriminant.linear.weight.copy_(torch.from_numpy(weights / deviation))
        discriminant.linear.bias.copy_(torch.from_numpy(bias - (weights / deviation) @ mean))
    return discriminant


def fit_mixture(answers: Sequence[Answers]) -> Mixture:
    """Find the mixture with the least negative log-likelihood, which also calibrates it.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2, with a second number.
    """
    net, discriminant, labels = (torch.cat(part) for part in zip(*answers, strict=True))
    candidates = [Mixture(float(temperature), float(weight)) for temperature in TEMPERATURES for weight in WEIGHTS]
    losses = [float(F.cross_entropy(net / t + weight * discriminant, labels)) for t, weight in candidates]
    return candidates[int(np.argmin(losses))]
