"""Training faces on the device: what the network is shown and what it should answer."""

import torch
import torch.nn.functional as F  # noqa: N812  # the name PyTorch users know
from torch import Tensor

from models.emotion_net import N_EMOTIONS
from pipeline.video.crop import MIN_CONTRAST
from scripts.train_emotion_augment import Dice, augment, equalise, normalise, place
from scripts.train_emotion_data import TrainingFaces
from scripts.train_emotion_recipe import Recipe

CODEC_SHARE = 0.3
"""How often the copy that went through a video codec is shown."""
PLAIN_SHARE = 0.25
"""How often a face keeps its picture's own framing where the recipe aligns: not every face has landmarks."""
LABEL_SMOOTHING = 0.1
"""Of FER2013's labels, of which a good part is wrong."""


class Faces:
    """Training faces on the device."""

    def __init__(self, faces: TrainingFaces, recipe: Recipe, device: torch.device) -> None:
        self.pixels = torch.from_numpy(faces.pixels)[:, None].to(device)
        codec = faces.codec_pixels
        self.codec_pixels = None if codec is None else torch.from_numpy(codec)[:, None].to(device)
        if recipe.align and faces.framing is None:
            raise ValueError("alignment needs alignment.npz in the data folder: scripts/align_faces makes it")
        self.framing = (
            torch.from_numpy(faces.framing).to(device) if recipe.align and faces.framing is not None else None
        )
        self.shares = torch.from_numpy(faces.shares).to(device)
        self.labels = torch.from_numpy(faces.labels).to(device)
        self.has_votes = torch.from_numpy(faces.has_votes).to(device)

    def targets(self, recipe: Recipe) -> Tensor:
        """Return shape (n, 14): FER+ shares (zero where a row has none to give), then smoothed FER2013 labels."""
        votes = self.shares if recipe.votes else F.one_hot(self.shares.argmax(dim=1), N_EMOTIONS).float()
        labels = F.one_hot(self.labels, N_EMOTIONS) * (1 - LABEL_SMOOTHING) + LABEL_SMOOTHING / N_EMOTIONS
        return torch.cat((votes * self.has_votes[:, None], labels), dim=1)

    def prepared(self, rows: Tensor, recipe: Recipe, pixels: Tensor | None = None) -> Tensor:
        """Return the network's input for some rows, as at test, shape (n, 1, size, size).

        Args:
            rows: shape (n,).
            recipe: says size, alignment and equalisation.
            pixels: other pictures of the same faces, None for the original ones.
        """
        faces = (self.pixels if pixels is None else pixels)[rows].float()
        faces = equalise(faces) if recipe.equalise else faces
        return normalise(place(faces, recipe.size_px, self._framing(rows)), MIN_CONTRAST)

    def augmented(self, rows: Tensor, recipe: Recipe, dice: Dice) -> Tensor:
        """Return the network's input for some rows, changed at random, shape (n, 1, size, size)."""
        faces = self.pixels[rows].float()
        if recipe.codec and self.codec_pixels is not None:
            coded = dice.happens(len(rows), CODEC_SHARE)
            faces = torch.where(coded, self.codec_pixels[rows].float(), faces)
        framing = self._framing(rows)
        if framing is not None:
            own = torch.eye(2, 3, device=framing.device)
            framing = torch.where(dice.happens(len(rows), PLAIN_SHARE)[:, :, 0], own, framing)
        faces = augment(faces, recipe, dice, framing)
        return normalise(equalise(faces) if recipe.equalise else faces, MIN_CONTRAST)

    def _framing(self, rows: Tensor) -> Tensor | None:
        return None if self.framing is None else self.framing[rows]
