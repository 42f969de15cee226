"""What cameras, people and WebRTC do to faces, on whole batches of torch tensors, on any device.

Colour casts need no step of their own: faces are grey, and a cast only changes the weights of the channels, which is
a gain that the normalisation takes away.
"""

import math
import random

import torch
import torch.nn.functional as F  # noqa: N812  # the name PyTorch users know
from torch import Generator, Tensor

from scripts.train_emotion_recipe import Recipe

BLOCK_PX = 8
EYE_ROW, EYE_COLUMNS = 0.39, (0.3, 0.7)
"""Where the eyes of a FER2013 face lie on average, as shares of the picture."""


class Dice:
    """Random numbers of one step on one device; the same seed gives the same step again."""

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.generator = Generator(device).manual_seed(seed)
        self.device = self.generator.device
        # Choices made once for the whole batch do not wait for the device.
        self.choice = random.Random(seed)

    def uniform(self, n: int, low: float, high: float) -> Tensor:
        """Return shape (n, 1, 1, 1) in [low, high)."""
        return (torch.rand(n, generator=self.generator, device=self.device) * (high - low) + low)[:, None, None, None]

    def happens(self, n: int, probability: float) -> Tensor:
        """Return shape (n, 1, 1, 1), true with the given probability."""
        return self.uniform(n, 0, 1) < probability

    def like(self, x: Tensor) -> Tensor:
        """Return standard normal noise of the same shape."""
        return torch.randn(x.shape, generator=self.generator, device=self.device)

    def order(self, n: int) -> Tensor:
        """Return the numbers 0 to n - 1 in random order."""
        return torch.randperm(n, generator=self.generator, device=self.device)


def augment(faces: Tensor, recipe: Recipe, dice: Dice, framing: Tensor | None = None) -> Tensor:
    """Change each face at random: hidden parts, pose, resolution, compression, light.

    Args:
        faces: shape (n, 1, h, w), grey levels 0 to 255.
        recipe: says which changes are made, and the size that comes out, a multiple of 8.
        dice: the source of randomness, so that a step can be repeated.
        framing: shape (n, 2, 3), places of the aligned face in the picture as ``affine_grid`` takes them, or None.

    Returns:
        Shape (n, 1, size, size), grey levels 0 to 255; the first ``recipe.mild_share`` of them are only warped, half
        as far.
    """
    n_mild = round(recipe.mild_share * len(faces))
    mild, faces = faces[:n_mild], faces[n_mild:]
    if recipe.occlude:
        faces = _occlude(faces, dice)
    faces = _warp(torch.cat((mild, faces)), recipe, dice, framing, n_mild)
    mild, faces = faces[:n_mild], faces[n_mild:]
    if recipe.degrade:
        faces = _degrade(faces, dice)
    if recipe.relight:
        faces = _relight(faces, dice)
    return torch.cat((mild, faces)).clamp(0, 255)


def place(faces: Tensor, size_px: int, framing: Tensor | None = None) -> Tensor:
    """Resize faces without changing them otherwise, aligned where a framing is given."""
    n = len(faces)
    if framing is None:
        framing = torch.eye(2, 3, device=faces.device).expand(n, 2, 3)
    grid = F.affine_grid(framing, [n, 1, size_px, size_px], align_corners=False)
    return F.grid_sample(faces, grid, padding_mode="border", align_corners=False)


def _warp(faces: Tensor, recipe: Recipe, dice: Dice, framing: Tensor | None, n_mild: int) -> Tensor:
    """Mirror half of the faces; turn by up to 20 degrees, scale by 0.8 to 1.25, stretch by 8 %, shift by 8 %.

    The first ``n_mild`` faces are moved half as far.
    """
    n = len(faces)
    extent = torch.ones(n, device=faces.device)
    extent[:n_mild] = 0.5
    flip = torch.where(dice.happens(n, 0.5), -1.0, 1.0).view(n)
    if recipe.warp:
        angle, log_scale, stretch = (extent * dice.uniform(n, -a, a).view(n) for a in (math.pi / 9, 0.22, 0.08))
        shift = torch.stack([extent * dice.uniform(n, -0.16, 0.16).view(n) for _ in range(2)], dim=1)
    else:
        angle = log_scale = stretch = torch.zeros(n, device=faces.device)
        shift = torch.zeros(n, 2, device=faces.device)
    wide, high = torch.exp(log_scale + stretch), torch.exp(log_scale - stretch)
    cos, sin = angle.cos(), angle.sin()
    turn = torch.stack((flip * wide * cos, -high * sin, flip * wide * sin, high * cos), dim=1).view(n, 2, 2)
    if framing is not None:
        shift = (framing[:, :, :2] @ shift[:, :, None])[:, :, 0] + framing[:, :, 2]
        turn = framing[:, :, :2] @ turn
    return place(faces, recipe.size_px, torch.cat((turn, shift[:, :, None]), dim=2))


