import pytest

from pipeline.audio.acoustic_signals import DEFINITIONS
from pipeline.audio.browser_audio import GAIN_SHARES, SUPPRESSION_SHARES, allow_for
from pipeline.baseline import MIN_QUALITY
from pipeline.types import BrowserAudio, Reason, Signal

SIGNALS = tuple(
    Signal(name=item.name, value=1.0, quality=0.9, reason=Reason.OK, age_s=0.0, z=None) for item in DEFINITIONS
)


def heard(*, gain: bool, suppression: bool) -> dict[str, Signal]:
    audio = BrowserAudio(has_automatic_gain=gain, has_noise_suppression=suppression)
    return {signal.name: signal for signal in allow_for(audio, SIGNALS)}


def test_sound_as_it_is_and_sound_of_which_nothing_is_known_keep_their_quality():
    assert allow_for(None, SIGNALS) == SIGNALS
    assert tuple(heard(gain=False, suppression=False).values()) == SIGNALS


def test_automatic_gain_leaves_little_of_levels_and_all_of_the_pitch():
    signals = heard(gain=True, suppression=False)
    for name in ("voice.rms", "voice.loudness"):
        assert signals[name].reason is Reason.AUTOMATIC_GAIN
        assert signals[name].value == 1.0
        assert 0 < signals[name].quality < MIN_QUALITY, "it teaches the baseline nothing"
    assert signals["voice.f0_mean"] == SIGNALS[[item.name for item in DEFINITIONS].index("voice.f0_mean")]


def test_noise_suppression_leaves_little_of_the_spectrums_upper_end():
    signals = heard(gain=False, suppression=True)
    assert signals["voice.rolloff"].quality == pytest.approx(0.9 * 0.2)
    assert signals["voice.rolloff"].reason is Reason.NOISE_SUPPRESSION
    assert signals["voice.rms"].quality < 0.9


def test_with_both_the_shares_multiply_and_the_worse_is_named():
    loudness = heard(gain=True, suppression=True)["voice.loudness"]
    assert loudness.quality == pytest.approx(0.9 * GAIN_SHARES["voice.loudness"] * SUPPRESSION_SHARES["voice.loudness"])
    assert loudness.reason is Reason.AUTOMATIC_GAIN


def test_what_is_missing_keeps_its_own_reason():
    silent = Signal(name="voice.rms", value=None, quality=0.0, reason=Reason.SILENCE, age_s=0.0)
    assert allow_for(BrowserAudio(has_automatic_gain=True, has_noise_suppression=True), (silent,)) == (silent,)


def test_the_definitions_say_of_which_signals_it_lowers_the_quality():
    by_name = {item.name: item.what for item in DEFINITIONS}
    assert set(GAIN_SHARES) == {name for name, what in by_name.items() if "automatic gain" in what}
    assert set(SUPPRESSION_SHARES) == {name for name, what in by_name.items() if "noise suppression" in what}
