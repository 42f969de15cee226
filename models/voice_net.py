"""The voice network in PyTorch: needed for training and export only, never at run time.

Convolutions over mel levels and over the picture of the pitch, then over time, and attention that says which moments
count; beside them a linear discriminant. Ancestors: Mirsamadi et al. 2017, "Automatic Speech Emotion Recognition Using
Recurrent Neural Networks with Local Attention" (a bidirectional LSTM with attention), whose LSTM gave way to dilated
convolutions, which train faster on a CPU; Desplanques et al. 2020, "ECAPA-TDNN", for the attentive mean and deviation.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pipeline.audio.voice_input import N_MELS, N_PITCHES, N_ROWS
from pipeline.types import VOICE_EMOTIONS

MEL_CHANNELS = (2, 12, 24, 48, 64)
MEL_STRIDES = ((2, 2), (2, 1), (2, 2), (2, 1))
PITCH_CHANNELS = (1, 8, 16, 24)
PITCH_STRIDES = ((2, 2), (2, 2), (2, 1))
N_FEATURES = 128
DILATIONS = (1, 2)
MIN_VARIANCE = 1e-4
SHARPNESS = 5.0
"""Of the soft maximum over time: about the loudest tenth."""
N_DESCRIPTORS = 4 * N_ROWS + 3 * N_MELS


class VoiceNet(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """Rows of ``pipeline.audio.voice_input`` to logits of shape (n, 8), order VOICE_EMOTIONS."""

    def __init__(self, dropout: float = 0.3) -> None:
        super().__init__()
        self.mel = _stack(MEL_CHANNELS, MEL_STRIDES)
        self.pitch = _stack(PITCH_CHANNELS, PITCH_STRIDES)
        n_flat = MEL_CHANNELS[-1] * (N_MELS // 16) + PITCH_CHANNELS[-1] * -(-N_PITCHES // 8)
        self.join = _over_time(n_flat, kernel=1, dilation=1)
        self.time = nn.ModuleList(_over_time(N_FEATURES, kernel=3, dilation=d) for d in DILATIONS)
        self.dropout = nn.Dropout(dropout)
        self.attention = nn.Sequential(nn.Conv1d(N_FEATURES, 64, 1), nn.Tanh(), nn.Conv1d(64, 1, 1))
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(3 * N_FEATURES, len(VOICE_EMOTIONS)))

    def forward(self, rows: Tensor) -> Tensor:
        """Return the logits of rows of shape (n, N_ROWS, n_frames)."""
        mel, pitch = rows[:, None, :N_MELS], rows[:, None, N_MELS:]
        # Each band also without its own mean, which holds the microphone and the speaker's tract.
        both = torch.cat([mel + 2, mel - mel.mean(dim=3, keepdim=True)], dim=1)
        x = torch.cat([self.mel(both).flatten(1, 2), self.pitch(pitch).flatten(1, 2)], dim=1)
        x = self.dropout(self.join(x))
        for layer in self.time:
            x = x + layer(x)
        weights = torch.softmax(self.attention(x), dim=2)
        mean = (weights * x).sum(dim=2)
        deviation = ((weights * (x - mean[:, :, None]) ** 2).sum(dim=2) + MIN_VARIANCE).sqrt()
        return self.classifier(torch.cat([mean, deviation, x.mean(dim=2)], dim=1))


class Discriminant(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """A linear answer to what ``describe`` says of a clip: fitted in one step, it errs otherwise than VoiceNet does."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(N_DESCRIPTORS, len(VOICE_EMOTIONS))

    def forward(self, rows: Tensor) -> Tensor:
        """Return the logits of rows of shape (n, N_ROWS, n_frames)."""
        return self.linear(describe(rows))


def describe(rows: Tensor) -> Tensor:
    """Describe clips of shape (n, N_ROWS, n_frames) by what can be said without order: shape (n, N_DESCRIPTORS).

    Of each row mean, deviation, soft maximum and soft minimum; of each mel band also the size of its steps, their
    deviation and the mean weighted by loudness.
    """
    mel = rows[:, :N_MELS]
    steps = mel[:, :, 1:] - mel[:, :, :-1]
    loudness = torch.softmax(2 * mel.mean(dim=1, keepdim=True), dim=2)
    parts = [
        rows.mean(dim=2),
        _deviate(rows),
        (torch.softmax(SHARPNESS * rows, dim=2) * rows).sum(dim=2),
        (torch.softmax(-SHARPNESS * rows, dim=2) * rows).sum(dim=2),
        steps.abs().mean(dim=2),
        (loudness * mel).sum(dim=2),
        _deviate(steps),
    ]
    return torch.cat(parts, dim=1)


def _deviate(rows: Tensor) -> Tensor:
    centred = rows - rows.mean(dim=2, keepdim=True)
    return ((centred**2).mean(dim=2) + MIN_VARIANCE).sqrt()


class Committee(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """Networks of the same kind from different random beginnings, whose logits are averaged."""

    def __init__(self, members: Sequence[VoiceNet]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, rows: Tensor) -> Tensor:
        """Return the mean logits of rows of shape (n, N_ROWS, n_frames)."""
        return torch.stack([member(rows) for member in self.members]).mean(dim=0)


class DeployedVoiceNet(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """Both answers added up, as shares."""

    def __init__(self, net: Committee, discriminant: Discriminant, temperature: float, weight: float) -> None:
        super().__init__()
        self.net = net
        self.discriminant = discriminant
        self.temperature = temperature
        self.weight = weight

    def forward(self, rows: Tensor) -> Tensor:
        """Return shares of shape (n, 8)."""
        logits = self.net(rows) / self.temperature + self.weight * self.discriminant(rows)
        return torch.softmax(logits, dim=1)


def _stack(channels: tuple[int, ...], strides: tuple[tuple[int, int], ...]) -> nn.Sequential:
    """Convolutions of 3 x 3 over frequency and time."""
    layers = []
    for n_in, n_out, stride in zip(channels[:-1], channels[1:], strides, strict=True):
        layers += [nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _over_time(n_in: int, *, kernel: int, dilation: int) -> nn.Sequential:
    padding = dilation * (kernel // 2)
    conv = nn.Conv1d(n_in, N_FEATURES, kernel, padding=padding, dilation=dilation, bias=False)
    return nn.Sequential(conv, nn.BatchNorm1d(N_FEATURES), nn.ReLU(inplace=True))
