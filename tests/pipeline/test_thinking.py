from collections.abc import Iterable

import pytest

from pipeline.thinking import MAX_TRIGGERS, THINK_S, ThinkingState, follow_thinking, think
from pipeline.types import OtherVoice, QuestionAsked
from tests.fakes.signals import signal


def run(
    items: Iterable[OtherVoice | QuestionAsked] = (),
    *,
    away: Iterable[int] = (),
    surprise: dict[int, float] | None = None,
    n: int = 20,
) -> list[float]:
    """The strength at each of n ticks; the gaze is in the centre but at the ticks that are named."""
    state, found, waiting = ThinkingState(), [], list(items)
    for t in range(n):
        while waiting and waiting[0].t_s <= t:
            state = follow_thinking(state, waiting.pop(0))
        signals = (
            signal("gaze.zone", 2.0 if t in away else 4.0, z=None),
            signal("nonverbal.surprise_share", z=(surprise or {}).get(t, 0.0)),
        )
        state = think(state, float(t), signals)
        found.append(state.strength)
    return found


def asked(t_s: float) -> QuestionAsked:
    return QuestionAsked(t_s=t_s)


def test_looking_away_after_a_question_counts_by_its_seconds_until_it_is_long_ago():
    strength = run([asked(3.5)], away=[5, 6, 8, 9])
    assert strength[:5] == [0.0] * 5
    assert strength[5:9] == pytest.approx([1 / 3, 2 / 3, 2 / 3, 1.0])
    assert strength[9:12] == [1.0] * 3
    assert strength[12:] == [0.0] * 8


def test_looking_away_without_a_trigger_counts_nothing():
    assert set(run(away=range(20))) == {0.0}


def test_who_looked_away_before_the_question_answers_it_only_after_looking_back():
    assert set(run([asked(5.5)], away=range(20))) == {0.0}
    assert run([asked(5.5)], away=[4, 5, 6, 8])[8] == pytest.approx(1 / 3)


def test_an_unknown_gaze_is_not_away():
    state = follow_thinking(ThinkingState(), asked(0.5))
    assert think(state, 1.0, (signal("gaze.zone", None),)).strength == 0.0
    assert think(state, 1.0, ()).strength == 0.0


def test_looking_away_too_late_counts_nothing():
    assert set(run([asked(1.5)], away=[int(1.5 + THINK_S) + 1])) == {0.0}


def test_the_end_of_what_another_says_is_a_trigger_and_a_word_is_not():
    def said(from_s: float, to_s: float):
        return [
            OtherVoice(t_s=from_s, is_speaking=True),
            OtherVoice(t_s=(from_s + to_s) / 2, is_speaking=True),
            OtherVoice(t_s=to_s, is_speaking=False),
            OtherVoice(t_s=to_s + 0.1, is_speaking=False),
        ]

    assert max(run(said(1.0, 4.0), away=[6])) == pytest.approx(1 / 3)
    assert max(run(said(3.5, 4.0), away=[6])) == 0.0


def test_surprise_is_a_trigger_of_its_strength_once():
    strength = run(surprise={4: 2.4, 5: 2.4}, away=[6, 7, 8])
    assert max(strength) == pytest.approx(0.8)
    # A second trigger at 5 s would hold a second longer.
    assert strength[12] == 0.0


def test_a_little_surprise_is_none():
    assert max(run(surprise={4: 1.9}, away=[6])) == 0.0


def test_memory_is_bounded():
    state = ThinkingState()
    for i in range(100):
        state = follow_thinking(state, asked(i / 100))
    assert len(state.triggers) == MAX_TRIGGERS
