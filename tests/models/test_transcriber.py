"""Real recognition of speech is measured by scripts/evaluate_words; the repository holds no recording of a voice."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from models.errors import ModelError
from models.pocketsphinx_words import PocketsphinxTranscriber
from models.transcriber import check_transcriber, load_transcriber
from models.whisper_words import WhisperTranscriber
from tests.fakes.vowels import make_talk


@pytest.fixture(scope="module")
def pocketsphinx():
    return PocketsphinxTranscriber()


@pytest.mark.slow
def test_words_of_a_voice_lie_inside_the_sound_and_follow_each_other(pocketsphinx):
    samples = make_talk(3.0)
    pocketsphinx(samples)
    words = pocketsphinx(samples)  # it has got used to the voice
    assert words
    times = [time for word in words for time in (word.from_s, word.to_s)]
    assert times == sorted(times)
    assert all(0 <= time <= 3.01 for time in times)
    assert all(0 <= word.confidence <= 1 for word in words)
    assert not any(set(word.text) & set("<>[]()") for word in words)


@pytest.mark.slow
def test_silence_and_scraps_have_no_words(pocketsphinx):
    assert pocketsphinx(np.zeros(16_000, np.float32)) == ()
    assert pocketsphinx(np.ones(100, np.float32)) == ()


def test_off_and_the_default_need_nothing():
    check_transcriber("off")
    check_transcriber("pocketsphinx")


def test_a_missing_library_is_said_at_start_with_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(ModelError, match=r"faster-whisper is not installed: \.venv/bin/pip install faster-whisper"):
        load_transcriber("small.en")


class FakeWhisper(ModuleType):
    """The part of faster_whisper's interface that is used (version 1.1)."""

    def __init__(self):
        super().__init__("faster_whisper")
        self.__spec__ = SimpleNamespace(name="faster_whisper")
        self.made = []
        self.asked = []
        fake = self

        class WhisperModel:
            def __init__(self, model_size_or_path, *, device, compute_type, cpu_threads):
                if model_size_or_path == "none":
                    raise OSError("no such model")
                fake.made.append((model_size_or_path, device))

            def transcribe(self, audio, **options):
                fake.asked.append((audio, options))
                word = SimpleNamespace(word=" Hello,", start=0.25, end=0.5, probability=0.875)
                blank = SimpleNamespace(word=" ", start=0.5, end=0.5, probability=0.5)
                return iter([SimpleNamespace(words=[word, blank]), SimpleNamespace(words=None)]), None

        self.WhisperModel = WhisperModel


@pytest.fixture
def whisper(monkeypatch):
    fake = FakeWhisper()
    monkeypatch.setitem(sys.modules, "faster_whisper", fake)
    return fake


def test_whisper_gives_words_with_times_and_probabilities(whisper):
    transcribe = WhisperTranscriber("small.en")
    (word,) = transcribe(np.zeros(16_000, np.float32))
    assert (word.text, word.from_s, word.to_s, word.confidence) == ("Hello,", 0.25, 0.5, 0.875)
    assert transcribe.version == "faster-whisper small.en"
    assert whisper.made == [("small.en", "cpu")]
    assert whisper.asked[0][1]["word_timestamps"] is True


def test_a_whisper_model_that_cannot_be_loaded_is_one_error(whisper):
    with pytest.raises(ModelError, match="'none' could not be loaded: no such model"):
        WhisperTranscriber("none")


def test_a_folder_without_a_model_is_said_at_start(whisper, tmp_path):
    with pytest.raises(ModelError, match=r"model\.bin is missing"):
        check_transcriber(str(tmp_path))
    (tmp_path / "model.bin").touch()
    check_transcriber(str(tmp_path))
