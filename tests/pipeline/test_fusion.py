import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fusion import FACE_WEIGHTS, MAX_HOLE_S, explain_stress, fuse, smooth, weigh_face
from pipeline.types import EMOTIONS, Reading, Reason

unit = st.floats(0, 1)
worth = st.floats(0.01, 1)


def known(value: float, quality: float = 1.0, reason: Reason = Reason.OK) -> Reading:
    return Reading(value=value, quality=quality, reason=reason, age_s=0.0)


def missing(reason: Reason = Reason.NO_VIDEO) -> Reading:
    return Reading(value=None, quality=0.0, reason=reason, age_s=0.0)


def split(value: float) -> dict[str, float]:
    return {"one": value * 0.25, "two": value * 0.75}


def test_the_face_weights_are_the_reference_formulas() -> None:
    assert {name: FACE_WEIGHTS[name] for name in EMOTIONS} == {
        "angry": 0.90, "disgust": 0.70, "fear": 0.95, "happy": 0.10, "neutral": 0.30, "sad": 0.60, "surprise": 0.50,
    }  # fmt: skip
    shares = (0.1, 0.0, 0.2, 0.3, 0.4, 0.0, 0.0)
    assert sum(weigh_face(shares).values()) == pytest.approx(0.09 + 0.19 + 0.03 + 0.12)


def test_equal_qualities_weigh_voice_55_to_45() -> None:
    fused = fuse(known(0.2), split(0.2), known(0.8), split(0.8))
    assert fused.value == pytest.approx(0.55 * 0.8 + 0.45 * 0.2)
    assert fused.quality == pytest.approx(1.0)


def test_the_better_measured_modality_counts_more() -> None:
    fused = fuse(known(0.2, 1.0), split(0.2), known(0.8, 0.5), split(0.8))
    assert fused.value == pytest.approx((0.275 * 0.8 + 0.45 * 0.2) / (0.275 + 0.45))
    assert fused.quality == pytest.approx(0.725)


def test_one_modality_alone_is_the_value_with_the_quality_of_half_the_evidence() -> None:
    only_face = fuse(known(0.37), split(0.37), missing(), {})
    assert only_face.value == pytest.approx(0.37)
    assert only_face.quality == pytest.approx(0.45)
    assert {part.signal for part in only_face.contributions} == {"face.one", "face.two"}
    only_voice = fuse(missing(), {}, known(0.61, 0.5), split(0.61))
    assert only_voice.value == pytest.approx(0.61)
    assert only_voice.quality == pytest.approx(0.275)


def test_both_missing_is_unknown_and_not_zero() -> None:
    fused = fuse(missing(), {}, missing(), {})
    assert fused.value is None
    assert fused.quality == 0.0
    assert fused.contributions == ()


def test_a_value_without_worth_does_not_count() -> None:
    assert fuse(known(0.9, 0.0), split(0.9), known(0.3), split(0.3)).value == pytest.approx(0.3)
    assert fuse(known(0.9, 0.0), split(0.9), missing(), {}).value is None


@given(face=unit, voice=unit, face_quality=worth, voice_quality=worth)
def test_the_value_lies_between_both_and_is_the_sum_of_its_contributions(
    face: float, voice: float, face_quality: float, voice_quality: float
) -> None:
    fused = fuse(known(face, face_quality), split(face), known(voice, voice_quality), split(voice))
    assert fused.value is not None
    assert min(face, voice) - 1e-12 <= fused.value <= max(face, voice) + 1e-12
    assert sum(part.amount for part in fused.contributions) == pytest.approx(fused.value, abs=1e-12)
    assert all(part.amount >= 0 for part in fused.contributions)


def test_smoothing_by_hand() -> None:
    state = smooth(None, 1.0, 0.5)
    assert state.value == 0.5
    state = smooth(state, 2.0, 1.0)
    assert state.value == pytest.approx(0.65)
    assert smooth(state, 3.0, 0.0).value == pytest.approx(0.455)


def test_smoothing_bridges_a_short_hole_and_starts_anew_after_a_long_one() -> None:
    state = smooth(None, 10.0, 0.5)
    assert smooth(state, 10.0 + MAX_HOLE_S, 1.0).value == pytest.approx(0.65)
    assert smooth(state, 10.0 + MAX_HOLE_S + 1, 1.0).value == 1.0


def test_the_reason_is_what_weakens_the_value() -> None:
    weak = known(0.5, 0.3, Reason.CALIBRATING)
    assert explain_stress(known(0.5), known(0.5)) is Reason.OK
    assert explain_stress(missing(Reason.NO_FACE), known(0.5)) is Reason.NO_FACE
    assert explain_stress(known(0.5), missing(Reason.SILENCE)) is Reason.SILENCE
    assert explain_stress(missing(Reason.NO_FACE), weak) is Reason.CALIBRATING
    assert explain_stress(known(0.5, 0.2, Reason.DARK), known(0.5)) is Reason.DARK
    assert explain_stress(missing(Reason.NO_VIDEO), known(0.5, 0.3, Reason.NOISE)) is Reason.NO_VIDEO
