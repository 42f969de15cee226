from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from pipeline.levels import name_level
from pipeline.session import Item, SessionState, new_session, reset_calibration, step
from pipeline.types import (
    SAMPLE_RATE_HZ,
    AudioChunk,
    Band,
    Estimate,
    FaceSample,
    FloatArray,
    Gap,
    Reason,
    Shares,
    Tick,
    Trajectory,
)
from tests.fakes.vowels import make_noise, make_talk

CHUNK = 320
NEUTRAL: FloatArray = np.array([0, 0, 0, 0, 1, 0, 0], np.float32)


def sound_items(sound: FloatArray, start_s: float = 0.0, *, is_gap: bool = False) -> Iterator[Item]:
    for i in range(0, len(sound), CHUNK):
        yield AudioChunk(t_s=start_s + i / SAMPLE_RATE_HZ, samples=sound[i : i + CHUNK], is_gap=is_gap)


def face_items(
    from_s: float, to_s: float, emotions: FloatArray | None = NEUTRAL, quality: float = 0.8
) -> Iterator[Item]:
    reason = Reason.NO_FACE if emotions is None else Reason.OK
    for t_s in np.arange(from_s, to_s, 0.1):
        yield FaceSample(t_s=float(t_s), emotions=emotions, quality=quality, reason=reason)


def ticks(from_s: int, to_s: int) -> Iterator[Item]:
    return (Tick(t_s=float(t)) for t in range(from_s, to_s + 1))


def end_s(item: Item) -> float:
    match item:
        case AudioChunk():
            return item.t_s + len(item.samples) / SAMPLE_RATE_HZ
        case Gap():
            return item.to_s
        case _:
            return item.t_s


def in_order(*streams: Iterable[Item]) -> list[Item]:
    """Merge streams as they would come in: by the time they end, ticks last."""
    return sorted(
        (item for stream in streams for item in stream), key=lambda i: (round(end_s(i), 6), isinstance(i, Tick))
    )


def run(items: Iterable[Item], state: SessionState | None = None) -> tuple[SessionState, list[Estimate]]:
    state, estimates = state or new_session(), []
    for item in items:
        state, new = step(state, item)
        assert len(new) == isinstance(item, Tick)
        estimates += new
    return state, estimates


@pytest.fixture(scope="module")
def whole() -> list[Estimate]:
    """Twenty seconds of talk with a calm face."""
    return run(in_order(sound_items(make_talk(20.0)), face_items(0.0, 20.0), ticks(1, 20)))[1]


def test_each_tick_gives_one_estimate_at_its_time(whole: list[Estimate]) -> None:
    assert [estimate.t_s for estimate in whole] == list(range(1, 21))


def test_a_calm_candidate_ends_with_known_values(whole: list[Estimate]) -> None:
    last = whole[-1]
    assert last.face.value == pytest.approx(0.3)
    assert last.face.quality == pytest.approx(0.8)
    assert last.face.reason is Reason.OK
    assert last.voice.value is not None
    assert 0.2 < last.voice.value < 0.5
    assert last.voice.quality > 0.9
    assert last.voice.reason is Reason.OK
    assert last.stress.reason is Reason.OK
    assert last.stress.quality == pytest.approx(0.55 * last.voice.quality + 0.45 * last.face.quality)
    assert last.band is (Band.LOW if (last.stress.value or 0) < 0.3 else Band.MODERATE)
    assert last.trajectory is Trajectory.STABLE
    assert last.emotions == pytest.approx(tuple(NEUTRAL.tolist()))
    assert last.voice_features is not None
    assert last.newest_sample_s == pytest.approx(20.0)


def test_stress_is_the_smoothed_fusion_of_face_and_voice(whole: list[Estimate]) -> None:
    before, last = whole[-2:]
    assert last.voice.value is not None
    assert last.face.value is not None
    assert before.stress.value is not None
    voice_weight, face_weight = 0.55 * last.voice.quality, 0.45 * last.face.quality
    raw = (voice_weight * last.voice.value + face_weight * last.face.value) / (voice_weight + face_weight)
    assert last.stress_raw == pytest.approx(raw)
    assert last.stress.value == pytest.approx(0.3 * raw + 0.7 * before.stress.value)


def test_contributions_add_up_to_the_raw_stress(whole: list[Estimate]) -> None:
    for estimate in whole:
        assert sum(part.amount for part in estimate.contributions) == pytest.approx(estimate.stress_raw)
    signals = {part.signal for part in whole[-1].contributions}
    assert {"face.neutral", "face.fear", "voice.energy", "voice.f0", "voice.f0_variability"} <= signals


