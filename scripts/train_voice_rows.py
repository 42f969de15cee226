"""What is done to prepared clips in every batch, when it costs little: other speakers, lines, rooms and tempos.

Frequency is warped (the length of a vocal tract), the pitch moved, time cropped and stretched, the line's response
bent, noise added, bands and moments hidden (SpecAugment, Park et al. 2019).
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name PyTorch users know
from torch import Generator, Tensor

from pipeline.audio.voice_input import N_MELS, N_ROWS, RANGE_DB, SCALE_DB
from pipeline.types import FloatArray

FLOOR = -RANGE_DB / SCALE_DB
MIN_CROP = 0.7
"""Of a clip's frames."""
WARP, WARP_BANDS, SHIFT_SEMITONES = 0.08, 2.0, 3.0
"""Largest scaling and shift of the mel axis, and of the pitch."""
TILT, RIPPLE, LEVEL = 0.25, 0.15, 0.1
"""Of the line's response, in units of SCALE_DB."""
P_NOISE, NOISE_RANGE = 0.5, (-3.6, -1.4)
"""Level of noise in a band, in units of SCALE_DB under the speech as a whole."""
N_MASKS, MASKED_TIME, MASKED_BANDS = 2, 0.15, 10
MIX_SHAPE = 0.4
"""Of the beta distribution of mixup (Zhang et al. 2018)."""
P_MIX = 0.5


class RowDice:
    """Random numbers of one batch: the same seed gives the same."""

    def __init__(self, seed: int, n: int) -> None:
        self.generator = Generator().manual_seed(seed)
        self.n = n

    def uniform(self, low: float, high: float) -> Tensor:
        """Return shape (n,)."""
        return low + (high - low) * torch.rand(self.n, generator=self.generator)

    def around(self, size: float) -> Tensor:
        """Return shape (n,) in [-size, size]."""
        return self.uniform(-size, size)


def augment_rows(clips: Sequence[FloatArray], n_frames: int, dice: RowDice) -> Tensor:
    """Crop, stretch and damage clips.

    Args:
        clips: n arrays of shape (N_ROWS, any number of frames).
        n_frames: of the result.
        dice: for n clips.

    Returns:
        Shape (n, N_ROWS, n_frames).
    """
    lengths = torch.tensor([float(clip.shape[1]) for clip in clips])
    padded = torch.zeros(len(clips), N_ROWS, int(lengths.max()))
    for i_clip, clip in enumerate(clips):
        padded[i_clip, :, : clip.shape[1]] = torch.from_numpy(clip)
    share = dice.uniform(MIN_CROP, 1.0)
    start = (1 - share) * dice.uniform(0, 1) * lengths
    middle = (torch.arange(n_frames) + 0.5) / n_frames
    at = (start[:, None] + share[:, None] * lengths[:, None] * middle - 0.5).clamp_min(0).minimum(lengths[:, None] - 1)
    mel = _resample(padded[:, :N_MELS], at, 1 + dice.around(WARP), dice.around(WARP_BANDS))
    pitch = _resample(padded[:, N_MELS:], at, torch.ones(len(clips)), dice.around(SHIFT_SEMITONES))
    return hide_parts(add_noise(_bend(mel, dice), dice), pitch, dice)


def _resample(rows: Tensor, frame: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Read rows of shape (n, h, w) at other places: row i at (i + 0.5) scale + shift, frames of shape (n, m)."""
    n_rows, n_columns = rows.shape[1:]
    row = (torch.arange(n_rows) + 0.5) * scale[:, None] + shift[:, None]
    x = ((2 * frame + 1) / n_columns - 1)[:, None, :].expand(-1, n_rows, -1)
    y = (2 * row / n_rows - 1)[:, :, None].expand_as(x)
    grid = torch.stack([x, y], dim=3)
    return F.grid_sample(rows[:, None], grid, padding_mode="border", align_corners=False)[:, 0]


def _bend(mel: Tensor, dice: RowDice) -> Tensor:
    """Change the response of the line: a tilt, a ripple, a level."""
    f = torch.linspace(-1, 1, N_MELS)
    ripple = torch.cos(math.pi * (f * (1 + dice.around(1.0)[:, None]) + dice.around(1.0)[:, None]))
    gain = dice.around(TILT)[:, None] * f + dice.around(RIPPLE)[:, None] * ripple + dice.around(LEVEL)[:, None]
    return mel + gain[:, :, None]


def add_noise(mel: Tensor, dice: RowDice) -> Tensor:
    """Add the power of a steady, tilted noise to some; nothing falls under FLOOR."""
    is_noisy = dice.uniform(0, 1) < P_NOISE
    level = torch.where(is_noisy, dice.uniform(*NOISE_RANGE), torch.full((dice.n,), -10.0))
    noise = level[:, None] + dice.around(0.4)[:, None] * torch.linspace(-1, 1, N_MELS)
    to_power = SCALE_DB / 10 * math.log(10)
    flicker = 0.2 + 1.6 * torch.rand(mel.shape, generator=dice.generator)
    power = torch.exp(to_power * mel) + torch.exp(to_power * noise)[:, :, None] * flicker
    return (power.log() / to_power).clamp_min(FLOOR)


def hide_parts(mel: Tensor, pitch: Tensor, dice: RowDice) -> Tensor:
    """Hide moments and bands behind the clip's mean; return all rows."""
    n_frames = mel.shape[2]
    fill = mel.mean(dim=(1, 2))[:, None, None]
    for _ in range(N_MASKS):
        moments = _stretch(n_frames, MASKED_TIME * n_frames, dice)[:, None, :]
        bands = _stretch(N_MELS, MASKED_BANDS, dice)[:, :, None]
        mel = torch.where(moments | bands, fill, mel)
        pitch = pitch.masked_fill(moments, 0.0)
    return torch.cat([mel, pitch], dim=1)


def _stretch(size: int, longest: float, dice: RowDice) -> Tensor:
    """Flags of shape (n, size), True over one stretch of 0 to longest places."""
    width = dice.uniform(0, longest).floor()
    start = (dice.uniform(0, 1) * (size - width)).floor()
    place = torch.arange(size)
    return (place >= start[:, None]) & (place < (start + width)[:, None])


def mix_rows(rows: Tensor, targets: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Mix a batch with itself in another order, half of the time: rows (n, ...) and targets (n, n_classes)."""
    rng = np.random.default_rng(seed)
    if rng.random() >= P_MIX:
        return rows, targets
    share = float(rng.beta(MIX_SHAPE, MIX_SHAPE))
    order = torch.from_numpy(rng.permutation(len(rows)))
    return share * rows + (1 - share) * rows[order], share * targets + (1 - share) * targets[order]
