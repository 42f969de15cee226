"""16 kHz mono sound of one participant on the capture clock, for programs that want samples and not codecs.

``SoundDecoder`` is fed Opus packets and returns blocks of samples. Sample n was captured at ``origin_s + n / 16000``:
holes are filled with zeros and said to be holes, overlaps are cut, so the count follows the clock. It computes only;
callers run it off the event loop.
"""

import struct
from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt

from pipeline.types import SAMPLE_RATE_HZ
from server.media import EncodedFrame

TOLERANCE_S = 0.06
"""Sound may be this far from its capture time before it is corrected: below are jitter and clock drift."""

GAP_TOLERANCE_S = 0.015
"""The same where packets are known to be missing (one packet is 20 ms)."""

MAX_FILL_S = 3600.0
"""A longer hole is a broken time stamp, not silence."""

FILL_BLOCK_S = 1.0
"""Zeros come in blocks of at most this length."""

_PREFIX = struct.Struct("<dQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundBlock:
    """Consecutive samples."""

    capture_s: float
    """Capture time of the first sample on the server's monotonic clock."""
    index: int
    """Number of the first sample since the tap began."""
    samples: npt.NDArray[np.int16]
    """Shape (n,), n >= 1."""
    is_gap: bool
    """True when the sound was lost and the samples are zeros."""


def pack(block: SoundBlock) -> bytes:
    """Return a block as the binary message of the tap: float64 capture time, uint64 index, int16 samples (all LE)."""
    return _PREFIX.pack(block.capture_s, block.index) + block.samples.astype("<i2").tobytes()


class SoundDecoder:
    """Decodes one participant's Opus packets to samples that follow the capture clock."""

    def __init__(self) -> None:
        self._decoder = av.CodecContext.create("libopus", "r")
        self._resampler = _new_resampler()
        self._origin_s: float | None = None
        self._n_samples = 0
        self.undecodable = 0
        """Packets that could not be decoded; their time is filled."""

    def decode(self, frame: EncodedFrame) -> list[SoundBlock]:
        """Return what a packet adds: its samples, and before them the zeros for what was lost."""
        try:
            decoded = self._decoder.decode(av.Packet(frame.data))
        except av.FFmpegError:
            self.undecodable += 1
            return []
        if self._origin_s is None:
            self._origin_s = frame.capture_s
        early = self._expected(frame.capture_s) - self._n_samples
        tolerance_s = GAP_TOLERANCE_S if frame.follows_gap else TOLERANCE_S
        blocks = []
        if early > tolerance_s * SAMPLE_RATE_HZ:
            blocks = self._fill(early)
            self._resampler = _new_resampler()
        samples = self._resample(decoded)
        if early < -TOLERANCE_S * SAMPLE_RATE_HZ:
            samples = samples[min(-early, len(samples)) :]
        if len(samples):
            blocks.append(self._block(samples, is_gap=False))
        return blocks

    def fill_until(self, capture_s: float) -> list[SoundBlock]:
        """Return zeros up to a time, when no packet has come for so long; nothing before the first packet."""
        if self._origin_s is None:
            return []
        return self._fill(self._expected(capture_s) - self._n_samples)

    def _expected(self, capture_s: float) -> int:
        assert self._origin_s is not None
        return round((capture_s - self._origin_s) * SAMPLE_RATE_HZ)

    def _fill(self, n_samples: int) -> list[SoundBlock]:
        assert self._origin_s is not None
        if n_samples > MAX_FILL_S * SAMPLE_RATE_HZ:
            # The zeros would never end: begin a new count of time at the same sample number instead.
            self._origin_s += n_samples / SAMPLE_RATE_HZ
            return []
        step = round(FILL_BLOCK_S * SAMPLE_RATE_HZ)
        lengths = [min(step, n_samples - start) for start in range(0, n_samples, step)]
        return [self._block(np.zeros(length, np.int16), is_gap=True) for length in lengths]

    def _resample(self, decoded: list[av.AudioFrame]) -> npt.NDArray[np.int16]:
        parts = []
        for sound in decoded:
            sound.pts = None
            parts += [out.to_ndarray().reshape(-1) for out in self._resampler.resample(sound)]
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def _block(self, samples: npt.NDArray[np.int16], *, is_gap: bool) -> SoundBlock:
        assert self._origin_s is not None
        block = SoundBlock(
            capture_s=self._origin_s + self._n_samples / SAMPLE_RATE_HZ,
            index=self._n_samples,
            samples=samples,
            is_gap=is_gap,
        )
        self._n_samples += len(samples)
        return block


def _new_resampler() -> av.AudioResampler:
    return av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
