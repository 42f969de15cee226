"""The temporal head, in PyTorch: needed for training and export only.

An exponential filter of the network's logits whose gain, and a correction of the logits, come from a small recurrent
network over the projected embeddings.
"""

import torch
from torch import Tensor, nn

N_EMBEDDING = 1280
N_PROJECTED = 48
N_HIDDEN = 48
N_EMOTIONS = 7
N_STATE = N_HIDDEN + N_EMOTIONS
SMALLEST = 1e-4
FIRST_GAIN = -0.5
"""Bias of the gain before training: a gain of 0.38 a frame."""


class TemporalHead(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """One step of the stream: embedding, shares, time since the last frame and state to shares and state."""

    def __init__(self, dropout: float = 0.3) -> None:
        super().__init__()
        self.project = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(N_EMBEDDING, N_PROJECTED), nn.LayerNorm(N_PROJECTED), nn.SiLU()
        )
        # The GRU cell of Cho et al. 2014 written out: the ONNX exporter does not know PyTorch's own.
        self.from_input = nn.Linear(N_PROJECTED + 2 * N_EMOTIONS + 1, 3 * N_HIDDEN)
        self.from_hidden = nn.Linear(N_HIDDEN, 3 * N_HIDDEN)
        self.gain = nn.Linear(N_HIDDEN, 1)
        self.correct = nn.Linear(N_HIDDEN, N_EMOTIONS)
        nn.init.constant_(self.gain.bias, FIRST_GAIN)
        nn.init.zeros_(self.correct.weight)
        nn.init.zeros_(self.correct.bias)

    def forward(self, embedding: Tensor, shares: Tensor, dt_s: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Take one frame.

        Args:
            embedding: shape (n, 1280).
            shares: shape (n, 7), of the network.
            dt_s: shape (n, 1), seconds since the last frame; 0 begins anew.
            state: shape (n, N_STATE), what the last call returned; not looked at where dt_s is 0.

        Returns:
            Shares of shape (n, 7) and the state.
        """
        goes_on = (dt_s > 0).to(shares.dtype)
        state = state * goes_on
        hidden, kept = state[:, :N_HIDDEN], state[:, N_HIDDEN:]
        logits = torch.log(shares.clamp_min(SMALLEST))
        difference = (logits - kept) * goes_on
        inputs = torch.cat((self.project(embedding), logits / 3, difference / 3, dt_s * 5), dim=1)
        hidden = self._recur(inputs, hidden)
        # The gain is per second, so that fewer frames a second mean a larger gain of each.
        rate_hz = 20 * nn.functional.softplus(self.gain(hidden))
        gain = 1 - goes_on * torch.exp(-rate_hz * dt_s)
        kept = kept + gain * (logits + self.correct(hidden) - kept)
        return torch.softmax(kept, dim=1), torch.cat((hidden, kept), dim=1)

    def _recur(self, inputs: Tensor, hidden: Tensor) -> Tensor:
        reset_in, update_in, new_in = self.from_input(inputs).chunk(3, dim=1)
        reset_kept, update_kept, new_kept = self.from_hidden(hidden).chunk(3, dim=1)
        update = torch.sigmoid(update_in + update_kept)
        new = torch.tanh(new_in + torch.sigmoid(reset_in + reset_kept) * new_kept)
        return (1 - update) * new + update * hidden
