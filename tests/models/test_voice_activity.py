from itertools import pairwise

import numpy as np

from models.voice_activity import WebRtcDetector
from pipeline.types import ACTIVITY_S, SAMPLE_RATE_HZ, AudioChunk
from tests.fakes.vowels import make_noise, make_talk


def decide(sound, *, size=320, start_s=0.0, detector=None):
    """Return the decisions and the time of the first one."""
    detector = detector or WebRtcDetector()
    found = [
        detector(AudioChunk(t_s=start_s + i / SAMPLE_RATE_HZ, samples=sound[i : i + size]))
        for i in range(0, len(sound), size)
    ]
    items = [item for item in found if item is not None]
    for before, after in pairwise(items):
        assert abs(after.t_s - before.t_s - len(before.is_speech) * ACTIVITY_S) < 1e-6
    return np.concatenate([item.is_speech for item in items]), items[0].t_s


def test_talk_is_told_from_a_quiet_room():
    sound = np.concatenate((make_noise(4 * SAMPLE_RATE_HZ, 1e-4), make_talk(4.0), make_noise(4 * SAMPLE_RATE_HZ, 1e-4)))
    is_speech, t_s = decide(sound)
    assert t_s == 0
    assert len(is_speech) == 600
    assert is_speech[200:400].mean() > 0.6
    assert is_speech[:190].mean() < 0.05
    assert is_speech[420:].mean() < 0.05


def test_how_the_sound_is_divided_does_not_matter():
    sound = make_talk(3.0)
    straight, _ = decide(sound)
    for size in (100, 333, 4000):
        np.testing.assert_array_equal(decide(sound, size=size)[0], straight)


def test_after_a_hole_the_stretches_begin_with_the_new_sound():
    detector, sound = WebRtcDetector(), make_talk(1.0)
    assert detector(AudioChunk(t_s=0.0, samples=sound[:480])) is not None
    assert detector(AudioChunk(t_s=0.03, samples=np.zeros(160, np.float32), is_gap=True)) is None
    after = detector(AudioChunk(t_s=0.04, samples=sound[:320]))
    assert after is not None
    assert after.t_s == 0.04
    later = detector(AudioChunk(t_s=5.0, samples=sound[:800]))
    assert later is not None
    assert later.t_s == 5.0
    assert len(later.is_speech) == 2


def test_the_same_sound_gives_the_same_decisions():
    sound = make_talk(2.0, noise_rms=3e-3)
    np.testing.assert_array_equal(decide(sound)[0], decide(sound)[0])
