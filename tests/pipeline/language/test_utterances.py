import numpy as np
import pytest

from pipeline.language.utterances import (
    MARGIN_S,
    MAX_UTTERANCE_S,
    finish_utterance,
    follow_activity,
    follow_sound,
    new_utterances,
)
from pipeline.types import ACTIVITY_S, SAMPLE_RATE_HZ, AudioChunk, VoiceActivity

STEP = round(ACTIVITY_S * SAMPLE_RATE_HZ)


def run(spans, length_s, *, chunk_steps=1, gap=None, state=None, start_s=5.0):
    """Feed sound whose samples are their own index, with speech in the given spans of seconds."""
    state = new_utterances() if state is None else state
    done = []
    n = round(length_s / ACTIVITY_S)
    middle_s = (np.arange(n) + 0.5) * ACTIVITY_S
    speech = np.array([any(a <= t < b for a, b in spans) for t in middle_s])
    for i in range(0, n, chunk_steps):
        part = speech[i : i + chunk_steps]
        t_s = start_s + i * ACTIVITY_S
        samples = np.arange(i * STEP, (i + len(part)) * STEP, dtype=np.float32)
        is_gap = gap is not None and gap[0] <= i * ACTIVITY_S < gap[1]
        state, utterances = follow_sound(state, AudioChunk(t_s=t_s, samples=samples, is_gap=is_gap))
        done += utterances
        if not is_gap:
            state, utterances = follow_activity(state, VoiceActivity(t_s=t_s, is_speech=part))
            done += utterances
    return state, done


def test_a_pause_ends_an_utterance_with_margins_on_both_sides():
    _, (utterance,) = run([(2.0, 3.5)], 6.0)
    assert utterance.t_s == pytest.approx(5.0 + 2.0 - MARGIN_S, abs=0.04)
    assert utterance.end_s == pytest.approx(5.0 + 3.5 + MARGIN_S, abs=0.04)
    # The samples are those of the time that it claims.
    assert utterance.samples[0] == pytest.approx((utterance.t_s - 5.0) * SAMPLE_RATE_HZ, abs=1)


def test_short_pauses_stay_inside_and_clicks_begin_nothing():
    _, done = run([(1.0, 2.0), (2.4, 3.0)], 5.0)
    assert len(done) == 1
    _, done = run([(1.0, 1.0 + 2 * ACTIVITY_S)], 3.0)
    assert done == []


def test_chunks_of_any_length_give_the_same():
    spans = [(0.5, 2.0), (3.0, 4.1), (6.0, 7.7)]
    _, one = run(spans, 10.0, chunk_steps=1)
    _, many = run(spans, 10.0, chunk_steps=13)
    assert np.allclose([(a.t_s, a.end_s) for a in one], [(b.t_s, b.end_s) for b in many])
    assert len(one) == 3


def test_a_long_utterance_is_cut_at_its_last_short_pause_and_no_sound_is_lost():
    state, done = run([(0.5, 8.0), (8.3, 14.0)], 14.0)
    assert len(done) == 1
    assert 8.0 <= done[0].end_s - 5.0 <= 8.3
    _, (rest,) = finish_utterance(state)
    assert rest.t_s == pytest.approx(done[0].end_s, abs=1e-3)
    assert rest.samples[0] == done[0].samples[-1] + 1


def test_without_any_pause_an_utterance_is_cut_at_the_limit_and_the_state_stays_small():
    state, done = run([(0.0, 60.0)], 60.0)
    assert len(done) >= 5
    assert all(len(item.samples) <= (MAX_UTTERANCE_S + 0.1) * SAMPLE_RATE_HZ for item in done)
    assert len(state.samples) <= (MAX_UTTERANCE_S + 1) * SAMPLE_RATE_HZ


def test_silence_keeps_almost_nothing():
    state, done = run([], 120.0)
    assert done == []
    assert len(state.samples) < SAMPLE_RATE_HZ


def test_a_hole_in_the_sound_ends_the_utterance():
    state, done = run([(1.0, 6.0)], 4.0, gap=(2.0, 3.0))
    assert len(done) == 1
    assert done[0].end_s <= 5.0 + 2.0 + 1e-6
    _, (rest,) = finish_utterance(state)
    assert rest.t_s >= 5.0 + 3.0 - 1e-6


def test_what_is_open_at_the_end_can_be_had():
    state, done = run([(1.0, 2.0)], 2.1)
    assert done == []
    state, (utterance,) = finish_utterance(state)
    assert utterance.t_s == pytest.approx(5.0 + 1.0 - MARGIN_S, abs=0.04)
    assert finish_utterance(state)[1] == ()
