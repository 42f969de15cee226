"""How other voices in the room count as the person's, and with what quality: part of ``scripts/evaluate_turns``.

One actor of RAVDESS gives answers of three sentences, each followed by 10 s of silence, while one or eight other actors
talk all the time. Where the person is silent everything that is found is wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.audio.voice import WINDOW_S
from pipeline.session import new_session, step
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, FloatArray, Reading, Tick
from scripts.evaluate_turns_sound import Speech, add_noise, join_speech, make_babble, read_speech_of

SILENCE_S = 10.0
N_ANSWERS = 5
N_SENTENCES = 3
ACTOR = 5
N_OTHERS = 40
"""Clips of which the other voices are made."""
CHUNK_SAMPLES = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What the voice's reading says while others talk, over windows that lie in speech or in silence entirely."""

    n_voices: int
    snr_db: float
    talk_quality: float
    silence_quality: float
    """0 would be right."""
    silence_known: float
    """Share of the ticks in silence at which s_audio is given; 0 would be right."""
    silence_value: float
    """Median of s_audio at these ticks."""
    turns_false: float
    """Share of the silence that the turns take for speech."""


def measure_background(
    data: Path, find_false: Callable[[Speech, FloatArray], float], *, n_voices: tuple[int, ...] = (1, 8)
) -> list[Background]:
    """Measure with others 20, 15 and 10 dB weaker than the person.

    Args:
        data: folder of RAVDESS clips with labels.csv.
        find_false: takes the answers and what is heard, and says which share of the silence the turns take for speech.
        n_voices: of others at once.
    """
    random = np.random.default_rng(3)
    own, others = read_speech_of(data, actor=ACTOR, n_others=N_OTHERS, random=random)
    speech, is_talk = _answers(own, random)
    rows = []
    for n in n_voices:
        noise = make_babble(others, len(speech.samples), np.random.default_rng(1), n_voices=n)
        for snr_db in (20.0, 15.0, 10.0):
            heard = add_noise(speech, noise, snr_db)
            talk, silence = _read(heard, is_talk)
            known = [reading.value for reading in silence if reading.value is not None]
            rows.append(
                Background(
                    n_voices=n,
                    snr_db=snr_db,
                    talk_quality=float(np.mean([reading.quality for reading in talk])),
                    silence_quality=float(np.mean([reading.quality for reading in silence])),
                    silence_known=len(known) / len(silence),
                    silence_value=float(np.median(known)) if known else 0.0,
                    turns_false=find_false(speech, heard),
                )
            )
    return rows


def _answers(own: list[Speech], random: np.random.Generator) -> tuple[Speech, npt.NDArray[np.bool_]]:
    """Return the answers with silences between them, and which samples lie in an answer."""
    parts: list[Speech] = []
    for i in range(0, N_ANSWERS * N_SENTENCES, N_SENTENCES):
        room = 1e-4 * random.standard_normal(round(SILENCE_S * SAMPLE_RATE_HZ))
        parts += [*own[i : i + N_SENTENCES], Speech(samples=room.astype(np.float32), spurts=(), n_syllables=0)]
    return join_speech(parts), np.concatenate([np.full(len(part.samples), bool(part.spurts)) for part in parts])


def _read(samples: FloatArray, is_talk: npt.NDArray[np.bool_]) -> tuple[list[Reading], list[Reading]]:
    """Return the voice's readings of windows within answers, and within silences."""
    talk: list[Reading] = []
    silence: list[Reading] = []
    state = new_session()
    n_window = round(WINDOW_S * SAMPLE_RATE_HZ)
    for i in range(CHUNK_SAMPLES, len(samples) + 1, CHUNK_SAMPLES):
        state, _ = step(
            state, AudioChunk(t_s=(i - CHUNK_SAMPLES) / SAMPLE_RATE_HZ, samples=samples[i - CHUNK_SAMPLES : i])
        )
        if i % SAMPLE_RATE_HZ == 0:
            state, (estimate,) = step(state, Tick(t_s=i / SAMPLE_RATE_HZ))
            window = is_talk[max(0, i - n_window) : i]
            if window.all():
                talk.append(estimate.voice)
            elif not window.any():
                silence.append(estimate.voice)
    return talk, silence