def test_calibration_is_announced_until_enough_speech_was_heard(whole: list[Estimate]) -> None:
    assert whole[0].voice.value is None
    assert whole[0].voice.reason is Reason.CALIBRATING
    assert whole[0].stress.reason is Reason.CALIBRATING
    known = [e.voice for e in whole if e.voice.value is not None and e.voice.reason is Reason.CALIBRATING]
    assert known
    assert known[0].quality < known[-1].quality < 1
    assert all(e.voice.reason is Reason.OK for e in whole[14:])


def test_the_same_items_give_the_same_estimates_bit_for_bit() -> None:
    items = in_order(sound_items(make_talk(8.0)), face_items(0.0, 8.0), ticks(1, 8))
    assert repr(run(items)[1]) == repr(run(items)[1])


def test_nothing_at_all_is_unknown_and_never_zero() -> None:
    _, (estimate,) = run(ticks(1, 1))
    assert estimate.stress.value is None
    assert estimate.stress.quality == 0.0
    assert estimate.stress_raw is None
    assert estimate.voice.reason is Reason.NO_AUDIO
    assert estimate.face.reason is Reason.NO_VIDEO
    assert (estimate.band, estimate.trajectory, estimate.contributions) == (None, None, ())
    assert estimate.newest_sample_s is None


def test_face_alone_is_the_stress() -> None:
    _, estimates = run(in_order(face_items(0.0, 3.0), ticks(1, 3)))
    assert estimates[-1].stress.value == pytest.approx(0.3)
    assert estimates[-1].stress.quality == pytest.approx(0.45 * 0.8)
    assert estimates[-1].stress.reason is Reason.NO_AUDIO


def test_voice_alone_is_the_stress(whole: list[Estimate]) -> None:
    _, estimates = run(in_order(sound_items(make_talk(20.0)), ticks(1, 20)))
    assert estimates[-1].stress_raw == pytest.approx(whole[-1].voice.value)
    assert estimates[-1].face.reason is Reason.NO_VIDEO


def test_silence_is_silence_and_not_a_value() -> None:
    state, _ = run(in_order(sound_items(make_talk(12.0)), ticks(1, 12)))
    _, estimates = run(in_order(sound_items(make_noise(5 * SAMPLE_RATE_HZ, 1e-4), 12.0), ticks(13, 17)), state)
    assert estimates[-1].voice.value is None
    assert estimates[-1].voice.reason is Reason.SILENCE
    assert estimates[-1].stress.value is None


@pytest.mark.parametrize("is_gap", [True, False])
def test_lost_sound_is_a_gap_and_never_silence(is_gap: bool) -> None:
    """Whether the hole comes as marked chunks or is announced."""
    state, _ = run(in_order(sound_items(make_talk(12.0)), ticks(1, 12)))
    lost = (
        list(sound_items(np.zeros(6 * SAMPLE_RATE_HZ, np.float32), 12.0, is_gap=True))
        if is_gap
        else [Gap(from_s=12.0, to_s=15.0, stream="both"), Gap(from_s=15.0, to_s=18.0, stream="audio")]
    )
    _, estimates = run(in_order(lost, ticks(13, 18)), state)
    assert all(estimate.voice.reason is not Reason.SILENCE for estimate in estimates)
    assert estimates[-1].voice.value is None
    assert estimates[-1].voice.reason is Reason.GAP
    assert estimates[-1].voice_features is None


def test_sound_just_after_a_gap_is_not_called_silence() -> None:
    state, _ = run(in_order(sound_items(make_talk(12.0)), [Gap(from_s=12.0, to_s=16.0, stream="audio")], ticks(1, 16)))
    _, (estimate,) = run(in_order(sound_items(make_noise(SAMPLE_RATE_HZ, 1e-4), 16.0), ticks(17, 17)), state)
    assert estimate.voice.reason is Reason.GAP


def test_sound_that_stops_without_a_word_is_no_audio_after_two_seconds() -> None:
    _, estimates = run(in_order(sound_items(make_talk(12.0)), ticks(1, 15)))
    assert estimates[12].voice.value is not None
    assert estimates[12].voice.age_s == pytest.approx(1.0, abs=0.02)
    assert estimates[14].voice.value is None
    assert estimates[14].voice.reason is Reason.NO_AUDIO


def test_a_face_that_stops_ages_and_then_is_no_video() -> None:
    _, estimates = run(in_order(face_items(0.0, 3.05), ticks(1, 6)))
    assert estimates[2].face.age_s == pytest.approx(0.0, abs=1e-6)
    assert estimates[3].face.age_s == pytest.approx(1.0)
    assert estimates[3].face.value is not None
    assert estimates[5].face.value is None
    assert estimates[5].face.reason is Reason.NO_VIDEO
    assert estimates[5].stress.value is None


