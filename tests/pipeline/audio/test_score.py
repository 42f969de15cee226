from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio.score import VOICE_WEIGHTS, Range, VoiceRanges, normalise_voice, score_voice, weigh_voice
from pipeline.types import VoiceFeatures

RANGES = VoiceRanges(
    energy_db=Range(minimum=-60.0, maximum=-20.0),
    centroid_hz=Range(minimum=1000.0, maximum=3000.0),
    f0_semitones=Range(minimum=80.0, maximum=100.0),
    energy_variability=Range(minimum=0.0, maximum=0.1),
    f0_variability=Range(minimum=0.0, maximum=8.0),
)
MIDDLE = VoiceFeatures(
    rms=0.01,
    centroid_hz=2000.0,
    f0_hz=2 ** (90 / 12),
    rms_variability=0.05,
    f0_variability=4.0,
    snr_db=30.0,
    speech_share=0.7,
    is_silent=False,
)
SILENT = VoiceFeatures(
    rms=1e-4,
    centroid_hz=None,
    f0_hz=None,
    rms_variability=0.0,
    f0_variability=None,
    snr_db=None,
    speech_share=0.0,
    is_silent=True,
)


def test_the_weights_are_the_reference_formulas() -> None:
    assert list(VOICE_WEIGHTS.values()) == [0.30, 0.20, 0.25, 0.15, 0.10]
    assert sum(VOICE_WEIGHTS.values()) == pytest.approx(1.0)


def test_each_feature_counts_with_its_weight() -> None:
    assert normalise_voice(MIDDLE, RANGES) == pytest.approx(dict.fromkeys(VOICE_WEIGHTS, 0.5))
    assert score_voice(MIDDLE, RANGES) == pytest.approx(0.5)
    assert score_voice(replace(MIDDLE, rms=0.1), RANGES) == pytest.approx(0.65)
    assert score_voice(replace(MIDDLE, centroid_hz=9000.0), RANGES) == pytest.approx(0.6)
    assert score_voice(replace(MIDDLE, f0_hz=1000.0), RANGES) == pytest.approx(0.625)
    assert score_voice(replace(MIDDLE, rms_variability=0.0), RANGES) == pytest.approx(0.425)
    assert score_voice(replace(MIDDLE, f0_variability=0.0), RANGES) == pytest.approx(0.45)


def test_silence_scores_nothing() -> None:
    assert score_voice(SILENT, RANGES) == 0.0


@given(value=st.floats(-1e9, 1e9), minimum=st.floats(-1e3, 1e3), width=st.floats(1e-3, 1e3))
def test_normalisation_stays_in_the_unit_interval(value: float, minimum: float, width: float) -> None:
    assert 0.0 <= Range(minimum=minimum, maximum=minimum + width).normalise(value) <= 1.0


@given(
    rms=st.floats(0, 1),
    centroid_hz=st.floats(0, 8000),
    f0_hz=st.floats(75, 500),
    rms_variability=st.floats(0, 1),
    f0_variability=st.floats(0, 24),
)
def test_the_parts_add_up_to_a_score_in_the_unit_interval(
    rms: float, centroid_hz: float, f0_hz: float, rms_variability: float, f0_variability: float
) -> None:
    features = replace(
        MIDDLE,
        rms=rms,
        centroid_hz=centroid_hz,
        f0_hz=f0_hz,
        rms_variability=rms_variability,
        f0_variability=f0_variability,
    )
    score = score_voice(features, RANGES)
    assert 0.0 <= score <= 1.0 + 1e-12
    assert score == pytest.approx(sum(weigh_voice(normalise_voice(features, RANGES)).values()))
