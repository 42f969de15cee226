"""The networks that can be trained: the small one that is deployed and the larger ones that teach it.

All take normalised grey faces of shape (n, 1, size, size) and return logits of shape (n, 2, 7) as
``models.emotion_net.EmotionNet`` does.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812  # the name PyTorch users know
from torch import Tensor, nn

from models.emotion_net import EmotionNet, Heads
from scripts.train_emotion_recipe import Recipe

TEACHER_SIZE_PX = 48
"""Teachers without a pretrained beginning work at the resolution of the data."""


def _conv_norm(n_in: int, n_out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)
    )


class SqueezeExcite(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """Weigh channels by what the whole picture shows. Source: Hu et al. 2018, "Squeeze-and-Excitation Networks"."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(n_channels, n_channels // 8)
        self.excite = nn.Linear(n_channels // 8, n_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Scale feature maps of shape (n, n_channels, h, w)."""
        weights = torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean(dim=(2, 3))))))
        return x * weights[:, :, None, None]


class ResidualBlock(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """Two convolutions and channel weights, added to the input. Source: He et al. 2016, ResNet-18's block."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.first = _conv_norm(n_in, n_out, 3, stride)
        self.second = nn.Sequential(nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False), nn.BatchNorm2d(n_out))
        self.weigh = SqueezeExcite(n_out)
        same = stride == 1 and n_in == n_out
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Filter feature maps of shape (n, n_in, h, w)."""
        return F.relu(self.shortcut(x) + self.weigh(self.second(self.first(x))))


class DenseBlock(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """Layers that each see all before them. Source: Huang et al. 2017, DenseNet-BC."""

    def __init__(self, n_in: int, n_layers: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(_conv_norm(n_in + i * growth, 4 * growth, 1), _conv_norm(4 * growth, growth))
            for i in range(n_layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Add n_layers * growth channels to feature maps of shape (n, n_in, h, w)."""
        for layer in self.layers:
            x = torch.cat((x, layer(x)), dim=1)
        return x


class Teacher(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """A trunk that works at 48 px and the two heads."""

    def __init__(self, trunk: nn.Module, n_features: int, dropout: float) -> None:
        super().__init__()
        self.trunk = trunk
        self.classifier = Heads(n_features, dropout)

    def forward(self, faces: Tensor) -> Tensor:
        """Return logits of shape (n, 2, 7)."""
        if faces.shape[-1] != TEACHER_SIZE_PX:
            faces = F.interpolate(faces, size=TEACHER_SIZE_PX, mode="bilinear", antialias=True)
        return self.classifier(self.trunk(faces).mean(dim=(2, 3)))


def resnet() -> Teacher:
    """ResNet-18 with squeeze-and-excitation; 48 px become 6."""
    layers: list[nn.Module] = [_conv_norm(1, 64)]
    n_in = 64
    for n_out, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [ResidualBlock(n_in, n_out, stride), ResidualBlock(n_out, n_out, 1)]
        n_in = n_out
    return Teacher(nn.Sequential(*layers), 512, 0.3)


def vgg() -> Teacher:
    """VGG13 with batch norm, the network of the FER+ paper (Barsoum et al. 2016), pooled instead of flattened."""
    layers: list[nn.Module] = []
    n_in = 1
    for n_out, n_convs in ((64, 2), (128, 2), (256, 3), (512, 3)):
        layers += [_conv_norm(n_in if i == 0 else n_out, n_out) for i in range(n_convs)]
        layers += [nn.MaxPool2d(2), nn.Dropout2d(0.1)] if n_out < 512 else []
        n_in = n_out
    return Teacher(nn.Sequential(*layers), 512, 0.4)


def dense() -> Teacher:
    """DenseNet-BC with growth 32 and blocks of 6, 8, 10 and 8 layers; 48 px become 6."""
    layers: list[nn.Module] = [_conv_norm(1, 64)]
    n_in = 64
    for i_block, n_layers in enumerate((6, 8, 10, 8)):
        if i_block > 0:
            layers += [_conv_norm(n_in, n_in // 2, 1), nn.AvgPool2d(2)]
            n_in //= 2
        layers.append(DenseBlock(n_in, n_layers, 32))
        n_in += 32 * n_layers
    return Teacher(nn.Sequential(*layers), n_in, 0.3)


NETWORKS: dict[str, Callable[[], nn.Module]] = {"resnet": resnet, "vgg": vgg, "dense": dense}


def build(recipe: Recipe) -> nn.Module:
    """Make the untrained network of a recipe, filters after He et al. 2015."""
    if recipe.network == "mobilenet":
        net: nn.Module = EmotionNet(stem_stride=recipe.stem_stride, size_px=recipe.size_px)
    else:
        net = NETWORKS[recipe.network]()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return net
