import numpy as np

from pipeline.audio.framing import Doubles
from pipeline.audio.pitch_candidates import N_CANDIDATES, find_candidates, make_pitch_window
from pipeline.audio.pitch_path import (
    LAG_FRAMES,
    N_STATES,
    NO_CANDIDATE,
    VOICING_COST,
    advance_path,
    cost_transitions,
    new_path,
    preview_path,
)
from pipeline.types import SAMPLE_RATE_HZ
from tests.fakes.vowels import make_talk

UNVOICED = N_STATES - 1


def frames_of(*candidates: tuple[float, float]) -> tuple[Doubles, Doubles]:
    """Pitch and reward of one frame; an unvoiced candidate of 0.45 comes with it."""
    f0_hz, reward = np.zeros((1, N_CANDIDATES)), np.full((1, N_STATES), NO_CANDIDATE)
    for i, (hz, strength) in enumerate(candidates):
        f0_hz[0, i], reward[0, i] = hz, strength
    reward[0, UNVOICED] = 0.45
    return f0_hz, reward


def follow(f0_hz: Doubles, reward: Doubles) -> list[int]:
    """The whole path, decided and pending."""
    cost = np.concatenate((np.zeros((1, N_STATES, N_STATES)), cost_transitions(f0_hz)))
    state, decided = advance_path(new_path(), cost, reward)
    return [*decided.tolist(), *preview_path(state).tolist()]


def best_path(f0_hz: Doubles, reward: Doubles) -> list[int]:
    """The same by plain Viterbi over everything, looking back only at the end."""
    cost, total, origins = cost_transitions(f0_hz), reward[0], []
    for i in range(1, len(reward)):
        options = total[:, None] - cost[i - 1]
        origins.append(options.argmax(axis=0))
        total = options.max(axis=0) + reward[i]
    path = [int(total.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return path[::-1]


def repeat(frame: tuple[Doubles, Doubles], n: int) -> tuple[Doubles, Doubles]:
    return np.repeat(frame[0], n, axis=0), np.repeat(frame[1], n, axis=0)


def join(*parts: tuple[Doubles, Doubles]) -> tuple[Doubles, Doubles]:
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def test_a_lone_octave_jump_is_not_followed() -> None:
    steady, jump = frames_of((200.0, 0.9), (100.0, 0.8)), frames_of((200.0, 0.8), (100.0, 0.9))
    assert follow(*join(repeat(steady, 4), jump, repeat(steady, 4))) == [0] * 9


def test_a_lasting_octave_jump_is_followed() -> None:
    low, high = frames_of((100.0, 0.9), (200.0, 0.6)), frames_of((100.0, 0.6), (200.0, 0.9))
    assert follow(*join(repeat(low, 10), repeat(high, 10))) == [0] * 10 + [1] * 10


def test_a_single_weak_frame_does_not_break_the_voice() -> None:
    strong, weak = frames_of((200.0, 0.9)), frames_of((200.0, 0.45 - VOICING_COST))
    assert follow(*join(repeat(strong, 3), weak, repeat(strong, 3))) == [0] * 7


def test_frames_without_candidates_are_unvoiced() -> None:
    assert follow(*repeat(frames_of(), 3)) == [UNVOICED] * 3


def test_the_bounded_lag_hardly_ever_changes_the_path() -> None:
    window = make_pitch_window(SAMPLE_RATE_HZ)
    sound = make_talk(8.0, f0_hz=160.0, noise_rms=1.5e-2)
    frames = np.lib.stride_tricks.sliding_window_view(sound, window.frame_samples)[:: window.hop_samples]
    candidates = find_candidates(window, frames)
    strength = np.where(candidates.f0_hz > 0, candidates.strength, NO_CANDIDATE)
    reward = np.column_stack((strength, np.full(len(strength), 0.45)))
    bounded, whole = (np.array(path(candidates.f0_hz, reward)) for path in (follow, best_path))
    assert len(whole) > 10 * LAG_FRAMES
    assert 0.2 < (whole == UNVOICED).mean() < 0.8
    assert (bounded != whole).mean() < 0.005


def test_nothing_is_decided_before_the_lag() -> None:
    f0_hz, reward = repeat(frames_of((200.0, 0.9)), LAG_FRAMES)
    cost = np.concatenate((np.zeros((1, N_STATES, N_STATES)), cost_transitions(f0_hz)))
    state, decided = advance_path(new_path(), cost, reward)
    assert len(decided) == 0
    assert preview_path(state).tolist() == [0] * LAG_FRAMES
    assert len(preview_path(new_path())) == 0
