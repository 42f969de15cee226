"""What the synthetic candidate lives through: a stress curve, phrases and pauses, blinks and expressions.

Everything is a pure function of time, so face and voice agree and every run is the same. The story repeats.
"""

import math
from dataclasses import dataclass

import numpy as np

from server.demo.portrait import Pose

LOOP_S = 120.0
"""The story starts again after this long."""

# (time, stress): calm while the baseline is measured, a hard question at 45 s, relief, a second smaller rise.
_CURVE = ((0, 0.1), (38, 0.12), (52, 0.9), (66, 0.95), (78, 0.25), (92, 0.15), (100, 0.6), (108, 0.55), (116, 0.1))

_PHRASES_S = (2.6, 3.4, 1.9, 4.1, 2.9, 3.6, 2.2)
_PAUSES_S = (0.7, 0.5, 1.1, 0.6, 0.9, 0.5, 1.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Syllable:
    """One syllable of the babble."""

    start_s: float
    duration_s: float
    vowel: int
    has_fricative: bool
    is_phrase_end: bool


def stress_at(t_s: float) -> float:
    """Return the scripted stress in [0, 1] at a time of the story."""
    times, values = zip(*_CURVE, strict=True)
    return float(np.interp(t_s % LOOP_S, times, values, period=LOOP_S))


def syllables() -> tuple[Syllable, ...]:
    """Return the syllables of one loop: phrases of four to five syllables a second, and pauses."""
    random = np.random.default_rng(7)
    result: list[Syllable] = []
    t_s, i_phrase = 0.4, 0
    while t_s + _PHRASES_S[i_phrase % len(_PHRASES_S)] < LOOP_S - 1.0:
        end_s = t_s + _PHRASES_S[i_phrase % len(_PHRASES_S)]
        while t_s < end_s:
            duration_s = float(random.uniform(0.15, 0.26)) * (1.0 - 0.2 * stress_at(t_s))
            is_last = t_s + duration_s >= end_s
            result.append(
                Syllable(
                    start_s=t_s,
                    duration_s=duration_s,
                    vowel=int(random.integers(5)),
                    has_fricative=bool(random.random() < 0.3),
                    is_phrase_end=is_last,
                )
            )
            t_s += duration_s
        t_s = end_s + _PAUSES_S[i_phrase % len(_PAUSES_S)] * (1.3 if stress_at(end_s) > 0.6 else 1.0)
        i_phrase += 1
    return tuple(result)


class Story:
    """Answers what the candidate does at a time."""

    def __init__(self) -> None:
        self.syllables = syllables()
        self._starts = np.array([syllable.start_s for syllable in self.syllables])
        random = np.random.default_rng(11)
        blinks, t_s = [], 1.5
        while t_s < LOOP_S - 1.0:
            blinks.append(t_s)
            t_s += float(random.uniform(2.2, 5.0)) * (1.0 - 0.5 * stress_at(t_s))
        self._blinks = np.array(blinks)

    def pose(self, t_s: float) -> Pose:
        """Return the face at a time of the story."""
        t_s %= LOOP_S
        stress = stress_at(t_s)
        # Tension shows in waves rather than as a mask.
        wave = 0.85 + 0.15 * math.sin(2 * math.pi * t_s / 3.7)
        tension = max(0.0, (stress - 0.25) / 0.75) * wave
        restless = 0.3 + stress
        return Pose(
            blink=self._blink(t_s),
            jaw=0.55 * self.mouth_opening(t_s),
            smile_lost=1.9 * tension + 0.12 * (1 + math.sin(t_s / 5.0)) * (stress < 0.3),
            brows_up=1.25 * tension + 0.25 * max(0.0, math.sin(2 * math.pi * t_s / 7.3)) * (1.0 - tension),
            shift=(
                restless * (4.0 * math.sin(0.9 * t_s) + 2.0 * math.sin(2.3 * t_s + 1.0)),
                restless * (2.5 * math.sin(1.3 * t_s + 0.5) + 1.5 * math.sin(3.1 * t_s)),
            ),
            roll_deg=restless * 1.5 * math.sin(0.7 * t_s + 2.0),
        )

    def mouth_opening(self, t_s: float) -> float:
        """Return how far speech opens the mouth, in [0, 1]."""
        i_syllable = int(np.searchsorted(self._starts, t_s, side="right")) - 1
        if i_syllable < 0:
            return 0.0
        syllable = self.syllables[i_syllable]
        phase = (t_s - syllable.start_s) / syllable.duration_s
        return math.sin(math.pi * phase) if phase < 1.0 else 0.0

    def _blink(self, t_s: float) -> float:
        nearest_s = float(np.min(np.abs(self._blinks - t_s)))
        return max(0.0, 1.0 - (nearest_s / 0.11) ** 2)
