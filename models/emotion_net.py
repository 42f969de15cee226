"""MobileNetV2 for faces, in PyTorch: needed for training and export only, never at run time.

Source: Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", width 1.0. Layers carry the
names of torchvision's ``mobilenet_v2``, so that its weights fit.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812  # the name PyTorch users know
from torch import Tensor, nn

N_EMOTIONS = 7
N_HEADS = 2
"""What FER+ raters voted, and the original label of FER2013."""
N_FEATURES = 1280

# Expansion, channels, repeats, stride of the first repeat (table 2 of the paper).
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def _conv(n_in: int, n_out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """Expand, filter per channel, project; added to its input where the shapes agree."""

    def __init__(self, n_in: int, n_out: int, stride: int, expansion: int) -> None:
        super().__init__()
        n_hidden = n_in * expansion
        expand = [_conv(n_in, n_hidden)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *expand,
            _conv(n_hidden, n_hidden, 3, stride, n_hidden),
            nn.Conv2d(n_hidden, n_out, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.is_residual = stride == 1 and n_in == n_out

    def forward(self, x: Tensor) -> Tensor:
        """Filter feature maps of shape (n, n_in, h, w)."""
        return x + self.conv(x) if self.is_residual else self.conv(x)


class Heads(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """Pooled features of shape (n, n_features) to logits of shape (n, 2, 7)."""

    def __init__(self, n_features: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(n_features, N_HEADS * N_EMOTIONS)
        nn.init.normal_(self.linear.weight, std=0.01)
        nn.init.zeros_(self.linear.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits of shape (n, 2, 7)."""
        return self.linear(self.dropout(features)).view(-1, N_HEADS, N_EMOTIONS)


class EmotionNet(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """Grey faces of shape (n, 1, size, size) to logits of shape (n, 2, 7), order ``pipeline.types.EMOTIONS``.

    The first of the two answers is what FER+ raters would vote, the second what FER2013's original label would be.
    With a stem stride of 1 a face of 48 px is seen at the scale that ImageNet training has at 96 px; with a stride of 2
    it is enlarged first, to ``size_px``.
    """

    def __init__(self, dropout: float = 0.2, stem_stride: int = 1, size_px: int = 48) -> None:
        super().__init__()
        self.size_px = size_px
        layers: list[nn.Module] = [_conv(1, 32, 3, stem_stride)]
        n_in = 32
        for expansion, n_out, n_repeats, stride in STAGES:
            for i_repeat in range(n_repeats):
                layers.append(InvertedResidual(n_in, n_out, stride if i_repeat == 0 else 1, expansion))
                n_in = n_out
        layers.append(_conv(n_in, N_FEATURES))
        self.features = nn.Sequential(*layers)
        self.classifier = Heads(N_FEATURES, dropout)

    def embed(self, faces: Tensor) -> Tensor:
        """Return the pooled features, shape (n, 1280)."""
        if faces.shape[-1] != self.size_px:
            faces = F.interpolate(faces, size=(self.size_px, self.size_px), mode="bilinear", align_corners=False)
        return self.features(faces).mean(dim=(2, 3))

    def forward(self, faces: Tensor) -> Tensor:
        """Return logits of shape (n, 2, 7)."""
        return self.classifier(self.embed(faces))


def conv_norm_pairs(net: nn.Module) -> list[tuple[str, nn.Conv2d, nn.BatchNorm2d]]:
    """List each convolution with its name and the batch norm that follows it."""
    named = list(net.named_modules())
    convs = [(name, module) for name, module in named if isinstance(module, nn.Conv2d)]
    norms = [module for _, module in named if isinstance(module, nn.BatchNorm2d)]
    return [(name, conv, norm) for (name, conv), norm in zip(convs, norms, strict=True)]


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is absent where types are checked
def load_imagenet(net: EmotionNet, weights: Mapping[str, npt.NDArray[np.float32]], faces: Tensor) -> None:
    """Fill the feature layers with ImageNet weights whose batch norm was folded away, and put batch norm back.

    The function of the network stays what the weights say; afterwards each filter has He norm, and the batch norm
    behind it carries the scale, so that learning rates mean what they usually mean.

    Args:
        net: an untrained network; its classifier is left alone.
        weights: torchvision names; per convolution ``.weight`` and ``.bias_folded``, RGB input.
        faces: a batch of real input, shape (n, 1, size, size), from which channel statistics are taken.
    """
    pairs = conv_norm_pairs(net)
    biases: list[Tensor] = []
    for name, conv, norm in pairs:
        filters = torch.from_numpy(np.array(weights[f"{name}.weight"]))
        # A grey picture is an RGB picture with three equal channels.
        conv.weight.copy_(filters.sum(1, keepdim=True) if name == "features.0.0" else filters)
        biases.append(torch.from_numpy(np.array(weights[f"{name}.bias_folded"])))
        norm.weight.fill_((1 + norm.eps) ** 0.5)
        norm.bias.copy_(biases[-1])

    outputs: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def note(module: nn.Module, _inputs: object, output: Tensor) -> None:
        outputs[module] = (output.mean(dim=(0, 2, 3)), output.var(dim=(0, 2, 3)))

    hooks = [conv.register_forward_hook(note) for _, conv, _ in pairs]
    net.eval()
    net(faces)
    for hook in hooks:
        hook.remove()

    for (_, conv, norm), bias in zip(pairs, biases, strict=True):
        mean, variance = outputs[conv]
        scale = 2**0.5 / conv.weight.flatten(1).norm(dim=1).clamp_min(1e-6)
        conv.weight.mul_(scale[:, None, None, None])
        norm.running_mean.copy_(mean * scale)
        norm.running_var.copy_(variance * scale**2)
        norm.weight.copy_((norm.running_var + norm.eps).sqrt() / scale)
        norm.bias.copy_(bias + mean)
