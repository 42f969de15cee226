import csv
import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.types import SAMPLE_RATE_HZ, VOICE_EMOTIONS
from scripts.evaluate_voice import changes, open_networks
from scripts.evaluate_voice_figures import voice_figures
from scripts.train_voice_augment import add_noise, change_speed, damage_sound
from scripts.train_voice_data import load_voices, read_clips
from tests.fakes.vowels import make_talk, make_vowel

EVALUATE = Path(__file__).resolve().parents[2] / "scripts" / "evaluate_voice"


def write_wav(path: Path, sound: np.ndarray) -> None:
    with av.open(str(path), "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=SAMPLE_RATE_HZ, layout="mono")
        pcm = np.round(np.clip(sound, -1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    """Three clips of two actors who are not in the training data, and one that is silent."""
    rows = [("a.wav", "angry", 31), ("b.wav", "calm", 31), ("c.wav", "fear", 32), ("d.wav", "neutral", 32)]
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "emotion", "actor"), *rows])
    for i, (name, *_) in enumerate(rows):
        write_wav(tmp_path / name, make_talk(2.0, f0_hz=110 + 40 * i) if i < 3 else np.zeros(SAMPLE_RATE_HZ))
    return tmp_path


def one_hot(*answers: str) -> np.ndarray:
    shares = np.full((len(answers), len(VOICE_EMOTIONS)), 0.05, np.float32)
    for row, answer in enumerate(answers):
        shares[row, VOICE_EMOTIONS.index(answer)] = 0.65
    return shares


def test_figures_by_hand():
    truth = ("angry", "angry", "angry", "calm", "happy", "disgust")
    answers = ("angry", "fearful", "calm", "neutral", "happy", "disgust")
    labels = np.array([VOICE_EMOTIONS.index(name) for name in truth])
    actors = np.array([1, 1, 2, 2, 2, 2])
    result = voice_figures(one_hot(*answers), labels, actors)
    assert result["n"] == 6
    assert result["uar"] == pytest.approx((1 / 3 + 0 + 1 + 1) / 4, abs=1e-4)
    assert result["three_level_accuracy"] == pytest.approx(5 / 6, abs=1e-4)
    assert result["three_level_uar"] == pytest.approx((2 / 3 + 1 + 1) / 3, abs=1e-4)
    assert result["three_level_confusion"] == [[2, 0, 0], [0, 1, 0], [1, 0, 2]]
    assert result["uar_by_actor"] == {"1": 0.5, "2": 0.5}
    # Four of six answers have the level share 0.75 and two (disgust alone with surprised: 0.70; high: 0.75).
    confidence = np.array([0.75, 0.75, 0.75, 0.75, 0.75, 0.70])
    right = np.array([1, 1, 0, 1, 1, 1])
    bins = np.minimum((confidence * 15).astype(int), 14)
    expected = sum(abs((right - confidence)[bins == b].sum()) for b in set(bins.tolist())) / 6
    assert result["three_level_ece"] == pytest.approx(expected, abs=1e-3)
    low, high = result["uar_ci95"]
    assert low <= result["uar"] <= high


def test_labels_may_be_spelt_otherwise_and_nothing_else_is_taken(voices):
    assert [VOICE_EMOTIONS[clip.label] for clip in read_clips(voices)] == ["angry", "calm", "fearful", "neutral"]
    (voices / "labels.csv").write_text("file,emotion,actor\na.wav,bored,31\n")
    with pytest.raises(ValueError, match=r"must be among neutral.*got bored"):
        read_clips(voices)


def test_clips_are_prepared_once_clean_and_damaged(voices, tmp_path):
    cache = tmp_path / "cache"
    made = load_voices(voices, cache, 1)
    assert [rows.shape[1] > 60 for rows in made.copies[0]] == [True, True, True, False]
    assert np.abs(made.copies[0][0].mean(axis=1) - made.copies[1][0].mean(axis=1)).max() > 0.05
    for path in voices.glob("*.wav"):
        path.unlink()
    again = load_voices(voices, cache, 1)
    np.testing.assert_array_equal(again.copies[1][2], made.copies[1][2])


def test_damage_is_repeatable_and_keeps_full_scale():
    talk = make_talk(2.0)
    for seed in range(4):
        damaged = damage_sound(talk, np.random.default_rng(seed))
        assert np.isfinite(damaged).all()
        assert len(damaged) > SAMPLE_RATE_HZ
        np.testing.assert_array_equal(damaged, damage_sound(talk, np.random.default_rng(seed)))


def test_playing_faster_raises_the_pitch():
    slow = make_vowel(np.full(SAMPLE_RATE_HZ, 100.0))
    fast = change_speed(slow, 1.25)
    assert len(fast) == pytest.approx(len(slow) / 1.25, abs=1)
    spectrum = np.abs(np.fft.rfft(fast[:8000]))
    at_125_hz, at_100_hz = (spectrum[round(f_hz / 2) - 1 : round(f_hz / 2) + 2].max() for f_hz in (125, 100))
    assert at_125_hz > 10 * at_100_hz


def test_noise_has_the_asked_level():
    vowel = make_vowel(np.full(SAMPLE_RATE_HZ, 150.0), rms=0.1)
    noise = add_noise(vowel, 10.0, np.random.default_rng(0)) - vowel
    snr_db = 20 * np.log10(0.1 / noise.std())
    assert snr_db == pytest.approx(10, abs=3)


def test_every_change_of_the_damage_table_changes_the_sound():
    talk = make_talk(1.0)
    for name, change in changes().items():
        assert np.abs(change(talk)[: len(talk)] - talk[: len(change(talk))]).max() > 1e-3, name


def test_an_actor_of_no_fold_is_named(tmp_path):
    (tmp_path / "folds.json").write_text("{}")
    with pytest.raises(ValueError, match="leaves out no actor 31"):
        open_networks({31}, None, tmp_path)


def evaluate(*options: str) -> subprocess.CompletedProcess[str]:
    command = [str(EVALUATE), *options]
    return subprocess.run(
        command, capture_output=True, text=True, env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}
    )


def test_the_script_prints_one_line_of_json(voices):
    done = evaluate("--data", str(voices), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert {"uar", "three_level_accuracy", "after_opus", "ms_per_second", "parameters", "uar_by_actor"} <= set(result)
    assert (result["n"], result["n_too_short"], result["is_speaker_disjoint"]) == (4, 1, True)
    assert {"kbps", "uar", "three_level_accuracy", "uar_points_lost"} <= set(result["after_opus"])
    assert done.stderr == ""


def test_actors_it_was_trained_on_are_said(voices):
    text = (voices / "labels.csv").read_text()
    (voices / "labels.csv").write_text(text.replace("31", "03"))
    done = evaluate("--data", str(voices), "--json")
    result = json.loads(done.stdout)
    assert (result["is_speaker_disjoint"], result["actors_trained_on"]) == (False, [3])
    assert "trained on actors [3]" in done.stderr


@pytest.mark.parametrize("content", [None, "file,emotion\na.wav,calm\n", "file,emotion,actor\nmissing.wav,calm,1\n"])
def test_bad_data_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "labels.csv").write_text(content)
    done = evaluate("--data", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("evaluate_voice: ")
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_network_is_named(voices, tmp_path):
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"weights")
    done = evaluate("--data", str(voices), "--model", str(wrong))
    assert (done.returncode, "wrong.onnx is not a usable ONNX" in done.stderr) == (2, True)