def _degrade(faces: Tensor, dice: Dice) -> Tensor:
    """Lower the resolution of a fifth of the batch, block-compress another, blur another, add noise to two fifths."""
    n, _, size_px, _ = faces.shape
    order = dice.order(n)
    n_each = max(1, n // 15)
    faces = faces.clone()
    for i, low_px in enumerate((14, 20, 30)):
        rows = order[i * n_each : (i + 1) * n_each]
        low = F.interpolate(faces[rows], size=low_px * size_px // 48, mode="bilinear", antialias=True)
        faces[rows] = F.interpolate(low, size=size_px, mode="bilinear")
    rows = order[3 * n_each : 6 * n_each]
    faces[rows] = _block_compress(faces[rows], torch.exp(dice.uniform(len(rows), math.log(6), math.log(60))), dice)
    rows = order[6 * n_each : 9 * n_each]
    faces[rows] = _blur(faces[rows], dice.uniform(len(rows), 0.3, 2.2) * size_px / 48)
    level = torch.exp(dice.uniform(n, math.log(0.5), math.log(10))) * dice.happens(n, 0.4)
    return faces + level * dice.like(faces)


def _block_compress(faces: Tensor, step: Tensor, dice: Dice) -> Tensor:
    """Quantise the cosine transform of 8 x 8 blocks, coarser at high frequencies: what JPEG and VP8 do.

    Args:
        faces: shape (n, 1, size, size), size a multiple of 8.
        step: shape (n, 1, 1, 1), quantiser step in grey levels at the lowest frequency.
        dice: chooses where the grid of blocks lies, the same for the batch.
    """
    offset = [dice.choice.randrange(BLOCK_PX) for _ in range(2)]
    faces = faces.roll(offset, dims=(2, 3))
    i = torch.arange(BLOCK_PX, dtype=torch.float32, device=faces.device)
    basis = torch.cos(math.pi / BLOCK_PX * (i[None, :] + 0.5) * i[:, None]) * (2 / BLOCK_PX) ** 0.5
    basis[0] /= 2**0.5
    n, _, size_px, _ = faces.shape
    n_blocks = size_px // BLOCK_PX
    blocks = faces.view(n, n_blocks, BLOCK_PX, n_blocks, BLOCK_PX).transpose(2, 3)
    quantiser = step[:, :, :, :, None] * (1 + (i[:, None] + i[None, :]) / 4)
    coefficients = torch.round(basis @ blocks @ basis.T / quantiser) * quantiser
    faces = (basis.T @ coefficients @ basis).transpose(2, 3).reshape(faces.shape)
    return faces.roll([-v for v in offset], dims=(2, 3))


def _blur(faces: Tensor, sigma_px: Tensor) -> Tensor:
    """Blur each face of shape (n, 1, size, size) by a Gaussian of its own, sigma of shape (n, 1, 1, 1)."""
    n = len(faces)
    if n == 0:
        return faces
    offsets = torch.arange(-6.0, 7.0, device=faces.device)
    kernel = torch.exp(-0.5 * (offsets / sigma_px) ** 2)
    kernel = kernel / kernel.sum(dim=3, keepdim=True)
    padded = F.pad(faces, (6, 6, 6, 6), mode="replicate").transpose(0, 1)
    rows = F.conv2d(padded, kernel, groups=n)
    return F.conv2d(rows, kernel.transpose(2, 3), groups=n).transpose(0, 1)


def _relight(faces: Tensor, dice: Dice) -> Tensor:
    """Change gamma, darken one side, clip highlights or lift blacks; make an eighth dark with whole grey levels.

    Plain gain and offset vanish in the normalisation.
    """
    n, _, _, size_px = faces.shape
    gamma = torch.exp(dice.uniform(n, -0.6, 0.6))
    faces = 255 * (faces.clamp(0, 255) / 255 + 1e-4) ** gamma
    ramp = torch.linspace(-1, 1, size_px, device=faces.device)
    angle, slope = dice.uniform(n, 0, 2 * math.pi), dice.uniform(n, 0, 0.5)
    faces = faces * (1 + slope * (angle.cos() * ramp + angle.sin() * ramp[:, None]))
    faces = faces * dice.uniform(n, 0.7, 1.4) + dice.uniform(n, -25, 25)
    faces = faces.clamp(0, 255)
    dark = (faces * dice.uniform(n, 0.06, 0.3) + 1.5 * dice.like(faces)).round()
    return torch.where(dice.happens(n, 0.125), dark, faces)


def _occlude(faces: Tensor, dice: Dice) -> Tensor:
    """Cover a rectangle in 35 %, put glasses on 8 %, cover the lower part of 4 %."""
    n, _, height_px, width_px = faces.shape
    y = ((torch.arange(height_px, device=faces.device) + 0.5) / height_px)[:, None]
    x = (torch.arange(width_px, device=faces.device) + 0.5) / width_px
    area, ratio = dice.uniform(n, 0.02, 0.2), torch.exp(dice.uniform(n, -1, 1))
    high, wide = (area * ratio) ** 0.5 / 2, (area / ratio) ** 0.5 / 2
    near_y = (y - dice.uniform(n, 0, 1)).abs() < high
    box = near_y & ((x - dice.uniform(n, 0, 1)).abs() < wide) & dice.happens(n, 0.35)
    grey = dice.uniform(n, 0, 255) + dice.uniform(n, 0, 60) * dice.like(faces) * dice.happens(n, 0.5)
    faces = torch.where(box, grey, faces)

    below = (y > dice.uniform(n, 0.55, 0.85)) & dice.happens(n, 0.04)
    faces = torch.where(below, dice.uniform(n, 0, 255).expand_as(faces), faces)

    eye_y = y - EYE_ROW - dice.uniform(n, -0.04, 0.04)
    eye_x = torch.minimum((x - EYE_COLUMNS[0]).abs(), (x - EYE_COLUMNS[1]).abs())
    # A frame is the band between two rounded boxes around each eye; the lens inside is tinted.
    distance = torch.maximum(eye_y.abs() / dice.uniform(n, 0.09, 0.14), eye_x / dice.uniform(n, 0.12, 0.17))
    rim = dice.uniform(n, 0.72, 0.95)
    bridge = (eye_y.abs() < 0.025) & ((x - 0.5).abs() < 0.1)
    frame = ((distance < 1) & (distance > rim)) | bridge
    shown = dice.happens(n, 0.08)
    tint = dice.uniform(n, 0, 0.9) * dice.happens(n, 0.3)
    shade = dice.uniform(n, 0, 120)
    faces = torch.where((distance <= rim) & shown, faces * (1 - tint) + shade * tint, faces)
    return torch.where(frame & shown, shade.expand_as(faces), faces)


def mix(faces: Tensor, targets: Tensor, dice: Dice) -> tuple[Tensor, Tensor]:
    """Blend or patch together pairs of faces in half of the steps, and their targets with them.

    Sources: Zhang et al. 2018, "mixup", with lambda from Beta(0.4, 0.4), here drawn as a U-shaped sine; Yun et al.
    2019, "CutMix".

    Args:
        faces: shape (n, 1, size, size), normalised.
        targets: shape (n, k).
        dice: the source of randomness.
    """
    choice = dice.choice.random()
    if choice >= 0.5:
        return faces, targets
    n, _, size_px, _ = faces.shape
    partner = dice.order(n)
    if choice < 0.25:
        # sin^2 of a uniform angle is Beta(1/2, 1/2).
        share = (dice.uniform(n, 0, math.pi / 2)).sin() ** 2
        mixed = share * faces + (1 - share) * faces[partner]
    else:
        pixel = torch.arange(size_px, device=faces.device)
        side = dice.uniform(n, 0.2, 0.7) * size_px / 2
        centre_y, centre_x = (dice.uniform(n, 0, size_px) for _ in range(2))
        patch = ((pixel[:, None] - centre_y).abs() < side) & ((pixel - centre_x).abs() < side)
        mixed = torch.where(patch, faces[partner], faces)
        share = 1 - patch.float().mean(dim=(2, 3), keepdim=True)
    share = share.view(n, 1)
    return mixed, share * targets + (1 - share) * targets[partner]


def equalise(faces: Tensor) -> Tensor:
    """Spread the grey levels of each face evenly, as ``cv2.equalizeHist`` does.

    Args:
        faces: shape (n, 1, h, w), grey levels 0 to 255.
    """
    n = len(faces)
    levels = faces.round().long().view(n, -1)
    counts = torch.zeros(n, 256, device=faces.device).scatter_add_(
        1, levels, torch.ones_like(levels, dtype=torch.float)
    )
    total = counts.cumsum(dim=1)
    darkest = counts.gather(1, levels.min(dim=1, keepdim=True).values)
    spread = (total - darkest) / (levels.shape[1] - darkest).clamp_min(1) * 255
    return spread.gather(1, levels).view(faces.shape)


def normalise(faces: Tensor, min_contrast: float) -> Tensor:
    """Do to a batch of tensors what ``pipeline.video.crop.normalise`` does to arrays."""
    mean = faces.mean(dim=(2, 3), keepdim=True)
    contrast = faces.std(dim=(2, 3), keepdim=True, correction=0).clamp_min(min_contrast)
    return (faces - mean) / (2 * contrast)
