"""Pitch of a voice, as a stream of frames or of a whole recording.

A stream makes two passes at once: the first, over the whole range of human pitch, learns the speaker's own; the second
prefers that and gives the result. Both choose among the same candidates (pitch_candidates) by the best path
(pitch_path); the speaker's range is set anew twice a second of sound (pitch_range).

A speaker who raises the voice leaves the range of their calm speech, and the multiples of a raised voice's period lie
inside it. A range learnt before is therefore a preference here, with little said against high pitch; the hard range of
the second pass in the literature belongs to a recording that is known as a whole (span of estimate_pitch).
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.audio.framing import Doubles
from pipeline.audio.pitch_candidates import (
    N_CANDIDATES,
    Candidates,
    PitchSpan,
    PitchWindow,
    find_candidates,
    make_pitch_window,
    rate_unvoiced,
)
from pipeline.audio.pitch_path import (
    N_STATES,
    NO_CANDIDATE,
    PathState,
    advance_path,
    cost_transitions,
    new_path,
    preview_path,
)
from pipeline.audio.pitch_range import RAISED_CEILING_SHARE, Counts, count_pitch, find_range, no_pitch_seen

BELOW_RANGE_COST = 1.0
"""Per octave under the speaker's range."""
ABOVE_RANGE_COST = 0.3
"""Per octave over it."""
RANGE_EVERY_FRAMES = 50
"""The range is set on this grid of frames, whatever pieces the sound comes in."""
LOUDEST_FALL_OCTAVES = 0.005
"""Per frame: what counts as the loudest falls by 3 dB a second, so that one bang does not silence a speaker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PitchState:
    """The stream between two calls; about 5 kB."""

    seen: Counts
    """The first pass's pitch so far, by quarter semitones."""
    span: PitchSpan
    """The speaker's range by now."""
    n_frames: int = 0
    """Heard since the start of the stretch."""
    loudest: float = -np.inf
    """log2 of the loudest peak, with the fall since the start of the stretch added back."""
    wide: PathState
    """First pass."""
    own: PathState
    """Second pass."""
    pending_f0_hz: Doubles
    """Candidates of the frames that are not yet decided, shape (n, N_CANDIDATES)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PitchUpdate:
    """What new frames brought."""

    decided_hz: Doubles
    """Pitch of the frames that are now decided, oldest first, 0 where unvoiced."""
    pending_hz: Doubles
    """Of the frames after them, the newest last, as they would be decided if nothing followed."""
    strength: Doubles
    """Of the strongest candidate of each new frame; at least 0.45 where the frame alone may be voiced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PitchTrack:
    """Pitch of a recording; every array has one entry per frame."""

    t_s: Doubles
    """Middle of each frame, from the first sample."""
    f0_hz: Doubles
    """0 where unvoiced."""
    strength: Doubles
    """Of the strongest candidate."""
    seen: Counts
    """What was learnt of the speaker's range."""


def new_pitch(seen: Counts | None = None) -> PitchState:
    """Return the state before a stretch of sound, of a speaker of whom something may have been learnt before."""
    seen = no_pitch_seen() if seen is None else seen
    return PitchState(
        seen=seen,
        span=find_range(seen, RAISED_CEILING_SHARE),
        wide=new_path(),
        own=new_path(),
        pending_f0_hz=np.zeros((0, N_CANDIDATES)),
    )


def resume_pitch(state: PitchState) -> PitchState:
    """Return the state after a hole in the sound: nothing is pending, what was learnt of the speaker stays."""
    loudest = state.loudest - LOUDEST_FALL_OCTAVES * state.n_frames
    return replace(new_pitch(state.seen), loudest=loudest)


def follow_pitch(
    window: PitchWindow, state: PitchState, frames: npt.NDArray[np.floating]
) -> tuple[PitchState, PitchUpdate]:
    """Follow the pitch through the next frames. How they are divided between calls does not matter.

    Args:
        window: for the sampling rate.
        state: what the last call returned.
        frames: shape (n, window.frame_samples), one every window.hop_samples, any full scale; n may be 0.

    Raises:
        ValueError: a sample is not finite.
    """
    if not np.isfinite(frames).all():
        raise ValueError("sound must be finite")
    decided, strengths, start = [np.zeros(0)], [np.zeros(0)], 0
    while start < len(frames):
        stop = start + RANGE_EVERY_FRAMES - state.n_frames % RANGE_EVERY_FRAMES
        candidates = find_candidates(window, frames[start:stop])
        state, newly_decided = _take(state, candidates)
        decided.append(newly_decided)
        strengths.append(candidates.strength[:, 0])
        start = stop
    return state, PitchUpdate(
        decided_hz=np.concatenate(decided),
        pending_hz=_pitch_at(state.pending_f0_hz, preview_path(state.own)),
        strength=np.concatenate(strengths),
    )


