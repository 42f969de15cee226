import numpy as np
import pytest

from pipeline.audio.acoustics import to_semitones
from pipeline.audio.filled_pauses import find_filled_pauses
from pipeline.audio.formants import measure_formants
from pipeline.audio.framing import Doubles
from pipeline.audio.pitch import estimate_pitch
from pipeline.audio.spectral_features import measure_spectral
from pipeline.types import SAMPLE_RATE_HZ
from tests.fakes.vowels import make_noise, make_talk, make_vowel


def find(sound: Doubles) -> list[tuple[int, int]]:
    """Candidates of a recording, in frames of its pitch track."""
    track = estimate_pitch(sound, SAMPLE_RATE_HZ)
    f0_st = to_semitones(np.where(track.f0_hz > 0, track.f0_hz, np.nan))
    formants_hz = measure_formants(sound, SAMPLE_RATE_HZ, track.t_s)
    # The pitch's frame begins 15 ms before the short frame in its middle.
    flux = measure_spectral(sound[240:], SAMPLE_RATE_HZ).flux[: len(f0_st)]
    return find_filled_pauses(f0_st, formants_hz, flux)


def held(duration_s: float, f0_hz: float = 120.0, glide_st: float = 0.0) -> Doubles:
    n = round(duration_s * SAMPLE_RATE_HZ)
    sound = make_vowel(f0_hz * 2 ** (glide_st / 12 * np.arange(n) / n)).astype(np.float64)
    room = make_noise(n + SAMPLE_RATE_HZ, 1e-3).astype(np.float64)
    room[SAMPLE_RATE_HZ // 2 : SAMPLE_RATE_HZ // 2 + n] += sound
    return room


def test_a_held_vowel_is_a_candidate_where_it_is() -> None:
    ((start, stop),) = find(held(0.5))
    assert start == pytest.approx(48, abs=5)
    assert stop == pytest.approx(95, abs=6)


@pytest.mark.parametrize("f0_hz", [100.0, 220.0])
def test_voices_low_and_high(f0_hz: float) -> None:
    assert len(find(held(0.4, f0_hz))) == 1


def test_a_short_vowel_is_none() -> None:
    assert find(held(0.15)) == []


def test_a_vowel_that_glides_is_none() -> None:
    assert find(held(0.4, glide_st=6.0)) == []


def test_syllables_with_a_melody_are_none() -> None:
    assert len(find(make_talk(6.0, melody_semitones=4.0, noise_rms=1e-3).astype(np.float64))) <= 1


def test_a_hole_in_the_sound_ends_a_candidate() -> None:
    n = 60
    f0_st, flux = np.full(n, 25.0), np.full(n, 0.05)
    formants_hz = np.tile([500.0, 1500.0, 2500.0], (n, 1))
    assert find_filled_pauses(f0_st, formants_hz, flux) == [(0, n)]
    follows = np.arange(n) != 30
    assert find_filled_pauses(f0_st, formants_hz, flux, follows) == [(0, 30), (30, 60)]
    assert find_filled_pauses(f0_st, formants_hz * np.where(np.arange(n) % 2, 1.0, 1.4)[:, None], flux) == []
    assert find_filled_pauses(f0_st, formants_hz, flux + 0.5) == []


def test_too_few_frames_hold_none() -> None:
    assert find_filled_pauses(np.zeros(5), np.zeros((5, 3)), np.zeros(5)) == []
