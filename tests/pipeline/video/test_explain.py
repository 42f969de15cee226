import numpy as np
import pytest

from pipeline.types import EMOTIONS, Explanation, Reason
from pipeline.video.explain import N_CELLS, PARTS, explain

HAPPY = EMOTIONS.index("happy")
RNG = np.random.default_rng(0)
FACE = RNG.integers(0, 256, (48, 48)).astype(np.uint8)


class RegionClassifier:
    """Says happy as much as there is contrast in one region of the face, a share of the side each way."""

    version = "region"

    def __init__(self, top: float, left: float, bottom: float, right: float) -> None:
        self.box = top, left, bottom, right
        self.n_calls = self.n_faces = 0

    def __call__(self, faces):
        self.n_calls += 1
        self.n_faces += len(faces)
        side = faces.shape[-1]
        top, left, bottom, right = (round(edge * side) for edge in self.box)
        region = np.abs(faces[:, 0, top:bottom, left:right]).mean(axis=(1, 2))
        whole = np.abs(faces[0, 0, top:bottom, left:right]).mean()
        shares = np.zeros((len(faces), len(EMOTIONS)), np.float32)
        shares[:, HAPPY] = 0.8 * region / max(whole, 1e-6)
        shares[:, EMOTIONS.index("neutral")] = 1 - shares[:, HAPPY]
        return shares


def ask(classifier, crop=FACE, **changes):
    return explain(crop, classifier, **({"t_s": 3.0, "quality": 0.9, "reason": Reason.OK} | changes))


def test_the_map_is_hot_where_the_network_looks():
    answer = ask(RegionClassifier(36 / 48, 18 / 48, 42 / 48, 30 / 48))
    falls = np.array(answer.falls).reshape(N_CELLS, N_CELLS)
    assert (answer.emotion, answer.reason, answer.t_s, answer.quality) == ("happy", Reason.OK, 3.0, 0.9)
    assert answer.share == pytest.approx(0.8, abs=0.01)
    assert np.unravel_index(falls.argmax(), falls.shape) in [(4, 2), (4, 3), (5, 2), (5, 3)]
    assert falls[:3].max() == pytest.approx(0, abs=1e-6)
    assert answer.parts[0].part == "mouth"
    assert answer.parts[0].fall == pytest.approx(answer.share, abs=0.01)


@pytest.mark.parametrize("part", PARTS)
def test_hiding_a_part_takes_away_what_is_seen_there_only(part):
    top, left, bottom, right = PARTS[part][0]
    answer = ask(RegionClassifier(top / 48, left / 48, bottom / 48, right / 48))
    assert answer.parts[0].part == part
    assert sorted(effect.part for effect in answer.parts) == sorted(PARTS)


def test_hiding_may_raise_the_share_of_the_emotion_that_was_asked_for():
    answer = ask(RegionClassifier(0.75, 0.4, 0.9, 0.6), emotion="neutral")
    assert answer.emotion == "neutral"
    assert answer.share == pytest.approx(0.2, abs=0.01)
    assert min(answer.falls) < -0.1
    assert answer.parts[-1].part == "mouth"


def test_one_call_of_a_bounded_batch_is_made_and_the_picture_comes_back():
    classifier = RegionClassifier(0, 0, 1, 1)
    answer = ask(classifier)
    assert (classifier.n_calls, classifier.n_faces) == (1, 32)
    assert answer.crop == FACE.tobytes()
    assert len(answer.falls) == N_CELLS**2


def test_a_network_that_looks_nowhere_gives_an_empty_map():
    class Indifferent:
        version = "indifferent"

        def __call__(self, faces):
            return np.full((len(faces), len(EMOTIONS)), 1 / len(EMOTIONS), np.float32)

    answer = ask(Indifferent())
    assert set(answer.falls) == {0.0}
    assert {effect.fall for effect in answer.parts} == {0.0}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quality": 0.0, "reason": Reason.DARK}, Reason.DARK),
        ({"quality": 0.0}, Reason.NO_FACE),
        ({"crop": np.full((48, 48), 90, np.uint8)}, Reason.NO_FACE),
    ],
)
def test_without_a_usable_face_there_is_a_reason_and_no_map(changes, reason):
    classifier = RegionClassifier(0, 0, 1, 1)
    assert ask(classifier, **changes) == Explanation(reason=reason, t_s=3.0)
    assert classifier.n_calls == 0


def test_the_reason_of_a_weak_face_is_kept():
    assert ask(RegionClassifier(0, 0, 1, 1), reason=Reason.SMALL_FACE, quality=0.2).reason is Reason.SMALL_FACE


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"\(48, 48\), got \(64, 64\)"):
        ask(RegionClassifier(0, 0, 1, 1), crop=np.zeros((64, 64), np.uint8))
    with pytest.raises(ValueError, match="'bored'"):
        ask(RegionClassifier(0, 0, 1, 1), emotion="bored")
