import numpy as np
import parselmouth
import pytest

from pipeline.audio.formants import REACH_S, measure_formants, predict_by_burg
from pipeline.audio.framing import Doubles
from scripts.evaluate_pitch_vowels import FORMANTS_HZ, RATE_HZ, make_vowel

AT_S = np.arange(0.1, 0.4, 0.01)


def vowel(name: str, f0_hz: float = 110.0) -> Doubles:
    rng = np.random.default_rng(3)
    sound = make_vowel(np.full(RATE_HZ // 2, f0_hz), FORMANTS_HZ[name], jitter=0.01, rng=rng)
    return sound + rng.normal(0.0, 1e-4, len(sound))


@pytest.mark.parametrize("name", list(FORMANTS_HZ))
@pytest.mark.parametrize("f0_hz", [110.0, 190.0])
def test_formants_of_vowels_are_praats(name: str, f0_hz: float) -> None:
    sound = vowel(name, f0_hz)
    praat = parselmouth.Sound(sound, RATE_HZ).to_formant_burg(time_step=0.01)
    theirs = np.array([[praat.get_value_at_time(i, t_s) for i in (1, 2, 3)] for t_s in AT_S])
    ours = np.nanmedian(measure_formants(sound, RATE_HZ, AT_S), axis=0)
    assert ours == pytest.approx(np.nanmedian(theirs, axis=0), rel=0.02)


@pytest.mark.parametrize("name", list(FORMANTS_HZ))
def test_formants_of_a_low_voice_are_those_it_was_made_with(name: str) -> None:
    truth = np.array([centre for centre, _ in FORMANTS_HZ[name][:3]])
    # F3 of a close vowel is weak: its strongest harmonic lies up to half a pitch away.
    assert np.nanmedian(measure_formants(vowel(name), RATE_HZ, AT_S), axis=0) == pytest.approx(truth, rel=0.2, abs=60)


def test_burg_finds_the_poles_of_a_resonance() -> None:
    radius, angle = 0.97, 0.6
    true = [1.0, -2 * radius * np.cos(angle), radius**2]
    noise = np.random.default_rng(0).normal(size=4000)
    sound = np.zeros(4000)
    for i in range(2, 4000):
        sound[i] = noise[i] - true[1] * sound[i - 1] - true[2] * sound[i - 2]
    assert predict_by_burg(sound[None, :], 2)[0] == pytest.approx(true, abs=0.02)


def test_the_level_and_the_sampling_rate_change_little() -> None:
    sound = vowel("a")
    ours = measure_formants(sound, RATE_HZ, AT_S)
    assert measure_formants(sound / 10, RATE_HZ, AT_S) == pytest.approx(ours)
    doubled = np.interp(np.arange(2 * len(sound)) / 2, np.arange(len(sound)), sound)
    assert np.nanmedian(measure_formants(doubled, 2 * RATE_HZ, AT_S), 0) == pytest.approx(
        np.nanmedian(ours, 0), rel=0.02
    )


def test_silence_and_the_ends_of_the_sound_have_no_formants() -> None:
    assert np.isnan(measure_formants(np.zeros(RATE_HZ), RATE_HZ)).all()
    sound = vowel("a")
    near, far = measure_formants(sound, RATE_HZ, np.array([REACH_S / 2, 0.2]))
    assert np.isnan(near).all()
    assert np.isfinite(far).all()
    assert np.isnan(measure_formants(np.zeros(10), RATE_HZ, np.array([0.0]))).all()
    assert measure_formants(np.zeros(10), RATE_HZ).shape == (0, 3)


def test_bad_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="sound must be finite"):
        measure_formants(np.array([0.0, np.inf]), RATE_HZ)
    with pytest.raises(ValueError, match="samples must have one axis, not 2"):
        measure_formants(np.zeros((2, 8)), RATE_HZ)
    with pytest.raises(ValueError, match="sampling rate must be at least 8000 Hz, not 400"):
        measure_formants(np.zeros(8), 400)
