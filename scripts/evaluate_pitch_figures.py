"""Errors of a pitch estimate against a reference, and Praat as one."""

from dataclasses import astuple, dataclass

import numpy as np
import parselmouth

from pipeline.audio.framing import HOP_S, Doubles
from pipeline.audio.pitch_candidates import MAX_F0_HZ, MIN_F0_HZ

GROSS = 0.2
"""An error above this share of the true pitch is gross (the usual limit)."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Counts of frames; they add up."""

    n_frames: int = 0
    n_reference: int = 0
    """Voiced in the reference."""
    n_both: int = 0
    """Voiced in both."""
    n_gross: int = 0
    n_down: int = 0
    n_up: int = 0
    n_voicing_differs: int = 0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def gross_error(self) -> float | None:
        """Share of frames voiced in both; None when there are none."""
        return _share(self.n_gross, self.n_both)

    @property
    def octave_down(self) -> float | None:
        """Share of frames voiced in both."""
        return _share(self.n_down, self.n_both)

    @property
    def octave_up(self) -> float | None:
        """Share of frames voiced in both."""
        return _share(self.n_up, self.n_both)

    @property
    def found(self) -> float | None:
        """Share of the reference's voiced frames that are called voiced."""
        return _share(self.n_both, self.n_reference)

    @property
    def voicing_differs(self) -> float | None:
        """Share of all frames."""
        return _share(self.n_voicing_differs, self.n_frames)


def compare_pitch(f0_hz: Doubles, reference_hz: Doubles) -> Errors:
    """Count the errors of a pitch curve against another at the same moments, both of shape (n,), 0 where unvoiced."""
    is_both = (f0_hz > 0) & (reference_hz > 0)
    ratio = f0_hz[is_both] / reference_hz[is_both]
    is_gross = np.abs(ratio - 1) > GROSS
    return Errors(
        n_frames=len(f0_hz),
        n_reference=int((reference_hz > 0).sum()),
        n_both=int(is_both.sum()),
        n_gross=int(is_gross.sum()),
        n_down=int((is_gross & (np.abs(ratio * 2 - 1) <= GROSS)).sum()),
        n_up=int((is_gross & (np.abs(ratio / 2 - 1) <= GROSS)).sum()),
        n_voicing_differs=int(((f0_hz > 0) != (reference_hz > 0)).sum()),
    )


def align_pitch(t_s: Doubles, f0_hz: Doubles, at_s: Doubles) -> Doubles:
    """Take from a curve of frames at t_s the value of the frame nearest to each of at_s; empty counts unvoiced."""
    if not len(t_s):
        return np.zeros(len(at_s))
    i_nearest = np.clip(np.round((at_s - t_s[0]) / HOP_S).astype(np.intp), 0, len(t_s) - 1)
    return np.asarray(f0_hz[i_nearest])


def praat_pitch(
    samples: Doubles, rate_hz: float, *, floor_hz: float = MIN_F0_HZ, ceiling_hz: float = MAX_F0_HZ
) -> tuple[Doubles, Doubles]:
    """Praat's autocorrelation pitch with its standard costs: times and pitch, 0 where unvoiced.

    Raises:
        parselmouth.PraatError: the sound is shorter than three periods of the floor.
    """
    pitch = parselmouth.Sound(samples, rate_hz).to_pitch_ac(
        time_step=HOP_S, pitch_floor=floor_hz, pitch_ceiling=ceiling_hz
    )
    return pitch.xs(), pitch.selected_array["frequency"]


def _share(n: int, of: int) -> float | None:
    return round(n / of, 5) if of else None
