import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelError
from models.loader import (
    MODELS_DIR,
    FlipAveraged,
    OnnxEmotionClassifier,
    OnnxEyeClassifier,
    OnnxVoiceClassifier,
    load_emotion_classifier,
    load_eye_classifier,
    load_voice_classifier,
    read_manifest,
)
from pipeline.audio.voice_input import prepare_voice
from pipeline.types import EMOTIONS, EYE_EMOTIONS, VOICE_EMOTIONS
from pipeline.video.crop import FACE_SIZE_PX
from pipeline.video.eyes import STRIP_SIZE_PX
from tests.fakes.vowels import make_talk


@pytest.fixture(scope="module")
def classifier() -> OnnxEmotionClassifier:
    return load_emotion_classifier()


@pytest.fixture
def copied_models(tmp_path: Path) -> Path:
    for name in ("manifest.toml", "emotion.onnx"):
        shutil.copy(MODELS_DIR / name, tmp_path / name)
    return tmp_path


def faces(n: int) -> np.ndarray:
    return np.random.default_rng(n).normal(0, 0.5, (n, 1, FACE_SIZE_PX, FACE_SIZE_PX)).astype(np.float32)


def test_each_face_gives_a_distribution_over_the_emotions(classifier):
    probabilities = classifier(faces(5))
    assert probabilities.shape == (5, len(EMOTIONS))
    assert probabilities.dtype == np.float32
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_answer_does_not_depend_on_the_rest_of_the_batch(classifier):
    batch = faces(4)
    np.testing.assert_allclose(classifier(batch)[2:3], classifier(batch[2:3]), atol=1e-5)


def test_same_face_gives_the_same_bits(classifier):
    assert np.array_equal(classifier(faces(1)), load_emotion_classifier()(faces(1)))


def test_the_second_head_answers_otherwise_than_the_first(classifier):
    labels = load_emotion_classifier(output="fer2013")(faces(5))
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-5)
    assert np.abs(labels - classifier(faces(5))).max() > 0.01


def test_a_head_that_is_not_there_is_named():
    with pytest.raises(ModelError, match="expected one called guess"):
        load_emotion_classifier(output="guess")


def test_no_faces_give_no_rows(classifier):
    assert classifier(faces(0)).shape == (0, len(EMOTIONS))


def test_version_names_the_weights(classifier):
    assert classifier.version == f"emotion-{read_manifest(MODELS_DIR, 'emotion').sha256[:8]}"


def test_network_is_small_enough(classifier):
    assert classifier.n_parameters is not None
    assert 1_000_000 < classifier.n_parameters <= 3_000_000


def test_model_card_and_manifest_stand_beside_the_weights():
    manifest = (MODELS_DIR / "manifest.toml").read_text()
    for key in ("name", "file", "sha256", "origin", "licence", "input", "output", "temperature"):
        assert re.search(rf"^{key} = ", manifest, re.MULTILINE), key
    assert (MODELS_DIR / "cards" / "emotion.md").exists()


def test_altered_file_is_refused(copied_models):
    path = copied_models / "emotion.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="sha256"):
        load_emotion_classifier(copied_models)


def test_missing_file_is_named(copied_models):
    (copied_models / "emotion.onnx").unlink()
    with pytest.raises(ModelError, match=r"emotion\.onnx cannot be read"):
        load_emotion_classifier(copied_models)


def test_missing_manifest_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"manifest\.toml cannot be read"):
        load_emotion_classifier(tmp_path)


@pytest.mark.parametrize(
    "manifest",
    ["not toml", "[speech]\nname = 'speech'", "[emotion]\nname = 'emotion'\nfile = 'emotion.onnx'", "emotion = 3"],
)
def test_malformed_manifest_is_refused(copied_models, manifest):
    (copied_models / "manifest.toml").write_text(manifest)
    with pytest.raises(ModelError, match=r"\[emotion\]"):
        load_emotion_classifier(copied_models)


def test_short_checksum_is_refused(copied_models):
    path = copied_models / "manifest.toml"
    path.write_text(re.sub(r'sha256 = "\w+"', 'sha256 = "abc"', path.read_text()))
    with pytest.raises(ModelError, match="64 digits"):
        load_emotion_classifier(copied_models)


