import pickle
from dataclasses import replace

import numpy as np
import pytest

from pipeline.physiology.pulse import DEFINITIONS, follow_pulse, new_pulse, view_pulse
from pipeline.types import Reason
from tests.pipeline.physiology.faces import make_faces, make_points, without_face
from tests.pipeline.physiology.test_hrv import beats

EXPERIMENTS = ("pulse.rmssd", "pulse.sdnn", "pulse.sd1", "pulse.sd2", "pulse.lf_hf")


def follow(frames, state=None):
    state = new_pulse() if state is None else state
    for frame in frames:
        state = follow_pulse(state, frame)
    return state


def view(frames, t_s=None):
    frames = list(frames)
    signals = view_pulse(follow(frames), frames[-1].t_s if t_s is None else t_s)
    assert [signal.name for signal in signals] == [definition.name for definition in DEFINITIONS]
    for signal in signals:
        assert (signal.value is None) == (signal.quality == 0)
    return {signal.name: signal for signal in signals}


def shaken(frames, px):
    """Move the head by so many pixels at 1.4 Hz."""
    return [
        replace(frame, points=make_points(x=320 + px * np.sin(2 * np.pi * 1.4 * frame.t_s), y=240)) for frame in frames
    ]


@pytest.mark.parametrize("rate_bpm", [48, 72, 95, 130, 170])
def test_the_rate_is_found(rate_bpm):
    rate = view(make_faces(30, rate_bpm))["pulse.rate"]
    assert rate.reason is Reason.OK
    assert rate.value == pytest.approx(rate_bpm, abs=1)
    assert rate.quality > 0.8


def test_green_alone_is_enough_when_compression_took_the_colour():
    frames = []
    for frame, other in zip(make_faces(30, 66), make_faces(30, 66, amplitude=0, noise_levels=0.5, seed=9), strict=True):
        skin = frame.skin.copy()
        skin[:, [0, 2]] = other.skin[:, [0, 2]]
        frames.append(replace(frame, skin=skin))
    assert view(frames)["pulse.rate"].value == pytest.approx(66, abs=1)


def test_flickering_light_is_seen_through():
    assert view(make_faces(30, 66, common_noise=0.01))["pulse.rate"].value == pytest.approx(66, abs=1)


def test_one_bad_region_does_not_spoil_the_rest():
    rng = np.random.default_rng(2)
    frames = [
        replace(frame, skin=frame.skin + np.array([[rng.normal(0, 4)], [0], [0]], np.float32))
        for frame in make_faces(30, 81)
    ]
    assert view(frames)["pulse.rate"].value == pytest.approx(81, abs=1)


def test_what_moves_with_the_head_is_taken_off():
    frames = [
        replace(frame, skin=frame.skin * np.float32(1 + 0.002 * (frame.points[6, 0] - 320)))
        for frame in shaken(make_faces(30, 60), 4)
    ]
    assert view(frames)["pulse.rate"].value == pytest.approx(60, abs=1)


def test_ten_seconds_give_a_weaker_rate_and_less_none():
    assert view(make_faces(9.5))["pulse.rate"].reason is Reason.TOO_SHORT
    short = view(make_faces(12))["pulse.rate"]
    assert short.value == pytest.approx(72, abs=2)
    assert short.quality < view(make_faces(30))["pulse.rate"].quality


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        pytest.param(make_faces(30, amplitude=0.0), Reason.WEAK, id="no pulse"),
        pytest.param(make_faces(30, light=0.1, noise_levels=0.01), Reason.DARK, id="dark"),
        pytest.param(make_faces(30, kbps=60), Reason.COMPRESSED, id="compressed"),
        pytest.param(make_faces(30, fps=8), Reason.LOW_RATE, id="low rate"),
        pytest.param(shaken(make_faces(30), 40), Reason.MOVING, id="moving"),
        pytest.param([without_face(frame) for frame in make_faces(5)], Reason.NO_FACE, id="no face"),
    ],
)
def test_a_rate_that_cannot_be_trusted_is_not_said(frames, reason):
    signals = view(frames)
    assert signals["pulse.rate"].value is None
    assert signals["pulse.rate"].reason is reason