def test_an_announced_video_hole_is_a_gap_while_it_is_recent() -> None:
    items = in_order(face_items(0.0, 3.0), [Gap(from_s=3.0, to_s=6.0, stream="video")], ticks(1, 9))
    reasons = [estimate.face.reason for estimate in run(items)[1]]
    assert reasons[5:7] == [Reason.GAP, Reason.GAP]
    assert reasons[8] is Reason.NO_VIDEO


def test_no_face_in_the_picture_is_said() -> None:
    _, estimates = run(in_order(face_items(0.0, 2.0, None, 0.0), ticks(1, 2)))
    assert estimates[-1].face.value is None
    assert estimates[-1].face.reason is Reason.NO_FACE
    assert estimates[-1].emotions is None


def test_a_peak_is_announced_by_the_tick_after_it() -> None:
    fear: FloatArray = np.array([0, 0, 1, 0, 0, 0, 0], np.float32)
    _, estimates = run(
        in_order(face_items(0.0, 20.0), face_items(20.05, 23.0, fear), face_items(23.05, 27.0), ticks(1, 27))
    )
    highest = max(estimates, key=lambda estimate: estimate.stress.value or 0.0)
    assert [(e.t_s, e.peak_t_s) for e in estimates if e.peak_t_s is not None] == [(highest.t_s + 1, highest.t_s)]
    assert highest.band is Band.MODERATE or highest.band is Band.HIGH
    assert Trajectory.ASCENDING in {estimate.trajectory for estimate in estimates}


def test_after_a_long_hole_smoothing_starts_anew() -> None:
    fear: FloatArray = np.array([0, 0, 1, 0, 0, 0, 0], np.float32)
    _, estimates = run(in_order(face_items(0.0, 3.0), face_items(9.05, 11.0, fear), ticks(1, 11)))
    assert estimates[9].stress.value == pytest.approx(0.95)


def test_calibration_can_be_reset() -> None:
    state, _ = run(in_order(sound_items(make_talk(14.0)), ticks(1, 14)))
    assert state.calibration.is_complete
    state = reset_calibration(state, 14.0)
    _, estimates = run(in_order(sound_items(make_talk(14.0, f0_hz=200.0), 14.0), ticks(15, 28)), state)
    assert estimates[0].voice.reason is Reason.CALIBRATING
    assert estimates[-1].voice.reason is Reason.OK
    assert estimates[-1].voice.value is not None
    assert estimates[-1].voice.value < 0.5


def test_a_reset_calibration_learns_nothing_from_before() -> None:
    state, _ = run(in_order(sound_items(make_talk(14.0)), ticks(1, 14)))
    new_voice = make_talk(14.0, f0_hz=200.0)
    state = reset_calibration(state, 14.0)
    state, (estimate,) = run(in_order(sound_items(new_voice[:SAMPLE_RATE_HZ], 14.0), ticks(15, 15)), state)
    assert (state.calibration.ranges, estimate.voice.value) == (None, None)
    state, _ = run(in_order(sound_items(new_voice[SAMPLE_RATE_HZ:], 15.0), ticks(16, 28)), state)
    assert state.calibration.is_complete
    assert state.calibration.speech.t_s.min() > 14.0


def test_memory_is_bounded() -> None:
    def size(state: SessionState) -> tuple[int, ...]:
        voice, speech = state.voice, state.calibration.speech
        return (
            len(voice.track.t_s),
            len(voice.framing.tail),
            len(speech.t_s),
            len(state.face.samples),
            len(state.trend.t_s),
        )

    state, _ = run(in_order(sound_items(make_talk(40.0)), face_items(0.0, 40.0), ticks(1, 40)))
    more, _ = run(in_order(sound_items(make_talk(40.0), 40.0), face_items(40.0, 80.0), ticks(41, 80)), state)
    assert all(after <= before + 2 for before, after in zip(size(state), size(more), strict=True))


def test_the_level_follows_the_face_and_does_not_touch_the_stress() -> None:
    fear: FloatArray = np.array([0, 0, 0.9, 0, 0.1, 0, 0], np.float32)
    _, estimates = run(in_order(face_items(0, 3, NEUTRAL), face_items(3, 5, fear), ticks(1, 8)))
    named = [name_level(estimate.levels) for estimate in estimates]
    assert [level for level, _ in named] == ["low"] * 3 + ["high"] * 3 + [None] * 2
    assert named[3][1] == pytest.approx(0.9)
    assert estimates[0].stress_raw == pytest.approx(0.30)
    assert estimates[-1].levels == Shares(shares=None, quality=0.0, reason=Reason.NO_VIDEO, age_s=0.0)
