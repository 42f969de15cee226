import pytest

from pipeline.agreement import DEFINITIONS, VOICE_LEVELS, AgreementState, follow_agreement, fuse_levels
from pipeline.types import Reason, Shares, Signal
from tests.fakes.signals import signal


def shares(*values: float, quality: float = 0.8) -> Shares:
    if not values:
        return Shares(shares=None, quality=0.0, reason=Reason.NO_FACE, age_s=0.0)
    return Shares(shares=values, quality=quality, reason=Reason.OK, age_s=0.2)


def voice(*values: float, quality: float = 0.8) -> tuple[Signal, ...]:
    return tuple(signal(name, value, quality=quality) for name, value in zip(VOICE_LEVELS, values, strict=True))


def run(*ticks: tuple[Shares, tuple[Signal, ...]], from_s: float = 1.0) -> list[dict[str, Signal]]:
    state, found = AgreementState(), []
    for i, (face, signals) in enumerate(ticks):
        state, said = follow_agreement(state, from_s + i, face, signals)
        assert [item.name for item in said] == [item.name for item in DEFINITIONS]
        found.append({item.name.removeprefix("levels."): item for item in said})
    return found


def test_shares_are_averaged_by_quality():
    fused = fuse_levels(1.0, shares(1.0, 0.0, 0.0, quality=0.9), shares(0.0, 0.0, 1.0, quality=0.3))
    assert fused is not None
    assert fused.shares == pytest.approx((0.75, 0.0, 0.25))
    assert fused.agreement == pytest.approx(0.0)
    assert fused.quality == pytest.approx(0.6)


def test_face_and_voice_that_agree_are_believed_and_those_that_do_not_half():
    (same,) = run((shares(0.2, 0.2, 0.6), voice(0.2, 0.2, 0.6)))
    assert same["agreement"].value == pytest.approx(1.0)
    assert same["confidence"].value == pytest.approx(0.6)
    (opposite,) = run((shares(0.9, 0.1, 0.0), voice(0.0, 0.1, 0.9)))
    assert opposite["agreement"].value == pytest.approx(0.1)
    assert opposite["confidence"].value == pytest.approx(0.45 * 1.1 / 2)


def test_the_mean_is_over_five_ticks():
    calm, tense = (shares(1.0, 0.0, 0.0), voice(1.0, 0.0, 0.0)), (shares(0.0, 0.0, 1.0), voice(0.0, 0.0, 1.0))
    found = run(*[calm] * 8, *[tense] * 5)
    assert [item["high"].value for item in found[7:]] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    for item in found:
        assert sum(item[level].value for level in ("low", "medium", "high")) == pytest.approx(1.0)


def test_one_alone_leaves_agreement_unknown_and_says_why():
    (face_only,) = run((shares(0.1, 0.1, 0.8), ()))
    assert face_only["high"].value == pytest.approx(0.8)
    assert (face_only["high"].quality, face_only["high"].reason) == (pytest.approx(0.4), Reason.NO_AUDIO)
    assert (face_only["agreement"].value, face_only["agreement"].reason) == (None, Reason.NO_AUDIO)
    assert face_only["confidence"].value == pytest.approx(0.8 * 0.75)
    (voice_only,) = run((shares(), voice(0.1, 0.1, 0.8)))
    assert (voice_only["high"].value, voice_only["high"].reason) == (pytest.approx(0.8), Reason.NO_FACE)


def test_nothing_known_says_nothing_and_what_was_long_ago_is_forgotten():
    known = (shares(1.0, 0.0, 0.0), voice(1.0, 0.0, 0.0))
    found = run(known, *[(shares(), ())] * 12, (shares(0.0, 0.0, 1.0), voice(0.0, 0.0, 1.0)))
    assert {item.value for item in found[5].values()} == {None}
    assert found[-1]["high"].value == pytest.approx(1.0)
