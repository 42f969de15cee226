import pickle

import numpy as np
import pytest

from models.loader import load_voice_classifier
from pipeline.audio.voice import VoiceState, hear, new_voice
from pipeline.audio.voice_emotion import (
    DEFINITIONS,
    MAX_AGE_S,
    VOICE_LEVELS,
    WINDOW_SAMPLES,
    SoundWindow,
    VoiceEmotionState,
    follow_voice_emotion,
    judge_voice,
    keep_sound,
    new_sound,
    sum_levels,
    view_voice_emotion,
)
from pipeline.catalogue import CATALOGUE
from pipeline.levels import LEVELS
from pipeline.session import new_session, step
from pipeline.types import (
    SAMPLE_RATE_HZ,
    VOICE_EMOTIONS,
    AudioChunk,
    Gap,
    Level,
    Reason,
    Tick,
    VoiceEmotionSample,
)
from tests.fakes.face import FixedVoiceClassifier
from tests.fakes.vowels import make_noise, make_talk

SHARES = np.array([0.1, 0.1, 0.1, 0.05, 0.3, 0.2, 0.1, 0.05], np.float32)


def chunks(sound: np.ndarray, start_s: float = 0.0, n: int = 320, *, is_gap: bool = False) -> list[AudioChunk]:
    return [
        AudioChunk(t_s=start_s + i / SAMPLE_RATE_HZ, samples=sound[i : i + n], is_gap=is_gap)
        for i in range(0, len(sound), n)
    ]


def listen(items: list[AudioChunk]) -> tuple[SoundWindow, VoiceState]:
    sound, voice = new_sound(), new_voice()
    for item in items:
        sound, voice = keep_sound(sound, item), hear(voice, item)
    return sound, voice


def judge(items: list[AudioChunk], t_s: float) -> tuple[VoiceEmotionSample, list[int]]:
    classifier = FixedVoiceClassifier()
    return judge_voice(*listen(items), t_s, classifier), classifier.n_frames


def view(sample: VoiceEmotionSample, t_s: float) -> dict:
    state = follow_voice_emotion(VoiceEmotionState(), sample)
    return {signal.name: signal for signal in view_voice_emotion(state, t_s)}


def test_levels_group_the_voice_as_those_of_the_face():
    renamed = {"fearful": "fear", "surprised": "surprise"}
    for level, names in VOICE_LEVELS.items():
        assert {renamed.get(name, name) for name in names} - {"calm"} == set(LEVELS[level])
    assert sorted(name for names in VOICE_LEVELS.values() for name in names) == sorted(VOICE_EMOTIONS)


def test_levels_are_sums():
    np.testing.assert_allclose(sum_levels(SHARES[None]), [[0.3, 0.15, 0.55]], atol=1e-6)


def test_three_seconds_of_talk_are_judged():
    sample, n_frames = judge(chunks(make_talk(8.0)), 8.0)
    assert sample.reason is Reason.OK
    assert sample.quality > 0.9
    assert sample.t_s == pytest.approx(8.0)
    assert 150 < n_frames[0] <= WINDOW_SAMPLES / 256


def test_only_the_last_seconds_are_kept_however_the_sound_is_chunked():
    talk = make_talk(5.0)
    small, _ = listen(chunks(talk))
    large, _ = listen(chunks(talk, n=7_000))
    np.testing.assert_array_equal(small.samples, talk[-WINDOW_SAMPLES:])
    np.testing.assert_array_equal(large.samples, small.samples)
    assert small.end_s == pytest.approx(large.end_s)


@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        (make_noise(5 * SAMPLE_RATE_HZ, 1e-4), Reason.SILENCE),
        (np.concatenate((make_noise(4 * SAMPLE_RATE_HZ, 1e-4), make_talk(0.6))), Reason.TOO_SHORT),
    ],
)
def test_too_little_speech_is_not_judged(sound, reason):
    sample, n_frames = judge(chunks(sound), len(sound) / SAMPLE_RATE_HZ)
    assert (sample.shares, sample.quality, sample.reason, n_frames) == (None, 0.0, reason, [])


def test_noise_lowers_the_quality_and_says_so():
    clean, _ = judge(chunks(make_talk(6.0)), 6.0)
    noisy, _ = judge(chunks(make_talk(6.0, noise_rms=8e-3)), 6.0)
    assert noisy.reason is Reason.NOISE
    assert noisy.quality < 0.5 * clean.quality