def test_file_that_is_no_network_is_refused():
    with pytest.raises(ModelError, match="not a usable ONNX"):
        OnnxEmotionClassifier(b"certainly not ONNX", source="here")


def test_a_network_without_the_named_output_is_refused():
    content = (MODELS_DIR / "emotion.onnx").read_bytes().replace(b"probabilities", b"probabilitees")
    with pytest.raises(ModelError, match=r"has the outputs probabilitees.*expected one called probabilities"):
        OnnxEmotionClassifier(content, source="here")


# --- the region of the eyes ---


def strips(n: int) -> np.ndarray:
    return np.random.default_rng(n).normal(0, 0.5, (n, 1, *STRIP_SIZE_PX)).astype(np.float32)


def test_each_strip_gives_a_distribution_over_the_six_emotions():
    classifier = load_eye_classifier()
    shares = classifier(strips(5))
    assert shares.shape == (5, len(EYE_EMOTIONS))
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(shares[2:3], classifier(strips(5)[2:3]), atol=1e-5)
    assert classifier.version == f"eyes-{read_manifest(MODELS_DIR, 'eyes').sha256[:8]}"
    assert classifier.n_parameters is not None
    assert classifier.n_parameters <= 500_000
    assert (MODELS_DIR / "cards" / "eyes.md").exists()


def test_the_wrong_network_is_refused():
    with pytest.raises(ModelError, match="not a usable ONNX eyes network"):
        OnnxEyeClassifier((MODELS_DIR / "emotion.onnx").read_bytes(), source="here")


# --- the voice ---


def test_each_stretch_of_speech_gives_a_distribution_over_the_eight_emotions():
    classifier = load_voice_classifier()
    rows = np.stack([prepare_voice(make_talk(3.0, f0_hz=f0_hz))[:, :150] for f0_hz in (110.0, 220.0)])
    shares = classifier(rows)
    assert shares.shape == (2, len(VOICE_EMOTIONS))
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(shares[1:], classifier(rows[1:]), atol=1e-5)
    np.testing.assert_allclose(classifier(rows[:1, :, :90]).sum(), 1, atol=1e-5)
    assert np.abs(shares[0] - shares[1]).max() > 0.01


def test_the_network_of_the_voice_is_small_and_says_whom_it_heard():
    classifier = load_voice_classifier()
    assert classifier.version == f"voice-{read_manifest(MODELS_DIR, 'voice').sha256[:8]}"
    assert classifier.n_parameters is not None
    assert classifier.n_parameters <= 2_000_000
    assert classifier.actors == tuple(range(1, 21))
    assert f'actors = "{" ".join(map(str, classifier.actors))}"' in (MODELS_DIR / "manifest.toml").read_text()
    assert (MODELS_DIR / "cards" / "voice.md").exists()


def test_a_network_of_the_face_is_no_network_of_the_voice():
    with pytest.raises(ModelError, match="not a usable ONNX voice network"):
        OnnxVoiceClassifier((MODELS_DIR / "emotion.onnx").read_bytes(), source="here")


# --- mirrored faces ---


class LeftClassifier:
    """Says happy as much as the left half is bright."""

    version = "left-1"

    def __call__(self, faces):
        happy = faces[:, 0, :, : FACE_SIZE_PX // 2].mean(axis=(1, 2))
        shares = np.zeros((len(faces), len(EMOTIONS)), np.float32)
        shares[:, 3], shares[:, 4] = happy, 1 - happy
        return shares


def test_mirrored_faces_are_averaged_in():
    face = np.zeros((2, 1, FACE_SIZE_PX, FACE_SIZE_PX), np.float32)
    face[0, :, :, : FACE_SIZE_PX // 2] = 1
    averaged = FlipAveraged(LeftClassifier())
    np.testing.assert_allclose(averaged(face)[:, 3], [0.5, 0.0])
    np.testing.assert_allclose(averaged(face), averaged(face[..., ::-1]))
    assert averaged.version == "left-1-flip"
    assert averaged(face[:0]).shape == (0, len(EMOTIONS))


def test_mirroring_works_with_the_real_network(classifier):
    averaged = FlipAveraged(classifier)
    np.testing.assert_allclose(averaged(faces(3)), averaged(faces(3)[..., ::-1]), atol=1e-5)
    np.testing.assert_allclose(averaged(faces(3)).sum(axis=1), 1, atol=1e-5)
