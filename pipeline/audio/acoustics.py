"""How somebody sounds, as a stream: every 10 ms the measures of speech, of the last WINDOW_S.

It follows ``pipeline.audio.voice``, which cuts the sound, decides what is speech and finds the pitch; frames are
measured once their pitch is decided. Sound that was lost is in none of them, since ``voice`` never measures it.
"""

from dataclasses import dataclass, field, fields, replace

import numpy as np
import numpy.typing as npt

from pipeline.audio.filled_pauses import REACH_FRAMES, find_filled_pauses
from pipeline.audio.formants import N_FORMANTS, measure_formants
from pipeline.audio.framing import FRAME_SAMPLES, HOP_S, HOP_SAMPLES, Doubles, Flags, Frames
from pipeline.audio.mfcc import DELTA_REACH, N_MFCC, cepstra, deltas
from pipeline.audio.periods import find_periods
from pipeline.audio.perturbation import Perturbation, measure_hnr, sum_perturbation
from pipeline.audio.pitch_path import LAG_FRAMES
from pipeline.audio.short_frames import cut_short_frames, make_short_window, power_spectra
from pipeline.audio.spectral_features import SpectralTrack, describe_frames
from pipeline.audio.speech import ABOVE_FLOOR_DB, find_speech
from pipeline.audio.voice import FrameTrack, VoiceState
from pipeline.types import SAMPLE_RATE_HZ

WINDOW_S = 10.0
"""Of the frames: two or three sentences, so that a mean says how somebody speaks and not what."""
COUNT_S = 60.0
"""Of the filled-pause candidates, which are rare."""
REFERENCE_HZ = 27.5
"""Pitch in semitones is counted from here, as in eGeMAPS."""
SAME_STRETCH_S = 4.5 * HOP_S
"""Frames further apart lie on two sides of a hole: capture times wander by less, and a hole costs a whole frame."""
LEAD_FRAMES = 5
"""The first frames of a stretch, whose sound reaches back before what is kept of it."""
MIN_RUN_FRAMES = 5
"""Voiced stretches shorter than 50 ms have no periods to compare."""
_SHORT = make_short_window(SAMPLE_RATE_HZ)
_SHORT_LAG = 3
"""The short frame in the middle of frame i begins at hop i - 3 of the stretch's kept sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcousticTrack:
    """Measures of n frames, oldest first; NaN where there is nothing to measure."""

    t_s: Doubles
    """Capture time of each frame's end, as in FrameTrack; shape (n,)."""
    is_speech: Flags
    is_voiced: Flags
    is_loud: Flags
    """Well above the room's noise."""
    follows: Flags
    """The frame follows on the one before it without a hole."""
    floor_dbfs: Doubles
    f0_st: Doubles
    """Pitch in semitones over REFERENCE_HZ; NaN where unvoiced."""
    spectral: SpectralTrack
    mfcc: Doubles
    """Shape (n, N_MFCC)."""
    mfcc_delta: Doubles
    """Shape (n, N_MFCC), per frame."""
    formants_hz: Doubles
    """Shape (n, N_FORMANTS); of voiced frames."""
    hnr_db: Doubles
    """Of voiced frames."""

    def where(self, keep: Flags) -> "AcousticTrack":
        """Return the frames for which keep, shape (n,), is True."""
        names = [item.name for item in fields(self) if item.name != "spectral"]
        return AcousticTrack(spectral=self.spectral.where(keep), **{name: getattr(self, name)[keep] for name in names})

    def followed_by(self, newer: "AcousticTrack") -> "AcousticTrack":
        """Return both tracks joined."""
        names = [item.name for item in fields(self) if item.name != "spectral"]
        return AcousticTrack(
            spectral=self.spectral.followed_by(newer.spectral),
            **{name: np.concatenate((getattr(self, name), getattr(newer, name))) for name in names},
        )


