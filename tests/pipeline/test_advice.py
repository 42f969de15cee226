import itertools
import re
from dataclasses import replace

import pytest

from pipeline.advice import _FAR, _MENDS, _WATCHED, NEW_S, REPEAT_S, RULES, SHOW_S, AdviceState, Asked, follow_advice
from pipeline.catalogue import CATALOGUE
from pipeline.types import Reading, Reason
from tests.fakes.signals import signal, tick


def run(estimates, asked=None):
    """All recommendations by the time they were given, and what stood at each tick."""
    state, given, shown = AdviceState(), {}, []
    for item in estimates:
        state, standing = follow_advice(state, item, asked)
        shown.append(standing)
        given |= {advice.id: advice for advice in standing}
    return list(given.values()), shown


def steady(n: int, *signals):
    return [tick(float(t), 0.3, *signals) for t in range(n)]


def rising(n: int = 40, from_s: int = 20, step: float = 0.01):
    return [tick(float(t), 0.2 + step * max(0, t - from_s)) for t in range(n)]


def test_a_steady_session_has_no_recommendation():
    assert run(steady(200)) == ([], [()] * 200)


def test_a_rise_since_a_question_names_it_and_what_it_rests_on():
    (advice, *_), _ = run(rising(), Asked(number=3, t_s=19.0))
    assert advice.text == "The stress indicators have been rising for 20 s since question 3: consider a pause."
    assert [item.name for item in advice.evidence] == ["stress", "stress.rise"]
    assert advice.evidence[1].value >= 0.1
    assert 30 <= advice.t_s <= 40


def test_a_question_of_long_ago_is_not_named():
    (advice, *_), _ = run(rising(160, from_s=140), Asked(number=3, t_s=19.0))
    assert "question" not in advice.text


def test_up_and_down_is_no_rise():
    estimates = [
        replace(item, stress=replace(item.stress, value=0.4 + 0.1 * (i % 2))) for i, item in enumerate(steady(80))
    ]
    assert run(estimates)[0] == []


def test_a_rise_of_poor_quality_is_none():
    estimates = [replace(item, stress=replace(item.stress, quality=0.4)) for item in rising()]
    assert run(estimates)[0] == []


def test_a_rise_while_the_voice_is_calibrated_is_none():
    learning = [replace(item, stress=replace(item.stress, reason=Reason.CALIBRATING)) for item in rising()]
    assert run(learning)[0] == []


def test_what_only_the_shares_of_face_and_voice_change_is_no_rise_and_what_one_of_them_shows_is():
    def with_parts(face: float, voice: float):
        """Stress rises by 0.2 in 20 s, the face by the one and the voice by the other part of that."""
        return [
            replace(
                item,
                face=replace(item.face, value=0.2 + face * (item.stress.value - 0.2)),
                voice=replace(item.voice, value=0.6 + voice * (item.stress.value - 0.2)),
            )
            for item in rising()
        ]

    assert run(with_parts(0.0, 0.0))[0] == run(with_parts(0.1, -0.2))[0] == []
    for face, voice in ((1.0, 0.0), (0.0, 1.0), (0.8, 0.8)):
        assert "rising" in run(with_parts(face, voice))[0][0].text


def test_one_new_recommendation_in_twenty_seconds_and_the_same_not_again_for_two_minutes():
    far = [signal(name, 5.0, z=4.0) for name in _FAR]
    given, shown = run(steady(400, *far))
    times = [item.t_s for item in given]
    assert min(after - before for before, after in itertools.pairwise(times)) >= NEW_S
    by_kind: dict[str, list[float]] = {}
    for item in given:
        by_kind.setdefault(item.id.rpartition("-")[0], []).append(item.t_s)
    assert set(by_kind) == set(_FAR)
    for repeats in by_kind.values():
        assert all(b - a >= REPEAT_S for a, b in itertools.pairwise(repeats))
    assert max(len(standing) for standing in shown) <= SHOW_S / NEW_S + 1
    for t, standing in enumerate(shown):
        assert all(t - SHOW_S < item.t_s <= t for item in standing)


@pytest.mark.parametrize("name", _FAR)
def test_a_signal_far_from_the_baseline_gives_its_recommendation_in_one_direction_only(name):
    direction, text = _FAR[name]
    (advice,), _ = run(steady(40, signal(name, 7.0, z=4.0 * direction)))
    assert (advice.text, advice.evidence[0].name, advice.evidence[0].value) == (text, name, 7.0)
    assert advice.evidence[0].z == 4.0 * direction
    assert run(steady(40, signal(name, 7.0, z=-4.0 * direction)))[0] == []
    assert run(steady(40, signal(name, 7.0, z=4.0 * direction, quality=0.3)))[0] == []


def test_an_answer_that_begins_late_is_told_with_the_usual_time():
    def answers(last: float, quality: float = 1.0, usual: float = 0.8):
        last_one = signal("turns.response_latency", last, z=None, quality=quality)
        return steady(30, last_one, signal("turns.response_latency_median", usual, z=None))

    (advice,), _ = run(answers(3.0))
    assert "began later" in advice.text
    assert [item.value for item in advice.evidence] == [3.0, 0.8]
    assert run(answers(2.5))[0] == run(answers(3.0, quality=0.4))[0] == []
    assert run(answers(0.7, usual=-1.9))[0] == [], "who usually cuts in is not late for not doing so"


def test_an_answer_of_long_ago_is_not_told_again():
    """The latency stays known for ten minutes."""
    usual = signal("turns.response_latency_median", 0.8, z=None)
    last = signal("turns.response_latency", 3.0, z=None)
    estimates = [tick(float(t), 0.3, replace(last, age_s=max(0.0, t - 30.0)), usual) for t in range(500)]
    assert [item.t_s for item in run(estimates)[0]] == [14.0]
    late = [tick(float(t), 0.3, replace(last, age_s=25.0), usual) for t in range(200)]
    assert run(late)[0] == []


def test_each_signal_is_measured_and_those_that_are_far_have_a_baseline():
    assert set(CATALOGUE) >= _WATCHED
    assert all(CATALOGUE[name].has_baseline for name in _FAR)


@pytest.mark.parametrize("reason", _MENDS)
def test_a_face_that_is_not_seen_gives_what_mends_it(reason):
    weak = Reading(value=None, quality=0.0, reason=reason, age_s=0.0)
    (advice,), _ = run([replace(item, face=weak) for item in steady(40)])
    assert _MENDS[reason] in advice.text
    assert advice.evidence[0].name == "face.quality"


def test_silence_needs_no_mending():
    silent = Reading(value=0.0, quality=0.2, reason=Reason.SILENCE, age_s=0.0)
    assert run([replace(item, voice=silent) for item in steady(60)])[0] == []


def test_high_and_falling_are_told():
    high, _ = run([tick(float(t), 0.7) for t in range(30)])
    assert "high band" in high[0].text
    falling, _ = run([tick(float(t), 0.55 - 0.01 * t) for t in range(30)])
    assert "falling" in falling[0].text
    assert falling[0].evidence[1].value <= -0.1


def test_no_recommendation_is_about_what_somebody_is_like():
    texts = [text for _, text in _FAR.values()] + list(_MENDS.values())
    texts += [item.text for item in run(rising())[0]]
    about_people = (
        r"nervous|anxious|afraid|honest|lying|\blies?\b|insecure|confident|weak|personality|hide|hiding|trust"
    )
    assert not [text for text in texts if re.search(about_people, text, re.IGNORECASE)]
    assert set(RULES) == {"rising", "high", "falling", "late", "face", "voice", *_FAR}
