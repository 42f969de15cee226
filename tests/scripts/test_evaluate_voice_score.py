import json
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.types import SAMPLE_RATE_HZ
from scripts.evaluate_voice_score import Scored, main, parse_actors, share_in_range
from scripts.evaluate_voice_score_clips import load_sound, pass_through_opus
from tests.fakes.sounds import write_flac
from tests.fakes.vowels import make_noise, make_talk

EMOTIONS = {"01": "neutral", "05": "angry"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four clips of one synthetic actor: neutral and angry, twice each, with a moment of room noise around."""
    lines = ["file,emotion_code,emotion,intensity,statement,actor"]
    room = make_noise(SAMPLE_RATE_HZ // 2, 1e-4)
    for code, intensity in (("01", "01"), ("05", "02")):
        for repetition in ("01", "02"):
            name = f"03-01-{code}-{intensity}-01-{repetition}-01.flac"
            lines.append(f"{name},{code},{EMOTIONS[code]},{intensity},01,01")
            loud = {"f0_hz": 216.0, "melody_semitones": 5.0, "rms": 0.16, "brightness": 0.5} if code == "05" else {}
            write_flac(tmp_path / name, np.concatenate((room, make_talk(3.5, **loud), room)))
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_the_figures_of_a_synthetic_actor(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["evaluate_voice_score", "--data", str(data), "--json"])
    main()
    figures = json.loads(capsys.readouterr().out)
    assert figures == {"n": 12, "silence": 1.0, "normal": 1.0, "quiet": 1.0, "stressed": 1.0}


def test_flac_is_read_as_written(tmp_path: Path) -> None:
    sound = make_talk(1.0)
    write_flac(tmp_path / "a.flac", sound)
    assert load_sound(tmp_path / "a.flac") == pytest.approx(sound, abs=1e-4)


def test_opus_keeps_length_and_level() -> None:
    sound = make_talk(2.0)
    decoded = pass_through_opus(sound)
    assert len(decoded) == pytest.approx(len(sound), abs=0.05 * SAMPLE_RATE_HZ)
    assert np.sqrt(np.mean(decoded**2)) == pytest.approx(np.sqrt(np.mean(sound**2)), rel=0.15)
    assert not np.array_equal(decoded[: len(sound)], sound)


def test_actors_are_read_as_a_range() -> None:
    assert list(parse_actors("11-13")) == [11, 12, 13]
    assert list(parse_actors("7")) == [7]


@pytest.mark.parametrize(
    ("kind", "score", "is_in_range"),
    [
        ("silence", 0.0, True), ("silence", 0.10, False), ("normal", 0.25, True), ("normal", 0.45, False),
        ("quiet", 0.2, True), ("quiet", 0.25, False), ("quiet", None, False), ("stressed", 0.66, True),
        ("stressed", 0.6, False), ("stressed", 1.0, True),
    ],
)  # fmt: skip
def test_ranges_of_the_calibration_table(kind: str, score: float | None, is_in_range: bool) -> None:
    item = Scored(kind=kind, actor=1, score=score)
    assert item.is_in_range is is_in_range
    assert share_in_range([item], kind) == float(is_in_range)
    assert share_in_range([], kind) is None
