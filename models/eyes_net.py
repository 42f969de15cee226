"""A small network for the region of the eyes, in PyTorch: needed for training and export only, never at run time.

Source of the blocks: Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", made narrower.
"""

import torch
from torch import Tensor, nn

from models.emotion_net import InvertedResidual

N_EMOTIONS = 6
N_FEATURES = 320
N_STEM = 16

# Expansion, channels, repeats, stride of the first repeat.
STAGES = ((1, 16, 1, 1), (4, 24, 2, 2), (4, 32, 3, 1), (4, 64, 3, 2), (4, 96, 2, 1))


class EyesNet(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """Grey strips of shape (n, 1, 32, 64) to logits of shape (n, 6), order ``pipeline.types.EYE_EMOTIONS``."""

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv(1, N_STEM, 3, 2)]
        n_in = N_STEM
        for expansion, n_out, n_repeats, stride in STAGES:
            for i_repeat in range(n_repeats):
                layers.append(InvertedResidual(n_in, n_out, stride if i_repeat == 0 else 1, expansion))
                n_in = n_out
        layers.append(_conv(n_in, N_FEATURES, 1, 1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(N_FEATURES, N_EMOTIONS))

    def forward(self, strips: Tensor) -> Tensor:
        """Return logits of shape (n, 6)."""
        return self.classifier(self.features(strips).mean(dim=(2, 3)))


class DeployedEyesNet(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """The network with temperature and softmax: strips of shape (n, 1, 32, 64) to shares of shape (n, 6)."""

    def __init__(self, net: EyesNet, temperature: float) -> None:
        super().__init__()
        self.net = net
        self.temperature = temperature

    def forward(self, strips: Tensor) -> Tensor:
        """Return shares that add up to 1 in each row."""
        return torch.softmax(self.net(strips) / self.temperature, dim=1)


def _conv(n_in: int, n_out: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(n_out), nn.ReLU6()
    )
