"""What the networks are trained to lessen."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812  # the name PyTorch users know
from torch import Tensor, nn

from models.emotion_net import N_EMOTIONS

LABEL_WEIGHT = 0.4
"""Weight of FER2013's labels beside the FER+ votes."""
DISTIL_TEMPERATURE = 2.0


def supervised_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of both heads against distributions.

    Args:
        logits: shape (n, 2, 7).
        targets: shape (n, 14): FER+ shares, all zero where a face has no votes; FER2013 distribution.
    """
    log_p = F.log_softmax(logits, dim=2).flatten(1)
    votes, labels = (-(targets * log_p)).split(N_EMOTIONS, dim=1)
    return votes.sum(dim=1).mean() + LABEL_WEIGHT * labels.sum(dim=1).mean()


def distillation_loss(logits: Tensor, taught: Tensor) -> Tensor:
    """Cross-entropy of both heads against the teachers' softened answers (Hinton et al. 2015), shapes (n, 2, 7)."""
    soft = F.softmax(taught / DISTIL_TEMPERATURE, dim=2)
    loss = -(soft * F.log_softmax(logits / DISTIL_TEMPERATURE, dim=2)).sum(dim=2).mean(dim=0) * DISTIL_TEMPERATURE**2
    return loss[0] + LABEL_WEIGHT * loss[1]


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is absent where types are checked
def ask(teachers: Sequence[tuple[nn.Module, int]], faces: Tensor, device: torch.device) -> Tensor:
    """Return the mean of the teachers' logits for normalised faces, shape (n, 2, 7)."""
    answers = []
    for teacher, size_px in teachers:
        seen = faces
        if faces.shape[-1] != size_px:
            seen = F.interpolate(faces, size=size_px, mode="bilinear", antialias=faces.shape[-1] > size_px)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            answers.append(teacher(seen).float())
    return torch.stack(answers).mean(dim=0)
