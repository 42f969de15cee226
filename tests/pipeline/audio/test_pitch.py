import pickle
from functools import cache

import numpy as np
import pytest

from pipeline.audio.framing import Doubles
from pipeline.audio.pitch import PitchState, estimate_pitch, follow_pitch, new_pitch, resume_pitch
from pipeline.audio.pitch_candidates import PitchSpan, make_pitch_window
from pipeline.audio.pitch_path import LAG_FRAMES
from scripts.evaluate_pitch_figures import Errors, compare_pitch, praat_pitch
from scripts.evaluate_pitch_vowels import FORMANTS_HZ, RATE_HZ, Vowel, make_vowel, make_vowels
from tests.fakes.vowels import make_noise, make_talk

WINDOW = make_pitch_window(RATE_HZ)


@cache
def vowels_at(snr_db: float) -> tuple[Vowel, ...]:
    """Every pitch from 60 to 500 Hz, steady, jittered and gliding, as an open and a close vowel."""
    return tuple(make_vowels(snr_db, duration_s=0.4, vowels="ai"))


@cache
def errors_at(snr_db: float) -> Errors:
    found = Errors()
    for vowel in vowels_at(snr_db):
        track = estimate_pitch(vowel.samples, RATE_HZ)
        found += compare_pitch(track.f0_hz, truth(vowel, track.t_s))
    return found


def praat_errors_at(snr_db: float) -> Errors:
    found = Errors()
    for vowel in vowels_at(snr_db):
        t_s, f0_hz = praat_pitch(vowel.samples, RATE_HZ)
        found += compare_pitch(f0_hz, truth(vowel, t_s))
    return found


def truth(vowel: Vowel, t_s: Doubles) -> Doubles:
    return vowel.f0_hz[np.round(t_s * RATE_HZ).astype(int)]


def sine(hz: float, duration_s: float = 0.5, rate_hz: float = RATE_HZ) -> Doubles:
    return 0.1 * np.sin(2 * np.pi * hz * np.arange(round(duration_s * rate_hz)) / rate_hz)


def stream(sound: Doubles, n_frames: int) -> tuple[PitchState, Doubles, Doubles]:
    """Hand over some frames at a time; the state, what was decided, and what is pending."""
    state, decided = new_pitch(), [np.zeros(0)]
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW.frame_samples)[:: WINDOW.hop_samples]
    for i in range(0, len(frames), n_frames):
        state, update = follow_pitch(WINDOW, state, frames[i : i + n_frames])
        decided.append(update.decided_hz)
    return state, np.concatenate(decided), update.pending_hz


@pytest.mark.slow
@pytest.mark.parametrize(("snr_db", "at_most", "found"), [(20.0, 0.005, 0.99), (5.0, 0.02, 0.98)])
def test_gross_error_on_vowels_of_60_to_500_hz(snr_db: float, at_most: float, found: float) -> None:
    errors = errors_at(snr_db)
    assert errors.gross_error is not None
    assert errors.gross_error <= at_most
    assert errors.found is not None
    assert errors.found >= found


@pytest.mark.slow
@pytest.mark.parametrize("snr_db", [20.0, 5.0])
def test_gross_error_is_within_half_a_point_of_praats(snr_db: float) -> None:
    ours, praats = errors_at(snr_db).gross_error, praat_errors_at(snr_db).gross_error
    assert ours is not None
    assert praats is not None
    assert abs(ours - praats) <= 0.005


@pytest.mark.slow
@pytest.mark.parametrize("snr_db", [20.0, 5.0])
def test_octave_down(snr_db: float) -> None:
    octave_down = errors_at(snr_db).octave_down
    assert octave_down is not None
    assert octave_down <= 0.002


@pytest.mark.slow
@pytest.mark.parametrize("snr_db", [20.0, 5.0])
def test_octave_up(snr_db: float) -> None:
    octave_up = errors_at(snr_db).octave_up
    assert octave_up is not None
    assert octave_up <= 0.002


