"""The voice of one person as a stream: sound in, features of the last seconds out."""

from dataclasses import dataclass, fields, replace

import numpy as np

from pipeline.audio.floor import FloorState, follow_floor
from pipeline.audio.framing import (
    HOP_S,
    HOP_SAMPLES,
    Doubles,
    Flags,
    Frames,
    FramingState,
    append_chunk,
    count_frames,
    is_break,
    is_late,
    new_framing,
    take_frames,
)
from pipeline.audio.pitch import PitchState, follow_pitch, new_pitch, resume_pitch
from pipeline.audio.pitch_candidates import VOICING_STRENGTH, make_pitch_window
from pipeline.audio.spectrum import SILENT_DBFS, measure_spectra, to_dbfs
from pipeline.audio.speech import ABOVE_FLOOR_DB, find_pauses, find_speech
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, VoiceFeatures

WINDOW_S = 3.0
"""Long enough for a phrase, so that the variabilities mean something; short enough to follow an answer."""
KEPT_S = 5.0
"""Frames kept: the window and what capture times may run ahead of it."""
SOUND_FRAMES = 200
"""Sound kept for what is measured at ticks: the second since the last one, frames whose pitch is not decided yet, and
some in hand."""
BATCH_FRAMES = 50
"""Frames measured together, for with few most of the time goes into calls; a tick measures what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameTrack:
    """Frame-wise measures of the last seconds, oldest first; every array is as long as t_s."""

    t_s: Doubles
    """Capture time of each frame's end."""
    rms: Doubles
    level_dbfs: Doubles
    floor_dbfs: Doubles
    centroid_hz: Doubles
    f0_hz: Doubles
    """Pitch, 0 where unvoiced; of the newest 0.25 s as it looks so far."""

    def where(self, keep: Flags) -> "FrameTrack":
        """Return the frames for which keep, shape (n,), is True."""
        return FrameTrack(**{field.name: getattr(self, field.name)[keep] for field in fields(self)})

    def followed_by(self, newer: "FrameTrack") -> "FrameTrack":
        """Return both tracks joined."""
        names = [field.name for field in fields(self)]
        return FrameTrack(**{name: np.concatenate((getattr(self, name), getattr(newer, name))) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceState:
    """The stream between two calls."""

    framing: FramingState
    floor: FloorState
    pitch: PitchState
    track: FrameTrack
    sound: Frames
    """The last HOP_SAMPLES of each of the newest frames of the track, shape (at most SOUND_FRAMES, HOP_SAMPLES)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechFrames:
    """Measures of speech frames alone; every array has one entry per frame."""

    t_s: Doubles
    rms: Doubles
    centroid_hz: Doubles
    f0_hz: Doubles
    """0 where unvoiced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceWindow:
    """The last WINDOW_S seconds of voice."""

    features: VoiceFeatures
    speech: SpeechFrames
    measured_s: float
    """Seconds of sound that arrived; less than WINDOW_S after a gap."""
    is_noisy: bool
    """No voice, yet well above the room's level."""


def new_voice() -> VoiceState:
    """Return the state before any sound."""
    none = np.zeros(0)
    track = FrameTrack(t_s=none, rms=none, level_dbfs=none, floor_dbfs=none, centroid_hz=none, f0_hz=none)
    sound = np.zeros((0, HOP_SAMPLES), np.float32)
    return VoiceState(framing=new_framing(), floor=FloorState(), pitch=new_pitch(), track=track, sound=sound)


def hear(state: VoiceState, chunk: AudioChunk) -> VoiceState:
    """Take in a chunk of sound. Lost sound (``is_gap``) is not measured; it only ends the stretch."""
    if is_late(state.framing, chunk):
        return state
    if chunk.is_gap or is_break(state.framing, chunk):
        state = measure_pending(state)
        state = replace(state, framing=new_framing(), pitch=resume_pitch(state.pitch))
        if chunk.is_gap:
            return state
    state = replace(state, framing=append_chunk(state.framing, chunk))
    return measure_pending(state) if count_frames(state.framing) >= BATCH_FRAMES else state


def measure_pending(state: VoiceState) -> VoiceState:
    """Measure the frames that are complete."""
    framing, frames, times_s = take_frames(state.framing)
    if not len(frames):
        return state
    spectra = measure_spectra(frames)
    pitch, heard = follow_pitch(make_pitch_window(SAMPLE_RATE_HZ), state.pitch, frames)
    level_dbfs = to_dbfs(spectra.rms)
    floor, floor_dbfs = follow_floor(state.floor, level_dbfs, heard.strength, VOICING_STRENGTH)
    newest_hz = np.concatenate((state.track.f0_hz, np.zeros(len(frames))))
    open_hz = np.concatenate((heard.decided_hz, heard.pending_hz))
    newest_hz[len(newest_hz) - len(open_hz) :] = open_hz
    newer = FrameTrack(
        t_s=times_s,
        rms=spectra.rms,
        level_dbfs=level_dbfs,
        floor_dbfs=floor_dbfs,
        centroid_hz=spectra.centroid_hz,
        f0_hz=np.zeros(len(frames)),
    )
    track = replace(state.track.followed_by(newer), f0_hz=newest_hz)
    track = track.where(track.t_s > times_s[-1] - KEPT_S)
    sound = np.concatenate((state.sound, frames[:, -HOP_SAMPLES:]))[-min(SOUND_FRAMES, len(track.t_s)) :]
    return VoiceState(framing=framing, floor=floor, pitch=pitch, track=track, sound=sound)


def view_window(state: VoiceState, t_s: float) -> VoiceWindow | None:
    """Measure the window that ends at t_s (or at the newest frame, when that is later).

    Returns:
        None when no sound lies in it.
    """
    track = state.track.where(state.track.t_s > t_s - WINDOW_S)
    if not len(track.t_s):
        return None
    is_speech, is_voiced = find_speech(track.level_dbfs, track.floor_dbfs, track.f0_hz)
    speech = SpeechFrames(
        t_s=track.t_s[is_speech],
        rms=track.rms[is_speech],
        centroid_hz=track.centroid_hz[is_speech],
        f0_hz=np.where(is_voiced, track.f0_hz, 0.0)[is_speech],
    )
    is_noisy = not is_speech.any() and float(np.mean(track.level_dbfs > track.floor_dbfs + ABOVE_FLOOR_DB)) > 0.5
    return VoiceWindow(
        features=_summarise(track, is_speech, speech),
        speech=speech,
        measured_s=len(track.t_s) * HOP_S,
        is_noisy=is_noisy,
    )


def _summarise(track: FrameTrack, is_speech: Flags, speech: SpeechFrames) -> VoiceFeatures:
    """Features of a window; without speech the level of the window and nothing else."""
    n_pauses, paused_s = find_pauses(is_speech)
    if not len(speech.t_s):
        return VoiceFeatures(
            rms=root_mean_square(track.rms),
            centroid_hz=None,
            f0_hz=None,
            rms_variability=0.0,
            f0_variability=None,
            snr_db=None,
            speech_share=0.0,
            is_silent=True,
        )
    rms = root_mean_square(speech.rms)
    floor_db = float(np.median(track.floor_dbfs))
    voiced_hz = speech.f0_hz[speech.f0_hz > 0]
    return VoiceFeatures(
        rms=rms,
        centroid_hz=float(speech.centroid_hz.mean()),
        f0_hz=float(np.median(voiced_hz)),
        rms_variability=float(speech.rms.std()),
        f0_variability=spread_semitones(voiced_hz),
        snr_db=20 * float(np.log10(max(rms, 10 ** (SILENT_DBFS / 20)))) - floor_db,
        speech_share=float(is_speech.mean()),
        is_silent=False,
        n_pauses=n_pauses,
        pause_share=paused_s / (len(track.t_s) * HOP_S),
    )


def root_mean_square(rms: Doubles) -> float:
    """RMS over frames of the given RMS, shape (n,), n >= 1."""
    return float(np.sqrt(np.mean(rms**2)))


def spread_semitones(f0_hz: Doubles) -> float:
    """Standard deviation of pitch in semitones, from the central 80 % of the values, shape (n,), n >= 1.

    The tails are cut because a single octave error would outweigh the whole melody of a phrase.
    """
    semitones = 12 * np.log2(np.sort(f0_hz))
    cut = len(semitones) // 10
    return float(semitones[cut : len(semitones) - cut].std())