def test_readings_that_disagree_are_not_said():
    slow, fast = make_faces(30, 55), make_faces(30, 100, seed=2)
    frames = [
        replace(one, skin=np.stack((one.skin[0], other.skin[1], other.skin[2] * 0 + one.skin[2])))
        for one, other in zip(slow, fast, strict=True)
    ]
    # Three regions, three rates, each clear: no two of them agree.
    third = make_faces(30, 150, seed=3)
    frames = [
        replace(frame, skin=np.stack((frame.skin[0], frame.skin[1], other.skin[2])))
        for frame, other in zip(frames, third, strict=True)
    ]
    rate = view(frames)["pulse.rate"]
    assert rate.value is None
    assert rate.reason in {Reason.DISAGREE, Reason.WEAK}


def test_noise_is_refused_nearly_always():
    said = [view(make_faces(30, amplitude=0.0, seed=seed))["pulse.rate"].value is not None for seed in range(16)]
    assert sum(said) <= 1


def test_a_gap_begins_anew():
    before, after = make_faces(20), make_faces(15, 100, start_s=20.25)
    assert view(before + after[:200])["pulse.rate"].reason is Reason.GAP
    assert view(before + after)["pulse.rate"].value == pytest.approx(100, abs=2)


def test_a_short_gap_is_bridged():
    frames = make_faces(30)
    assert view(frames[:400] + frames[404:])["pulse.rate"].value == pytest.approx(72, abs=1)


def test_a_picture_of_another_size_moves_nobody():
    frames = make_faces(30)
    smaller = [
        replace(frame, size=(320, 240), points=make_points(x=160, y=120, span_px=42.5)) for frame in frames[450:]
    ]
    whole, rate = view(frames)["pulse.rate"], view(frames[:450] + smaller)["pulse.rate"]
    assert (rate.value, rate.quality) == pytest.approx((whole.value, whole.quality), rel=0.02)


def test_another_face_begins_anew():
    other = [replace(frame, identity=2) for frame in make_faces(5, start_s=20.0)]
    assert view(make_faces(20) + other)["pulse.rate"].reason is Reason.GAP


def test_a_lost_face_and_a_lost_picture_are_told_apart():
    frames = make_faces(20)
    gone = [without_face(frame) for frame in make_faces(3, start_s=20.0)]
    assert view(frames + gone)["pulse.rate"].reason is Reason.NO_FACE
    assert view(frames, t_s=24.0)["pulse.rate"].reason is Reason.GAP
    assert view_pulse(new_pulse(), 1.0)[0].reason is Reason.NO_VIDEO


def test_a_face_that_turns_away_says_so():
    points = make_points()
    points[6, 0] = points[454, 0]
    away = [
        replace(frame, points=points, skin=np.full((3, 3), np.nan, np.float32)) for frame in make_faces(3, start_s=20.0)
    ]
    assert view(make_faces(20) + away)["pulse.rate"].reason is Reason.TURNED_AWAY


def test_variability_needs_a_minute_and_the_balance_two():
    beats_s = beats(130, jitter=0.002)
    for seconds, n_known in ((55, 0), (65, 4), (125, 5)):
        signals = view(make_faces(seconds, beats_s=beats_s, noise_levels=0.02))
        known = [name for name in EXPERIMENTS if signals[name].value is not None]
        assert known == list(EXPERIMENTS[:n_known])
    truth = np.diff(beats_s[beats_s < 125]) * 1000
    assert signals["pulse.sdnn"].value == pytest.approx(truth.std(), rel=0.15)
    assert signals["pulse.rmssd"].value == pytest.approx(np.sqrt(np.mean(np.diff(truth) ** 2)), rel=0.3)


def test_variability_is_not_said_where_noise_makes_it():
    signals = view(make_faces(70, noise_levels=0.8))
    assert signals["pulse.rmssd"].value is None


def test_variability_is_called_experimental_and_has_no_baseline():
    experimental = {item.name for item in DEFINITIONS if item.is_experimental and not item.has_baseline}
    assert experimental == set(EXPERIMENTS)


def test_the_state_is_bounded_and_can_be_sent():
    state = follow(make_faces(200))
    assert len(state.rows) <= 150 * 30 + 32
    restored = pickle.loads(pickle.dumps(state))
    assert view_pulse(restored, 200.0) == view_pulse(state, 200.0)


def test_sixty_frames_a_second_cost_no_more():
    state = follow(make_faces(30, fps=60))
    assert len(state.rows) <= 30 * 30 + 1
    assert view_pulse(state, 30.0)[0].value == pytest.approx(72, abs=1)