def empty_track() -> AcousticTrack:
    """Return a track without frames."""
    none, no_flags = np.zeros(0), np.zeros(0, bool)
    return AcousticTrack(
        t_s=none,
        is_speech=no_flags,
        is_voiced=no_flags,
        is_loud=no_flags,
        follows=no_flags,
        floor_dbfs=none,
        f0_st=none,
        spectral=SpectralTrack(**{item.name: none for item in fields(SpectralTrack)}),
        mfcc=np.zeros((0, N_MFCC)),
        mfcc_delta=np.zeros((0, N_MFCC)),
        formants_hz=np.zeros((0, N_FORMANTS)),
        hnr_db=none,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AcousticState:
    """The stream between two calls: about 0.5 MB."""

    track: AcousticTrack = field(default_factory=empty_track)
    """The last WINDOW_S."""
    perturbations: tuple[tuple[float, Perturbation], ...] = ()
    """Voiced stretches of the last WINDOW_S with the time of their end."""
    spoken: tuple[tuple[float, float], ...] = ()
    """Time of each call of the last COUNT_S and the seconds of speech it brought."""
    filled_s: tuple[float, ...] = ()
    """Ends of the filled-pause candidates of the last COUNT_S."""
    done_s: float = -np.inf
    """Frames up to here are measured."""
    hole_s: float = -np.inf
    """End of the newest announced hole in the sound."""


def note_hole(state: AcousticState, to_s: float) -> AcousticState:
    """Remember that sound was lost, up to to_s."""
    return replace(state, hole_s=max(state.hole_s, to_s))


def follow_acoustics(state: AcousticState, voice: VoiceState) -> AcousticState:
    """Measure the frames whose pitch was decided since the last call; call it at least every 1.5 s.

    Sound that left ``voice`` before that counts as not heard.
    """
    whole = voice.track
    if not len(voice.sound):
        return state
    is_speech, is_voiced = find_speech(whole.level_dbfs, whole.floor_dbfs, whole.f0_hz)
    n_before = len(whole.t_s) - len(voice.sound)
    kept = whole.where(np.arange(len(whole.t_s)) >= n_before)
    breaks = np.flatnonzero(np.diff(kept.t_s) > SAME_STRETCH_S) + 1
    for start, stop in zip([0, *breaks], [*breaks, len(kept.t_s)], strict=True):
        is_of_newest = stop == len(kept.t_s)
        n_decided = stop - start - (LAG_FRAMES if is_of_newest else 0)
        stretch = _Stretch(
            frames=kept.where(_between(start, stop, len(kept.t_s))),
            sound=voice.sound[start:stop],
            is_speech=is_speech[n_before + start : n_before + stop],
            is_voiced=is_voiced[n_before + start : n_before + stop],
        )
        first = max(LEAD_FRAMES, int(np.searchsorted(stretch.frames.t_s, state.done_s, side="right")))
        if n_decided > first:
            state = _take(state, stretch, first, n_decided)
    return _count_filled_pauses(state)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """Frames without a hole between them, and their sound."""

    frames: FrameTrack
    sound: Frames
    is_speech: Flags
    is_voiced: Flags


def _between(start: int, stop: int, n: int) -> Flags:
    index = np.arange(n)
    return np.asarray((index >= start) & (index < stop))


def _take(state: AcousticState, stretch: _Stretch, first: int, last: int) -> AcousticState:
    """Measure the frames from first to before last of a stretch."""
    newer = _measure(stretch, first, last, state.done_s)
    track = state.track.followed_by(newer)
    end_s = float(newer.t_s[-1])
    perturbations = (*state.perturbations, *_perturb(stretch, first, last))
    spoken = (*state.spoken, (end_s, float(newer.is_speech.sum()) * HOP_S))
    return replace(
        state,
        track=track.where(track.t_s > end_s - WINDOW_S),
        perturbations=tuple(item for item in perturbations if item[0] > end_s - WINDOW_S),
        spoken=tuple(item for item in spoken if item[0] > end_s - COUNT_S),
        filled_s=tuple(t_s for t_s in state.filled_s if t_s > end_s - COUNT_S),
        done_s=end_s,
    )


def _measure(stretch: _Stretch, first: int, last: int, done_s: float) -> AcousticTrack:
    frames, n = stretch.frames.where(_between(first, last, len(stretch.sound))), last - first
    # Neighbours on both sides for the deltas and the flux.
    from_ = max(0, first - _SHORT_LAG - DELTA_REACH)
    sound = stretch.sound[from_ : last + DELTA_REACH + _SHORT_LAG].ravel()
    short = cut_short_frames(_SHORT, sound)
    power = power_spectra(_SHORT, short)
    rows = slice(first - _SHORT_LAG - from_, first - _SHORT_LAG - from_ + n)
    coefficients = cepstra(_SHORT, power)
    is_voiced = stretch.is_voiced[first:last]
    formants_hz, hnr_db = np.full((n, N_FORMANTS), np.nan), np.full(n, np.nan)
    if is_voiced.any():
        at_s = _middle_s(np.arange(first, last)[is_voiced])
        around, offset_s = _around(stretch.sound, at_s)
        formants_hz[is_voiced] = measure_formants(around, SAMPLE_RATE_HZ, at_s - offset_s)
        hnr_db[is_voiced] = measure_hnr(around, SAMPLE_RATE_HZ, frames.f0_hz[is_voiced], at_s - offset_s)
    return AcousticTrack(
        t_s=frames.t_s,
        is_speech=stretch.is_speech[first:last],
        is_voiced=is_voiced,
        is_loud=frames.level_dbfs > frames.floor_dbfs + ABOVE_FLOOR_DB,
        follows=(np.arange(n) > 0) | (frames.t_s[0] - done_s <= SAME_STRETCH_S),
        floor_dbfs=frames.floor_dbfs,
        f0_st=to_semitones(np.where(is_voiced, frames.f0_hz, np.nan)),
        spectral=describe_frames(_SHORT, short, power).where(rows),
        mfcc=coefficients[rows],
        mfcc_delta=deltas(coefficients)[rows],
        formants_hz=formants_hz,
        hnr_db=hnr_db,
    )


def to_semitones(f0_hz: Doubles) -> Doubles:
    """Pitch in semitones over REFERENCE_HZ; NaN stays."""
    return np.asarray(12 * np.log2(f0_hz / REFERENCE_HZ))


def _middle_s(index: npt.NDArray[np.intp]) -> Doubles:
    """Middle of frames of a stretch, in seconds from the beginning of its kept sound."""
    return np.asarray(((index + 1) * HOP_SAMPLES - FRAME_SAMPLES / 2) / SAMPLE_RATE_HZ)


def _around(sound: Frames, at_s: Doubles) -> tuple[npt.NDArray[np.float32], float]:
    """The sound around moments, with room for windows at both ends, and where it begins in seconds."""
    first, last = (int(x / HOP_S) for x in (at_s[0], at_s[-1]))
    from_ = max(0, first - LEAD_FRAMES)
    return sound[from_ : last + LEAD_FRAMES + 1].ravel(), from_ * HOP_S


def _perturb(stretch: _Stretch, first: int, last: int) -> list[tuple[float, Perturbation]]:
    """Perturbation of each voiced run among the frames from first to before last, with the time of its end."""
    flags = np.concatenate(([False], stretch.is_voiced[first:last], [False])).astype(np.int8)
    edges = np.flatnonzero(np.diff(flags)) + first
    found: list[tuple[float, Perturbation]] = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if stop - start < MIN_RUN_FRAMES:
            continue
        at_s = _middle_s(np.arange(start, stop))
        around, offset_s = _around(stretch.sound, at_s)
        periods = find_periods(around, SAMPLE_RATE_HZ, stretch.frames.f0_hz[start:stop], at_s - offset_s)
        found.append((float(stretch.frames.t_s[stop - 1]), sum_perturbation(periods)))
    return found


def _count_filled_pauses(state: AcousticState) -> AcousticState:
    """Add the candidates that have ended since the last one."""
    track = state.track
    found = find_filled_pauses(track.f0_st, track.formants_hz, track.spectral.flux, track.follows)
    last_s = state.filled_s[-1] if state.filled_s else -np.inf
    ended = [
        float(track.t_s[stop - 1])
        for start, stop in found
        if stop <= len(track.t_s) - REACH_FRAMES and track.t_s[start] > last_s
    ]
    return replace(state, filled_s=(*state.filled_s, *ended)) if ended else state
