"""The stream of acoustic measures, and the signals made of it."""

import pickle
from dataclasses import fields, replace

import numpy as np
import pytest

from pipeline.audio.acoustic_signals import DEFINITIONS, view_acoustics
from pipeline.audio.acoustics import WINDOW_S, AcousticState, follow_acoustics, note_hole
from pipeline.audio.formants import measure_formants
from pipeline.audio.mfcc import measure_mfcc
from pipeline.audio.spectral_features import SpectralTrack, measure_spectral
from pipeline.audio.voice import VoiceState, hear, measure_pending, new_voice
from pipeline.catalogue import CATALOGUE
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, FloatArray, Reason, Signal
from tests.fakes.vowels import make_noise, make_talk

TALK = make_talk(12.0, f0_hz=140.0, noise_rms=3e-4)
HUM = np.full(SAMPLE_RATE_HZ, 0.3, np.float32) * np.sign(np.sin(2 * np.pi * 100 * np.arange(SAMPLE_RATE_HZ) / 16_000))


def run(
    sound: FloatArray,
    *,
    size: int = 320,
    start_s: float = 0.0,
    voice: VoiceState | None = None,
    state: AcousticState | None = None,
) -> tuple[VoiceState, AcousticState]:
    """Hear sound with a tick each second."""
    voice, state = voice or new_voice(), state or AcousticState()
    for tick in range(0, len(sound), SAMPLE_RATE_HZ):
        for i in range(tick, min(tick + SAMPLE_RATE_HZ, len(sound)), size):
            piece = sound[i : min(i + size, tick + SAMPLE_RATE_HZ)]
            voice = hear(voice, AudioChunk(t_s=start_s + i / SAMPLE_RATE_HZ, samples=piece))
        voice = measure_pending(voice)
        state = follow_acoustics(state, voice)
    return voice, state


@pytest.fixture(scope="module")
def talk() -> tuple[VoiceState, AcousticState]:
    return run(TALK)


def by_name(signals: tuple[Signal, ...]) -> dict[str, Signal]:
    return {signal.name: signal for signal in signals}


def test_the_stream_measures_what_the_recording_gives(talk: tuple[VoiceState, AcousticState]) -> None:
    track = talk[1].track
    # A frame of 55 ms holds the short one that begins 15 ms after it.
    shifted = TALK[240:]
    spectral, mfcc = measure_spectral(shifted, SAMPLE_RATE_HZ), measure_mfcc(shifted, SAMPLE_RATE_HZ)
    at = np.round((track.t_s - 0.055) * 100).astype(int)
    assert len(at) > 900
    for item in fields(SpectralTrack):
        whole = getattr(spectral, item.name)[at]
        assert getattr(track.spectral, item.name) == pytest.approx(whole, rel=1e-6, nan_ok=True), item.name
    assert track.mfcc == pytest.approx(mfcc[at], abs=1e-6)
    formants_hz = measure_formants(TALK, SAMPLE_RATE_HZ, track.t_s - 0.0275)
    voiced = track.is_voiced
    assert track.formants_hz[voiced] == pytest.approx(formants_hz[voiced], rel=0.05, nan_ok=True)
    assert np.isnan(track.formants_hz[~voiced]).all()


@pytest.mark.parametrize("size", [111, 960, 16_000])
def test_the_signals_do_not_depend_on_the_chunks(talk: tuple[VoiceState, AcousticState], size: int) -> None:
    signals = view_acoustics(run(TALK, size=size)[1], 12.0)
    for ours, theirs in zip(signals, view_acoustics(talk[1], 12.0), strict=True):
        assert ours.value == pytest.approx(theirs.value, rel=1e-9), ours.name
        assert ours.quality == pytest.approx(theirs.quality)
        assert ours.reason is theirs.reason


def test_talk_sounds_as_it_was_made(talk: tuple[VoiceState, AcousticState]) -> None:
    signals = by_name(view_acoustics(talk[1], 12.0))
    assert list(signals) == [item.name for item in DEFINITIONS]
    filled = signals.pop("voice.filled_pauses")
    assert filled.quality == pytest.approx(0.45, abs=0.1)
    assert filled.reason is Reason.TOO_SHORT
    assert all(signal.value is not None and signal.quality > 0.8 for signal in signals.values())
    assert {signal.reason for signal in signals.values()} == {Reason.OK}
    expected = {
        "voice.f0_mean": (12 * np.log2(140 / 27.5), 0.6),
        "voice.f0_sd": (2 / np.sqrt(2), 0.3),
        "voice.f1": (690.0, 60.0),
        "voice.f2": (1080.0, 80.0),
        "voice.f3": (2650.0, 120.0),
    }
    for name, (value, tolerance) in expected.items():
        assert signals[name].value == pytest.approx(value, abs=tolerance), name
    jitter = signals["voice.jitter"].value
    assert jitter is not None
    assert jitter < 1.5
    assert 0 < signals["voice.f0_mean"].age_s < 1.0