def test_octave_up_when_the_first_formant_is_the_second_harmonic() -> None:
    rng = np.random.default_rng(0)
    sound = make_vowel(np.full(RATE_HZ // 2, 140.0), ((280.0, 30.0), (2300.0, 100.0)), jitter=0.0, rng=rng)
    assert estimate_pitch(sound, RATE_HZ).f0_hz == pytest.approx(140.0, rel=0.01)


def test_octave_down_when_every_second_period_is_weaker() -> None:
    sound = sine(200.0) + 0.5 * sine(400.0) + 0.02 * sine(100.0)
    assert estimate_pitch(sound, RATE_HZ).f0_hz == pytest.approx(200.0, rel=0.01)


def test_a_missing_fundamental_is_heard() -> None:
    assert estimate_pitch(sine(400.0) + sine(600.0) + sine(800.0), RATE_HZ).f0_hz == pytest.approx(200.0, rel=0.01)


@pytest.mark.parametrize("f0_hz", [60.0, 90.0, 150.0, 220.0, 333.0, 500.0, 650.0])
def test_a_sine_has_its_frequency_as_pitch(f0_hz: float) -> None:
    assert estimate_pitch(sine(f0_hz), RATE_HZ).f0_hz == pytest.approx(f0_hz, rel=0.005)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_any_usual_sampling_rate(rate_hz: int) -> None:
    track = estimate_pitch(sine(123.0, rate_hz=rate_hz), rate_hz)
    assert track.f0_hz == pytest.approx(123.0, rel=0.005)
    assert track.t_s[0] == pytest.approx(0.0275, abs=0.0005)
    assert np.diff(track.t_s) == pytest.approx(0.01, abs=0.0001)


@pytest.mark.parametrize("n_frames", [1, 7, 10, 64])
def test_a_stream_gives_what_the_whole_recording_gives(n_frames: int) -> None:
    sound = make_talk(4.0, f0_hz=180.0, noise_rms=2e-3).astype(np.float64)
    whole = estimate_pitch(sound, RATE_HZ).f0_hz
    _, decided, pending = stream(sound, n_frames)
    assert np.array_equal(np.concatenate((decided, pending)), whole)
    assert len(pending) == LAG_FRAMES


def test_a_decision_comes_within_0_3_s() -> None:
    look_ahead_s = WINDOW.frame_samples / 2 / RATE_HZ
    assert LAG_FRAMES * 0.01 + look_ahead_s <= 0.3


def test_the_state_is_small_and_survives_a_crash_of_the_worker() -> None:
    sound = make_talk(6.0).astype(np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW.frame_samples)[:: WINDOW.hop_samples]
    state, _ = follow_pitch(WINDOW, new_pitch(), frames[:333])
    stored = pickle.dumps(state)
    assert len(stored) < 12_000
    _, there = follow_pitch(WINDOW, pickle.loads(stored), frames[333:])
    _, here = follow_pitch(WINDOW, state, frames[333:])
    assert np.array_equal(there.decided_hz, here.decided_hz)
    assert np.array_equal(there.pending_hz, here.pending_hz)


def test_silence_has_no_pitch() -> None:
    track = estimate_pitch(np.zeros(RATE_HZ), RATE_HZ)
    assert not track.f0_hz.any()
    assert not track.strength.any()


def test_white_noise_is_hardly_ever_voiced() -> None:
    assert (estimate_pitch(make_noise(5 * RATE_HZ, 0.05), RATE_HZ).f0_hz > 0).mean() < 0.02


def test_a_hum_far_below_the_voice_is_not_voiced() -> None:
    hum = np.concatenate((sine(200.0, 1.0), 0.001 * sine(100.0, 0.5)))
    f0_hz = estimate_pitch(hum, RATE_HZ).f0_hz
    assert (f0_hz[:90] > 0).all()
    assert not f0_hz[105:].any()


def test_after_a_bang_the_speaker_is_heard_again() -> None:
    bang = np.concatenate((sine(300.0, 0.2) * 9, np.zeros(RATE_HZ * 4), 0.2 * sine(150.0, 1.0)))
    assert estimate_pitch(bang, RATE_HZ).f0_hz[-60:] == pytest.approx(150.0, rel=0.01)


def test_after_a_hole_in_the_sound_the_speaker_is_still_known() -> None:
    state, _, pending_hz = stream(vowel_of(210.0, 2.0), 10)
    resumed = resume_pitch(state)
    assert len(pending_hz) == LAG_FRAMES
    assert resumed.span == state.span
    assert len(resumed.pending_f0_hz) == 0
    hum = 0.0005 * sine(100.0)
    frames = np.lib.stride_tricks.sliding_window_view(hum, WINDOW.frame_samples)[:: WINDOW.hop_samples]
    _, as_stranger = follow_pitch(WINDOW, new_pitch(), frames)
    _, as_known = follow_pitch(WINDOW, resumed, frames)
    assert as_stranger.pending_hz.any()
    assert not as_known.pending_hz[:10].any()


def test_clipping_does_not_change_the_pitch() -> None:
    vowel = vowel_of(170.0)
    assert estimate_pitch(np.clip(vowel * 20, -0.3, 0.3), RATE_HZ).f0_hz == pytest.approx(170.0, rel=0.01)


def test_a_microphones_offset_does_not_change_the_pitch() -> None:
    vowel = vowel_of(170.0)
    assert estimate_pitch(vowel + 0.4, RATE_HZ).f0_hz == pytest.approx(estimate_pitch(vowel, RATE_HZ).f0_hz)


def test_the_level_does_not_change_the_pitch() -> None:
    vowel = vowel_of(170.0)
    as_integers = (vowel * 30_000).astype(np.int16).astype(np.float64)
    assert estimate_pitch(as_integers, RATE_HZ).f0_hz == pytest.approx(estimate_pitch(vowel, RATE_HZ).f0_hz, rel=1e-3)


@pytest.mark.parametrize("n", [0, 1, 879])
def test_less_than_a_frame_is_an_empty_track(n: int) -> None:
    track = estimate_pitch(np.zeros(n), RATE_HZ)
    assert (track.t_s.shape, track.f0_hz.shape, track.strength.shape) == ((0,), (0,), (0,))


def test_one_frame_is_enough() -> None:
    assert estimate_pitch(sine(200.0)[:880], RATE_HZ).f0_hz == pytest.approx([200.0], rel=0.01)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    sound = sine(200.0)
    sound[4000] = bad
    with pytest.raises(ValueError, match="sound must be finite"):
        estimate_pitch(sound, RATE_HZ)


def test_wrong_shapes_and_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="samples must have one axis, not 2"):
        estimate_pitch(np.zeros((2, RATE_HZ)), RATE_HZ)
    with pytest.raises(ValueError, match="sampling rate must be at least 8000 Hz, not 4000"):
        estimate_pitch(np.zeros(RATE_HZ), 4000)


def test_once_the_speaker_is_known_a_strong_subharmonic_is_not_followed() -> None:
    seen = estimate_pitch(vowel_of(210.0, 2.0), RATE_HZ).seen
    creaky = sine(210.0) + 0.09 * sine(105.0) + 0.08 * sine(315.0)
    assert estimate_pitch(creaky, RATE_HZ).f0_hz == pytest.approx(105.0, rel=0.02)
    assert estimate_pitch(creaky, RATE_HZ, seen=seen).f0_hz == pytest.approx(210.0, rel=0.02)


def test_a_calm_speaker_who_raises_the_voice_is_followed() -> None:
    seen = estimate_pitch(vowel_of(110.0, 2.0), RATE_HZ).seen
    assert estimate_pitch(vowel_of(270.0), RATE_HZ, seen=seen).f0_hz == pytest.approx(270.0, rel=0.02)


def test_pitch_is_looked_for_within_a_span() -> None:
    assert estimate_pitch(sine(150.0), RATE_HZ).f0_hz == pytest.approx(150.0, rel=0.005)
    narrow = estimate_pitch(sine(150.0), RATE_HZ, span=PitchSpan(floor_hz=70.0, ceiling_hz=80.0))
    assert narrow.f0_hz == pytest.approx(75.0, rel=0.005)


@pytest.mark.parametrize(("floor_hz", "ceiling_hz"), [(40.0, 300.0), (100.0, 800.0), (300.0, 300.0)])
def test_a_span_outside_human_pitch_is_refused(floor_hz: float, ceiling_hz: float) -> None:
    with pytest.raises(ValueError, match=r"pitch must be looked for within 54\.5-700 Hz"):
        estimate_pitch(sine(200.0), RATE_HZ, span=PitchSpan(floor_hz=floor_hz, ceiling_hz=ceiling_hz))


def vowel_of(f0_hz: float, duration_s: float = 0.5) -> Doubles:
    curve = np.full(round(duration_s * RATE_HZ), f0_hz)
    return make_vowel(curve, FORMANTS_HZ["a"], jitter=0.002, rng=np.random.default_rng(1))
