import numpy as np
import pytest

from pipeline.audio.voice import (
    KEPT_S,
    WINDOW_S,
    VoiceState,
    hear,
    measure_pending,
    new_voice,
    spread_semitones,
    view_window,
)
from pipeline.types import SAMPLE_RATE_HZ, AudioChunk, FloatArray
from tests.fakes.vowels import make_noise, make_talk


def listen(sound: FloatArray, *, state: VoiceState | None = None, start_s: float = 0.0, size: int = 320) -> VoiceState:
    state = state or new_voice()
    for i in range(0, len(sound), size):
        state = hear(state, AudioChunk(t_s=start_s + i / SAMPLE_RATE_HZ, samples=sound[i : i + size]))
    return measure_pending(state)


def test_talk_has_the_features_it_was_made_with() -> None:
    window = view_window(listen(make_talk(6.0, f0_hz=140.0, rms=0.03, noise_rms=1e-4)), 6.0)
    assert window is not None
    features = window.features
    assert features.f0_hz == pytest.approx(140.0, rel=0.08)
    assert features.rms == pytest.approx(0.03, rel=0.15)
    assert features.snr_db == pytest.approx(20 * np.log10(0.03 / 1e-4), abs=4.0)
    assert features.f0_variability == pytest.approx(2 / np.sqrt(2), rel=0.35)
    assert not features.is_silent
    assert features.n_pauses == 1
    assert features.pause_share == pytest.approx(0.4 / 3, abs=0.08)
    assert window.measured_s == pytest.approx(WINDOW_S, abs=0.03)


def test_a_quiet_room_is_silent() -> None:
    window = view_window(listen(make_noise(4 * SAMPLE_RATE_HZ, 1e-4)), 4.0)
    assert window is not None
    assert window.features.is_silent
    assert window.features.f0_hz is None
    assert window.features.speech_share == 0.0
    assert not window.is_noisy


def test_noise_that_sets_in_is_noisy_and_not_speech() -> None:
    state = listen(make_noise(2 * SAMPLE_RATE_HZ, 1e-4))
    window = view_window(listen(make_noise(3 * SAMPLE_RATE_HZ, 3e-2), state=state, start_s=2.0), 5.0)
    assert window is not None
    assert window.features.is_silent
    assert window.is_noisy


@pytest.mark.parametrize("size", [100, 960, 16_000])
def test_the_window_does_not_depend_on_the_chunks(size: int) -> None:
    sound = make_talk(5.0)
    assert view_window(listen(sound, size=size), 5.0).features == view_window(listen(sound), 5.0).features  # type: ignore[union-attr]


def test_memory_is_bounded() -> None:
    state = listen(make_talk(12.0))
    assert len(state.track.t_s) <= KEPT_S * 100 + 1
    assert len(state.framing.tail) < 2 * SAMPLE_RATE_HZ


def test_no_sound_gives_no_window() -> None:
    assert view_window(new_voice(), 1.0) is None
    assert view_window(listen(make_talk(2.0)), 60.0) is None


def test_lost_sound_is_not_measured() -> None:
    state = listen(make_talk(3.0))
    n_before = len(state.track.t_s)
    state = hear(state, AudioChunk(t_s=3.0, samples=np.zeros(SAMPLE_RATE_HZ, np.float32), is_gap=True))
    assert len(measure_pending(state).track.t_s) == n_before
    window = view_window(measure_pending(state), 4.0)
    assert window is not None
    assert window.measured_s == pytest.approx(2.0, abs=0.05)


def test_a_hole_in_time_shares_no_frame() -> None:
    state = listen(make_talk(1.0))
    state = listen(make_talk(1.0), state=state, start_s=3.0)
    assert not ((state.track.t_s > 1.0) & (state.track.t_s < 3.04)).any()


def test_repeated_sound_is_dropped() -> None:
    state = listen(make_talk(2.0))
    assert hear(state, AudioChunk(t_s=1.0, samples=make_talk(0.5))) is state


def test_spread_of_pitch_ignores_a_few_octave_errors() -> None:
    melody = 120.0 * 2 ** (np.sin(np.linspace(0, 20, 200)) / 12)
    with_errors = melody.copy()
    with_errors[::20] /= 2
    assert spread_semitones(with_errors) == pytest.approx(spread_semitones(melody), abs=0.3)