def test_as_much_of_a_low_as_of_a_high_voice_has_the_pitch_of_one_of_them(
    talk: tuple[VoiceState, AcousticState],
) -> None:
    track = talk[1].track
    voiced = np.flatnonzero(track.is_voiced)
    f0_st, is_voiced = track.f0_st.copy(), np.zeros_like(track.is_voiced)
    voiced = voiced[: len(voiced) // 2 * 2]
    f0_st[voiced[::2]], f0_st[voiced[1::2]], is_voiced[voiced] = 22.0, 43.0, True
    state = replace(talk[1], track=replace(track, f0_st=f0_st, is_voiced=is_voiced))
    signals = by_name(view_acoustics(state, 12.0))
    assert signals["voice.f0_mean"].value == pytest.approx(22.0)
    assert signals["voice.f0_range"].value == 0.0


def test_every_signal_is_in_the_catalogue_once() -> None:
    assert len({item.name for item in DEFINITIONS}) == len(DEFINITIONS)
    assert all(CATALOGUE[item.name] is item for item in DEFINITIONS)


def test_signals_that_processing_in_the_browser_spoils_say_so() -> None:
    for name in ("rms", "loudness"):
        assert "automatic gain" in CATALOGUE[f"voice.{name}"].what
    for name in ("centroid", "alpha_ratio", "shimmer", "hnr", "mfcc3"):
        assert "noise suppression" in CATALOGUE[f"voice.{name}"].what


def test_lost_sound_is_never_measured(talk: tuple[VoiceState, AcousticState]) -> None:
    voice, state = talk
    # What a decoder makes up for a lost second must not count, however loud it is.
    voice = hear(voice, AudioChunk(t_s=12.0, samples=HUM, is_gap=True))
    voice, state = run(TALK[: 3 * SAMPLE_RATE_HZ], start_s=13.0, voice=voice, state=state)
    assert not ((state.track.t_s > 12.001) & (state.track.t_s < 13.055)).any()
    assert state.track.spectral.mean_square.max() < 0.01
    assert (~state.track.follows).sum() == 1


def test_a_hole_is_a_gap_and_silence_is_silence() -> None:
    assert {signal.reason for signal in view_acoustics(AcousticState(), 5.0)} == {Reason.NO_AUDIO}
    _, room = run(make_noise(4 * SAMPLE_RATE_HZ, 1e-4))
    silence = view_acoustics(room, 4.0)
    assert {signal.reason for signal in silence} == {Reason.SILENCE}
    assert {signal.value for signal in silence} == {None}
    assert {signal.reason for signal in view_acoustics(note_hole(room, 3.9), 4.0)} == {Reason.GAP}
    assert {signal.reason for signal in view_acoustics(note_hole(room, 7.9), 8.0)} == {Reason.GAP}
    assert {signal.reason for signal in view_acoustics(room, 8.0)} == {Reason.NO_AUDIO}


def test_a_word_is_too_short_and_noise_lowers_the_quality(talk: tuple[VoiceState, AcousticState]) -> None:
    word = by_name(view_acoustics(run(TALK[: round(1.4 * SAMPLE_RATE_HZ)])[1], 1.4))
    assert (word["voice.hnr"].value, word["voice.hnr"].reason) == (None, Reason.TOO_SHORT)
    noisy = by_name(view_acoustics(run(TALK + make_noise(len(TALK), 8e-3, seed=3))[1], 12.0))
    clear = by_name(view_acoustics(talk[1], 12.0))
    assert noisy["voice.f0_mean"].reason is Reason.NOISE
    assert noisy["voice.f0_mean"].quality < 0.6 * clear["voice.f0_mean"].quality
    assert (noisy["voice.hnr"].value or 99.0) < (clear["voice.hnr"].value or 0.0) - 5


def test_the_state_is_bounded_and_survives_a_crash_of_the_worker(talk: tuple[VoiceState, AcousticState]) -> None:
    voice, state = run(make_talk(20.0, noise_rms=3e-4))
    stored = pickle.dumps((voice, state))
    assert len(stored) < 800_000
    assert len(state.track.t_s) <= WINDOW_S * 100 + 1
    voice_there, there = pickle.loads(stored)
    more = make_talk(2.0, noise_rms=3e-4)
    _, here = run(more, start_s=20.0, voice=voice, state=state)
    _, there = run(more, start_s=20.0, voice=voice_there, state=there)
    assert view_acoustics(here, 22.0) == view_acoustics(there, 22.0)