def estimate_pitch(
    samples: npt.NDArray[np.floating], rate_hz: float, *, seen: Counts | None = None, span: PitchSpan | None = None
) -> PitchTrack:
    """Estimate the pitch of a recording of one speaker, as the stream does.

    Args:
        samples: shape (n,), any full scale; shorter than a frame (three periods of the floor, by default 55 ms) gives
            an empty track.
        rate_hz: at least 8000.
        seen: from an earlier recording of the speaker.
        span: where to look; find_range of what a first call with the same recording has seen makes this the second
            pass of the literature. By default the whole range of human pitch.

    Raises:
        ValueError: a sample is not finite; the shape, the rate or the span is wrong.
    """
    window = make_pitch_window(rate_hz, span)
    if samples.ndim != 1:
        raise ValueError(f"samples must have one axis, not {samples.ndim}")
    frames = np.zeros((0, window.frame_samples))
    if len(samples) >= window.frame_samples:
        every = np.lib.stride_tricks.sliding_window_view(samples, window.frame_samples)
        frames = every[:: window.hop_samples]
    state, update = follow_pitch(window, new_pitch(seen), frames)
    middles = window.frame_samples / 2 + window.hop_samples * np.arange(len(frames), dtype=np.float64)
    return PitchTrack(
        t_s=middles / rate_hz,
        f0_hz=np.concatenate((update.decided_hz, update.pending_hz)),
        strength=update.strength,
        seen=state.seen,
    )


def _take(state: PitchState, candidates: Candidates) -> tuple[PitchState, Doubles]:
    """Take in frames that share a range; return the pitch of those that are now decided."""
    f0_hz = np.concatenate((state.pending_f0_hz, candidates.f0_hz))
    n_new, n_before = len(candidates.f0_hz), len(state.pending_f0_hz)
    cost = cost_transitions(f0_hz[max(n_before - 1, 0) :])
    if n_before == 0:
        cost = np.concatenate((np.zeros((1, N_STATES, N_STATES)), cost))
    loudest, fallen = _follow_loudest(state, candidates.peak)
    unvoiced = rate_unvoiced(candidates.peak, fallen)
    strength = np.where(candidates.f0_hz > 0, candidates.strength, NO_CANDIDATE)
    preferred = strength - _cost_outside(candidates.f0_hz, state.span)
    wide, wide_states = advance_path(state.wide, cost, np.column_stack((strength, unvoiced)))
    own, own_states = advance_path(state.own, cost, np.column_stack((preferred, unvoiced)))
    seen = count_pitch(state.seen, _pitch_at(f0_hz, wide_states))
    n_frames = state.n_frames + n_new
    after = PitchState(
        seen=seen,
        span=find_range(seen, RAISED_CEILING_SHARE) if n_frames % RANGE_EVERY_FRAMES == 0 else state.span,
        n_frames=n_frames,
        loudest=loudest,
        wide=wide,
        own=own,
        pending_f0_hz=f0_hz[len(own_states) :],
    )
    return after, _pitch_at(f0_hz, own_states)


def _pitch_at(f0_hz: Doubles, states: npt.NDArray[np.int8]) -> Doubles:
    """Pitch of the first frames of f0_hz, given their states; 0 where unvoiced."""
    rows = f0_hz[: len(states)]
    with_unvoiced: Doubles = np.column_stack((rows, np.zeros(len(rows))))
    path: Doubles = with_unvoiced[np.arange(len(rows)), states]
    return path


def _cost_outside(f0_hz: Doubles, span: PitchSpan) -> Doubles:
    """What each candidate costs for lying outside the speaker's range; 0 inside and for empty places."""
    octave = np.log2(np.where(f0_hz > 0, f0_hz, span.floor_hz))
    below, above = np.log2(span.floor_hz) - octave, octave - np.log2(span.ceiling_hz)
    return np.asarray(BELOW_RANGE_COST * np.maximum(0.0, below) + ABOVE_RANGE_COST * np.maximum(0.0, above))


def _follow_loudest(state: PitchState, peak: Doubles) -> tuple[float, Doubles]:
    """The loudest peak up to each frame, falling slowly: what to remember, and its value at each frame."""
    fall = LOUDEST_FALL_OCTAVES * (state.n_frames + np.arange(len(peak)))
    raised = np.log2(np.maximum(peak, 1e-12)) + fall
    loudest = np.maximum.accumulate(np.concatenate(([state.loudest], raised)))
    return float(loudest[-1]), 2.0 ** (loudest[1:] - fall)
