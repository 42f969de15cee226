"""Cut a stream of sound into utterances, at the pauses that a voice activity detector hears.

Transcribers work on whole utterances: a pause ends one, so does a hole in the sound, and a long one is cut at its last
short pause.
"""

from dataclasses import dataclass, replace

import numpy as np

from pipeline.audio.framing import JITTER_S
from pipeline.types import ACTIVITY_S, SAMPLE_RATE_HZ, AudioChunk, FloatArray, VoiceActivity

END_PAUSE_S = 0.6
"""So much without speech ends an utterance; shorter pauses stand within sentences."""
MAX_UTTERANCE_S = 10.0
"""Bounds how late the words of somebody come who speaks without a pause."""
MIN_SPEECH_S = 0.09
"""Shorter runs of speech begin no utterance: clicks."""
MARGIN_S = 0.3
"""Sound kept on both sides: weak consonants, and something for the transcriber to adapt to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """A stretch of unbroken sound with speech in it."""

    t_s: float
    """Capture time of the first sample."""
    samples: FloatArray
    """Shape (n,), 16 kHz, at most about MAX_UTTERANCE_S."""

    @property
    def end_s(self) -> float:
        """Capture time just after the last sample."""
        return self.t_s + len(self.samples) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceState:
    """Sound that belongs to no finished utterance yet; bounded by MAX_UTTERANCE_S and two margins."""

    samples: FloatArray
    start_s: float = 0.0
    """Capture time of samples[0]."""
    run_s: float = 0.0
    """Length of the speech that has just been going on without an utterance being open."""
    speech_end_s: float | None = None
    """Where the newest speech of the open utterance ends; None while none is open."""
    hole_s: float | None = None
    """Where the newest short pause within it lies."""


def new_utterances() -> UtteranceState:
    """Return the state of somebody who has not been heard."""
    return UtteranceState(samples=np.zeros(0, np.float32))


def follow_sound(state: UtteranceState, chunk: AudioChunk) -> tuple[UtteranceState, tuple[Utterance, ...]]:
    """Take sound in; a hole ends the utterance before it."""
    end_s = state.start_s + len(state.samples) / SAMPLE_RATE_HZ
    is_broken = chunk.is_gap or (len(state.samples) > 0 and abs(chunk.t_s - end_s) > JITTER_S)
    done: tuple[Utterance, ...] = ()
    if is_broken:
        state, done = finish_utterance(state)
    if chunk.is_gap or len(chunk.samples) == 0:
        return state, done
    if len(state.samples) == 0:
        state = replace(state, start_s=chunk.t_s)
    samples = np.concatenate((state.samples, chunk.samples.astype(np.float32, copy=False)))
    return replace(state, samples=samples), done


def follow_activity(state: UtteranceState, activity: VoiceActivity) -> tuple[UtteranceState, tuple[Utterance, ...]]:
    """Take in which stretches of the sound, all of them taken in before, are speech."""
    done: list[Utterance] = []
    for i, is_speech in enumerate(activity.is_speech.tolist()):
        state, utterance = _decide(state, activity.t_s + i * ACTIVITY_S, is_speech=is_speech)
        if utterance is not None:
            done.append(utterance)
    if state.speech_end_s is None:
        decided_s = activity.t_s + len(activity.is_speech) * ACTIVITY_S
        state = _drop_before(state, decided_s - state.run_s - MARGIN_S)
    return state, tuple(done)


def finish_utterance(state: UtteranceState) -> tuple[UtteranceState, tuple[Utterance, ...]]:
    """Return the open utterance, if there is one, and start anew."""
    done = () if state.speech_end_s is None else (_cut(state, state.speech_end_s + MARGIN_S),)
    return new_utterances(), done


def _decide(state: UtteranceState, t_s: float, *, is_speech: bool) -> tuple[UtteranceState, Utterance | None]:
    end_s = t_s + ACTIVITY_S
    if state.speech_end_s is None:
        run_s = state.run_s + ACTIVITY_S if is_speech else 0.0
        if run_s < MIN_SPEECH_S - 1e-9:
            return replace(state, run_s=run_s), None
        state = _drop_before(state, end_s - run_s - MARGIN_S)
        return replace(state, run_s=0.0, speech_end_s=end_s, hole_s=None), None
    speech_end_s = state.speech_end_s
    if is_speech:
        state = replace(state, speech_end_s=end_s)
    elif end_s - speech_end_s >= END_PAUSE_S - 1e-9:
        return _end_at(state, speech_end_s + MARGIN_S)
    else:
        state = replace(state, hole_s=t_s)
    if end_s - state.start_s < MAX_UTTERANCE_S:
        return state, None
    hole_s = state.hole_s
    cut_s = end_s if hole_s is None or hole_s - state.start_s < MAX_UTTERANCE_S / 2 else hole_s
    utterance = _cut(state, cut_s)
    return replace(_drop_before(state, cut_s), speech_end_s=max(end_s, cut_s), hole_s=None), utterance


def _end_at(state: UtteranceState, cut_s: float) -> tuple[UtteranceState, Utterance]:
    return replace(_drop_before(state, cut_s), speech_end_s=None, hole_s=None, run_s=0.0), _cut(state, cut_s)


def _cut(state: UtteranceState, to_s: float) -> Utterance:
    n = max(0, round((to_s - state.start_s) * SAMPLE_RATE_HZ))
    return Utterance(t_s=state.start_s, samples=state.samples[:n].copy())


def _drop_before(state: UtteranceState, t_s: float) -> UtteranceState:
    n = min(len(state.samples), round((t_s - state.start_s) * SAMPLE_RATE_HZ))
    if n <= 0:
        return state
    return replace(state, samples=state.samples[n:].copy(), start_s=state.start_s + n / SAMPLE_RATE_HZ)