@pytest.mark.parametrize("is_marked", [True, False])
def test_sound_on_both_sides_of_a_hole_is_never_joined(is_marked):
    talk = make_talk(6.0)
    hole = chunks(np.zeros(3_200, np.float32), 6.0, is_gap=True) if is_marked else []
    items = [*chunks(talk), *hole, *chunks(talk[:8_000], 6.2)]
    sound, _ = listen(items)
    np.testing.assert_array_equal(sound.samples, talk[:8_000])
    sample, n_frames = judge(items, 6.7)
    assert (sample.reason, n_frames) == (Reason.GAP, [])


def test_an_announced_hole_begins_anew_and_one_in_the_picture_does_not():
    sound, _ = listen(chunks(make_talk(2.0)))
    assert keep_sound(sound, Gap(from_s=1.0, to_s=2.0, stream="video")) is sound
    emptied = keep_sound(sound, Gap(from_s=1.0, to_s=2.0, stream="both"))
    assert (len(emptied.samples), emptied.follows_gap) == (0, True)


def test_a_repeated_chunk_changes_nothing():
    items = chunks(make_talk(2.0))
    sound, _ = listen(items)
    assert keep_sound(sound, items[10]) is sound


def test_without_sound_there_is_no_audio():
    sample = judge_voice(new_sound(), new_voice(), 1.0, FixedVoiceClassifier())
    assert sample.reason is Reason.NO_AUDIO


def test_every_signal_is_given_with_and_without_a_value():
    sample = VoiceEmotionSample(t_s=5.0, shares=SHARES, quality=0.7, reason=Reason.OK)
    names = [item.name for item in DEFINITIONS]
    known, old = view(sample, 5.5), view(sample, 5.1 + MAX_AGE_S)
    assert list(known) == list(old) == names == [name for name in CATALOGUE if name.startswith("voice_emotion.")]
    assert known["voice_emotion.angry"].value == pytest.approx(0.3)
    assert known["voice_emotion.high"].value == pytest.approx(0.55)
    assert known["voice_emotion.level_confidence"].value == pytest.approx(0.55)
    assert {(signal.quality, signal.age_s, signal.reason) for signal in known.values()} == {(0.7, 0.5, Reason.OK)}
    assert {(signal.value, signal.quality, signal.reason) for signal in old.values()} == {(None, 0.0, Reason.NO_AUDIO)}


def test_what_could_not_be_judged_keeps_its_reason():
    sample = VoiceEmotionSample(t_s=5.0, shares=None, quality=0.0, reason=Reason.TOO_SHORT)
    assert {(signal.value, signal.reason) for signal in view(sample, 5.0).values()} == {(None, Reason.TOO_SHORT)}


def test_an_older_answer_does_not_replace_a_newer():
    new = VoiceEmotionSample(t_s=5.0, shares=SHARES, quality=0.7, reason=Reason.OK)
    old = VoiceEmotionSample(t_s=4.0, shares=None, quality=0.0, reason=Reason.SILENCE)
    state = follow_voice_emotion(follow_voice_emotion(VoiceEmotionState(), new), old)
    assert state.sample is new
    assert pickle.loads(pickle.dumps(state)).sample.t_s == 5.0


def test_the_real_network_judges_talk():
    sound, voice = listen(chunks(make_talk(4.0)))
    sample = judge_voice(sound, voice, 4.0, load_voice_classifier())
    signals = view(sample, 4.0)
    assert sample.reason is Reason.OK
    levels = [signals[f"voice_emotion.{level.value}"].value for level in Level]
    assert sum(levels) == pytest.approx(1, abs=1e-5)
    assert signals["voice_emotion.level_confidence"].value == max(levels)
    assert sum(signals[f"voice_emotion.{name}"].value for name in VOICE_EMOTIONS) == pytest.approx(1, abs=1e-5)


def test_the_stress_does_not_hear_of_it():
    sample = VoiceEmotionSample(t_s=7.9, shares=np.eye(8, dtype=np.float32)[4], quality=1.0, reason=Reason.OK)
    plain = told = new_session()
    for item in chunks(make_talk(8.0)):
        (plain, _), (told, _) = step(plain, item), step(told, item)
    told, _ = step(told, sample)
    (_, (without,)), (_, (with_sample,)) = step(plain, Tick(t_s=8.0)), step(told, Tick(t_s=8.0))
    assert with_sample.stress == without.stress
    assert with_sample.voice == without.voice
    assert next(s for s in with_sample.signals if s.name == f"voice_emotion.{Level.HIGH.value}").value == 1.0
