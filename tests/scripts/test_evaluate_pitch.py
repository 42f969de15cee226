import json
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.types import SAMPLE_RATE_HZ
from scripts import evaluate_pitch
from scripts.evaluate_pitch_figures import align_pitch, compare_pitch
from scripts.evaluate_pitch_speech import BIT_RATES, raised_errors, read_speech, speech_errors
from scripts.evaluate_pitch_vowels import F0_HZ, RATE_HZ, make_vowels
from tests.fakes.sounds import write_flac
from tests.fakes.vowels import make_talk


def test_errors_are_counted_by_name() -> None:
    reference = np.array([100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 0.0, 0.0])
    estimate = np.array([101.0, 119.0, 131.0, 50.0, 205.0, 0.0, 80.0, 0.0])
    errors = compare_pitch(estimate, reference)
    assert (errors.n_both, errors.n_gross, errors.n_down, errors.n_up) == (5, 3, 1, 1)
    assert errors.gross_error == 0.6
    assert errors.found == pytest.approx(5 / 6, abs=1e-4)
    assert (errors + errors).n_gross == 6
    assert compare_pitch(np.zeros(3), np.ones(3)).gross_error is None


def test_curves_are_compared_at_the_same_moments() -> None:
    t_s, f0_hz = np.array([0.1, 0.11, 0.12]), np.array([100.0, 110.0, 120.0])
    assert align_pitch(t_s, f0_hz, np.array([0.0, 0.1049, 0.1051, 0.9])).tolist() == [100.0, 100.0, 110.0, 120.0]
    assert align_pitch(np.zeros(0), np.zeros(0), np.zeros(2)).tolist() == [0.0, 0.0]


def test_vowels_have_the_pitch_and_noise_they_say() -> None:
    clean, noisy = (list(make_vowels(snr_db, duration_s=0.1, vowels="a")) for snr_db in (200.0, 10.0))
    assert len(clean) == 3 * len(F0_HZ)
    assert min(vowel.f0_hz.min() for vowel in clean) == pytest.approx(60.0, rel=0.02)
    assert max(vowel.f0_hz.max() for vowel in clean) == pytest.approx(500.0, rel=0.02)
    for vowel, with_noise in zip(clean, noisy, strict=True):
        assert len(vowel.samples) == len(vowel.f0_hz) == RATE_HZ // 10
        assert np.array_equal(vowel.f0_hz, with_noise.f0_hz)
        noise = with_noise.samples - vowel.samples
        assert np.sqrt(np.mean(vowel.samples**2) / np.mean(noise**2)) == pytest.approx(10**0.5, rel=0.1)


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    for name, f0_hz in (("a", 110.0), ("b", 210.0)):
        write_flac(tmp_path / f"{name}.flac", make_talk(2.0, f0_hz=f0_hz))
    write_flac(tmp_path / "short.flac", make_talk(0.3))
    return tmp_path


@pytest.mark.slow
def test_speech_is_compared_before_and_after_opus(speech: Path) -> None:
    sounds = read_speech(speech, 100)
    assert [len(sound) / SAMPLE_RATE_HZ for sound in sounds] == [2.0, 2.0]
    rows = list(speech_errors(sounds))
    assert [row.opus_bit_s for row in rows] == list(BIT_RATES)
    assert all(row.gross_error is not None and row.gross_error < 0.02 for row in rows)
    assert all(row.praat_gross_error is not None and row.praat_gross_error < 0.02 for row in rows)


def test_a_raised_voice_is_followed_after_calm_speech(tmp_path: Path) -> None:
    lines = ["file,emotion,intensity,statement,actor"]
    for code, emotion, intensity, f0_hz in (("01", "neutral", "01", 120.0), ("05", "angry", "02", 260.0)):
        lines.append(f"03-01-{code}-{intensity}-01-01-01.flac,{emotion},{intensity},01,1")
        write_flac(tmp_path / f"03-01-{code}-{intensity}-01-01-01.flac", make_talk(3.0, f0_hz=f0_hz))
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    rows = {row.emotion: row for row in raised_errors(tmp_path, 1)}
    assert rows["sad"].gross_error is None
    angry = rows["angry"]
    assert angry.gross_error is not None
    assert angry.gross_error < 0.02
    assert angry.hard_range_gross_error is not None
    assert angry.hard_range_gross_error > 0.5


def test_a_folder_without_speech_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no FLAC or WAV file in"):
        read_speech(tmp_path, 10)


@pytest.mark.slow
def test_the_figures_as_json(speech: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(evaluate_pitch, "VOWEL_S", 0.1)
    monkeypatch.setattr(evaluate_pitch, "SNRS_DB", (5.0,))
    monkeypatch.setattr(sys, "argv", ["evaluate_pitch", "--data", str(speech), "--json"])
    evaluate_pitch.main()
    figures = json.loads(capsys.readouterr().out)
    assert [row["snr_db"] for row in figures["rows"]] == [5.0]
    assert {"gross_error", "octave_down", "octave_up", "praat_gross_error"} < set(figures["rows"][0])
    assert figures["cost"]["ms_per_s"] > 0
    assert len(figures["speech"]) == len(BIT_RATES)
