"""What cameras, people and WebRTC do to faces, on whole batches of torch tensors."""

import math

import torch
import torch.nn.functional as F  # noqa: N812  # the name PyTorch users know
from torch import Generator, Tensor

BLOCK_PX = 8


def augment(faces: Tensor, generator: Generator) -> Tensor:
    """Change each face at random: pose, light, resolution, compression, hidden parts.

    Args:
        faces: shape (n, 1, size, size), grey levels 0 to 255, size a multiple of 8.
        generator: the source of randomness, so that an epoch can be repeated.

    Returns:
        Same shape, grey levels 0 to 255.
    """
    faces = _warp(faces, generator)
    faces = _degrade(faces, generator)
    faces = _relight(faces, generator)
    return _erase(faces, generator)


def _uniform(n: int, low: float, high: float, generator: Generator) -> Tensor:
    return torch.rand(n, generator=generator) * (high - low) + low


def _warp(faces: Tensor, generator: Generator) -> Tensor:
    """Flip, turn by up to 15 degrees, scale by 0.87 to 1.15 and shift by up to 8 %."""
    n = len(faces)
    angle = _uniform(n, -math.pi / 12, math.pi / 12, generator)
    scale = torch.exp(_uniform(n, -0.14, 0.14, generator))
    flip = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    shift_x, shift_y = _uniform(n, -0.16, 0.16, generator), _uniform(n, -0.16, 0.16, generator)
    affine = torch.stack((flip * cos, -sin, shift_x, flip * sin, cos, shift_y), dim=1).view(n, 2, 3)
    grid = F.affine_grid(affine, list(faces.shape), align_corners=False)
    return F.grid_sample(faces, grid, padding_mode="border", align_corners=False)


def _degrade(faces: Tensor, generator: Generator) -> Tensor:
    """Lower the resolution of an eighth of the batch, block-compress another, blur another, add noise to another."""
    order = torch.randperm(len(faces), generator=generator)
    n_each = max(1, len(faces) // 8)
    small, compressed, blurred, noisy = (order[i * n_each : (i + 1) * n_each] for i in range(4))
    faces = faces.clone()
    size_px = faces.shape[-1]
    low_px = int(torch.randint(20, 40, (1,), generator=generator))
    low = F.interpolate(faces[small], size=low_px, mode="bilinear", antialias=True)
    faces[small] = F.interpolate(low, size=size_px, mode="bilinear")
    faces[compressed] = _block_compress(faces[compressed], float(_uniform(1, 10, 60, generator)))
    faces[blurred] = F.avg_pool2d(F.pad(faces[blurred], (1, 1, 1, 1), mode="replicate"), 3, 1)
    level = _uniform(len(noisy), 2, 14, generator)[:, None, None, None]
    faces[noisy] += level * torch.randn(faces[noisy].shape, generator=generator)
    return faces


def _block_compress(faces: Tensor, step: float) -> Tensor:
    """Quantise the cosine transform of 8 x 8 blocks, coarser at high frequencies: what JPEG and VP8 do.

    Args:
        faces: shape (n, 1, size, size), size a multiple of 8.
        step: quantiser step in grey levels at the lowest frequency.
    """
    i = torch.arange(BLOCK_PX, dtype=torch.float32)
    basis = torch.cos(math.pi / BLOCK_PX * (i[None, :] + 0.5) * i[:, None]) * (2 / BLOCK_PX) ** 0.5
    basis[0] /= 2**0.5
    n, _, size_px, _ = faces.shape
    n_blocks = size_px // BLOCK_PX
    blocks = faces.view(n, n_blocks, BLOCK_PX, n_blocks, BLOCK_PX).transpose(2, 3)
    quantiser = step * (1 + (i[:, None] + i[None, :]) / 4)
    coefficients = torch.round(basis @ blocks @ basis.T / quantiser) * quantiser
    return (basis.T @ coefficients @ basis).transpose(2, 3).reshape(faces.shape)


def _relight(faces: Tensor, generator: Generator) -> Tensor:
    """Change gamma, darken one side and clip highlights; plain gain and offset vanish in the normalisation."""
    n, _, _, size_px = faces.shape
    gamma = torch.exp(_uniform(n, -0.5, 0.5, generator))[:, None, None, None]
    faces = 255 * (faces.clamp(0, 255) / 255 + 1e-4) ** gamma
    slope = _uniform(n, -0.3, 0.3, generator)[:, None, None, None]
    faces = faces * (1 + slope * torch.linspace(-1, 1, size_px))
    gain = _uniform(n, 0.7, 1.3, generator)[:, None, None, None]
    return (faces * gain).clamp(0, 255)


def _erase(faces: Tensor, generator: Generator) -> Tensor:
    """Cover a random rectangle of 2 to 15 % of the picture in a third of the batch with one grey."""
    size_px = faces.shape[-1]
    for i_face in torch.nonzero(torch.rand(len(faces), generator=generator) < 1 / 3).flatten().tolist():
        area, ratio, grey = (float(_uniform(1, *r, generator)) for r in ((0.02, 0.15), (-1.0, 1.0), (0.0, 255.0)))
        height = min(size_px, round(size_px * (area * math.exp(ratio)) ** 0.5))
        width = min(size_px, round(size_px * (area / math.exp(ratio)) ** 0.5))
        top = int(torch.randint(0, size_px - height + 1, (1,), generator=generator))
        left = int(torch.randint(0, size_px - width + 1, (1,), generator=generator))
        faces[i_face, :, top : top + height, left : left + width] = grey
    return faces


def normalise(faces: Tensor, min_contrast: float) -> Tensor:
    """Do to a batch of tensors what ``pipeline.video.crop.normalise`` does to arrays."""
    mean = faces.mean(dim=(2, 3), keepdim=True)
    contrast = faces.std(dim=(2, 3), keepdim=True, correction=0).clamp_min(min_contrast)
    return (faces - mean) / (2 * contrast)
