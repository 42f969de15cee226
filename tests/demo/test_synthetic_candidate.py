import numpy as np
import pytest

from models.face_mesh import FaceMeshFinder
from models.loader import load_emotion_classifier
from pipeline.fusion import FACE_WEIGHTS
from pipeline.types import EMOTIONS
from pipeline.video.face import measure_face
from server.demo.portrait import Portrait, Pose
from server.demo.story import LOOP_S, Story, stress_at
from server.demo.voice import RATE_HZ, speak_loop


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    return Portrait()


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    return speak_loop(Story())


def _region(image: np.ndarray, x: int, y: int, half_width: int, half_height: int) -> np.ndarray:
    return image[y - half_height : y + half_height, x - half_width : x + half_width].astype(float)


LEFT_EYE = (269, 190, 14, 6)
MOUTH = (307, 275, 16, 5)


def test_a_blink_hides_the_eye_and_nothing_below_the_cheeks(portrait):
    open_eyes, closed = portrait.render(Pose()), portrait.render(Pose(blink=1.0))
    assert _region(closed, *LEFT_EYE).min() > _region(open_eyes, *LEFT_EYE).min() + 20
    np.testing.assert_array_equal(open_eyes[260:], closed[260:])


def test_an_open_mouth_is_dark_inside(portrait):
    assert _region(portrait.render(Pose(jaw=0.6)), *MOUTH).mean() < _region(portrait.render(Pose()), *MOUTH).mean() - 40


def test_losing_the_smile_puts_lips_where_the_teeth_were(portrait):
    def redness(image: np.ndarray) -> float:
        red, green, _ = _region(image, *MOUTH).mean(axis=(0, 1))
        return float(red - green)

    assert redness(portrait.render(Pose(smile_lost=1.0))) > redness(portrait.render(Pose())) + 15


def test_the_head_moves_as_asked(portrait):
    still, moved = portrait.render(Pose()), portrait.render(Pose(shift=(10.0, 0.0)))
    face = still[100:300, 200:400].astype(float)
    errors = [np.abs(moved[100:300, 200 + dx : 400 + dx].astype(float) - face).mean() for dx in range(16)]
    assert int(np.argmin(errors)) in (8, 9, 10)


def test_the_story_repeats_and_is_the_same_each_time():
    story = Story()
    assert story.pose(3.25) == Story().pose(3.25) == story.pose(3.25 + LOOP_S)


def test_the_story_is_calm_while_the_baseline_is_measured_and_tense_later():
    assert max(stress_at(t) for t in range(36)) < 0.2
    assert stress_at(60) > 0.9
    assert Story().pose(60.0).smile_lost > 0.7 > 0.3 > Story().pose(20.0).smile_lost


def test_the_emotion_network_sees_the_tension(portrait):
    story, classify, finder = Story(), load_emotion_classifier(), FaceMeshFinder()
    weights = np.array([FACE_WEIGHTS[name] for name in EMOTIONS])

    def mean_shares(start_s: float) -> np.ndarray:
        times = np.arange(start_s, start_s + 4.0, 0.2)
        pictures = [portrait.render(story.pose(t_s)) for t_s in times]
        samples = [
            measure_face(t_s=t_s, rgb=rgb, landmarks=finder(rgb), classify=classify).sample
            for t_s, rgb in zip(times, pictures, strict=True)
        ]
        return np.mean([sample.emotions for sample in samples if sample.emotions is not None], axis=0)

    try:
        calm, tense = mean_shares(20.0), mean_shares(56.0)
    finally:
        finder.close()
    # The tense face has lost half of its smile; what is left is read as neutral, which weighs more than happy.
    happy = EMOTIONS.index("happy")
    assert calm[happy] > 0.9
    assert tense[happy] < 0.6
    assert weights @ calm < 0.15
    assert weights @ tense > weights @ calm + 0.07


def test_mouth_is_shut_in_pauses(voice):
    story = Story()
    ends = [a.start_s + a.duration_s for a in story.syllables if a.is_phrase_end]
    assert all(story.mouth_opening(end + 0.2) == 0.0 for end in ends)


def test_stress_raises_the_level(voice):
    def level_db(start_s: float, end_s: float) -> float:
        part = voice[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]
        return float(10 * np.log10(np.mean(part**2)))

    assert 8 < level_db(54, 66) - level_db(10, 22) < 18


def test_the_voice_never_clips_and_its_pauses_are_quiet(voice):
    assert np.abs(voice).max() < 1.0
    frames = voice[: len(voice) // 960 * 960].reshape(-1, 960)
    levels_db = 10 * np.log10(np.mean(frames**2, axis=1))
    assert -65 < np.percentile(levels_db, 5) < -55
    assert np.mean(levels_db > -45) > 0.6
