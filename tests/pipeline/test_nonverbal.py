import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import nonverbal
from pipeline.catalogue import CATALOGUE
from pipeline.nonverbal import ATTENTIVENESS, COMPOSURE, DEFINITIONS, ENGAGEMENT, FACE, THINKING, VOICE, view_nonverbal
from pipeline.thinking import ThinkingState, Trigger
from pipeline.types import Reason, Signal
from tests.fakes.signals import signal

RELATIVE = {"attentiveness": ATTENTIVENESS, "engagement": ENGAGEMENT, "composure": COMPOSURE}
NAMES = sorted({item.name for part in (*RELATIVE.values(), VOICE, FACE, THINKING) for item in part})


def view(z: dict[str, float | None] | None = None, *, thinking: ThinkingState | None = None, **changes) -> dict:
    """The indices when every ingredient lies at its baseline except those named."""
    z = dict.fromkeys(NAMES, 0.0) | (z or {})
    signals = tuple(signal(name, z=value, **changes) for name, value in z.items())
    found = view_nonverbal(signals, thinking or ThinkingState())
    assert [item.name for item in found] == [item.name for item in DEFINITIONS]
    return {item.name.removeprefix("nonverbal."): item for item in found}


@pytest.mark.parametrize("part", [*RELATIVE.values(), VOICE, FACE, THINKING])
def test_weights_add_up_to_one(part):
    assert sum(item.weight for item in part) == pytest.approx(1.0)


@pytest.mark.parametrize("part", [*RELATIVE.values(), VOICE, FACE, THINKING])
def test_each_ingredient_is_measured_and_has_a_baseline_if_it_needs_one(part):
    assert all(CATALOGUE[item.name].has_baseline == item.is_compared for item in part)


def test_at_the_baseline_the_relative_indices_are_half_and_the_others_nothing():
    found = view()
    assert [item.value for item in found.values()] == [0.5, 0.5, 0.5, 0.0, 0.0]
    assert [item.quality for item in found.values()] == pytest.approx([1.0] * 5)
    assert {item.reason for item in found.values()} == {Reason.OK}


@pytest.mark.parametrize("index", RELATIVE)
def test_each_ingredient_moves_its_index_in_its_direction_by_its_weight(index):
    for item in RELATIVE[index]:
        value = view({item.name: 2.0})[index].value
        assert value == pytest.approx(1 / (1 + math.exp(-2.0 * item.weight * item.direction)))


def test_an_ingredient_counts_no_more_than_at_three_spreads():
    assert view({"gaze.contact_share": 3.0})["attentiveness"] == view({"gaze.contact_share": 9.0})["attentiveness"]


@given(st.lists(st.floats(-10, 10), min_size=len(NAMES), max_size=len(NAMES)), st.floats(0, 1))
def test_indices_stay_in_their_range_and_are_unknown_below_half_coverage(z, quality):
    found = view(dict(zip(NAMES, z, strict=True)), quality=quality)
    for item in found.values():
        assert (item.value is None) == (quality < 0.5 - 1e-9) or quality == pytest.approx(0.5)
        assert item.value is None or 0 <= item.value <= 1
        assert item.value is not None or (item.quality == 0 and item.reason is not Reason.OK)


def test_a_signal_without_a_baseline_means_calibrating():
    found = view(dict.fromkeys(NAMES))
    # Where somebody looks needs none: the zones are around their own centre.
    assert found.pop("deep_thinking").value == 0.0
    assert {item.value for item in found.values()} == {None}
    assert {item.reason for item in found.values()} == {Reason.CALIBRATING}


def test_the_reason_is_that_of_the_heaviest_ingredient_that_lacks():
    signals = tuple(signal(name, None if name == "gaze.contact_share" else 1.0) for name in NAMES)
    attentiveness = view_nonverbal(signals, ThinkingState())[0]
    assert attentiveness.value == 0.5
    assert attentiveness.quality == pytest.approx(0.6)
    assert attentiveness.reason is Reason.NO_FACE


def test_without_any_signal_nothing_is_said():
    assert all(item.value is None and item.quality == 0 for item in view_nonverbal((), ThinkingState()))


def test_a_silent_voice_leaves_composure_unknown():
    silent = tuple(
        replace(signal(name, None), reason=Reason.SILENCE) if name.startswith("voice.") else signal(name)
        for name in NAMES
    )
    composure = view_nonverbal(silent, ThinkingState())[2]
    assert (composure.value, composure.reason) == (None, Reason.SILENCE)


@pytest.mark.parametrize("sign", [-1, 1])
def test_incongruence_is_a_voice_that_moved_under_a_face_that_did_not(sign: int):
    voice = {item.name: 3.0 * sign for item in VOICE}
    face = {item.name: 3.0 * sign for item in FACE}
    assert view(voice)["incongruence"].value == pytest.approx(1.0)
    assert view(face)["incongruence"].value == 0.0
    assert view(voice | face)["incongruence"].value == pytest.approx(0.0)
    assert view({name: z / 3 for name, z in voice.items()})["incongruence"].value == 0.0


def test_incongruence_needs_both_voice_and_face():
    blind = tuple(signal(name, None if name in {item.name for item in FACE} else 1.0) for name in NAMES)
    assert view_nonverbal(blind, ThinkingState())[4].value is None


def test_incongruence_says_that_it_is_no_sign_of_lying():
    definition = next(item for item in DEFINITIONS if item.name == "nonverbal.incongruence")
    assert "no sign of lying" in definition.what
    assert "lie" not in definition.name + definition.label


def test_deep_thinking_is_what_was_followed():
    thinking = ThinkingState(triggers=(Trigger(t_s=1.0, strength=0.6, n_away=2),))
    assert view(thinking=thinking)["deep_thinking"].value == pytest.approx(0.4)


def test_the_indices_are_not_compared_with_a_baseline_again():
    assert not any(CATALOGUE[item.name].has_baseline for item in nonverbal.DEFINITIONS)


def test_age_is_that_of_the_oldest_ingredient():
    signals: tuple[Signal, ...] = tuple(
        replace(signal(name), age_s=3.0 if name == "head.motion" else 0.1) for name in NAMES
    )
    assert [item.age_s for item in view_nonverbal(signals, ThinkingState())][:2] == [0.1, 3.0]
