import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from scripts import evaluate_pulse
from scripts.pulse_portraits import COLOUR_RATIO, draw_subject, pulse_wave
from server.demo.portrait import Portrait, Pose

FPS, SECONDS, WINDOW_S = 20, 14, 12.0
SUBJECT = draw_subject(8)


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> tuple[Path, Path]:
    """A video of a still face with a pulse of 73 bpm in all its colours, and what a contact sensor says meanwhile."""
    folder = tmp_path_factory.mktemp("pulse")
    t_s = np.arange(FPS * SECONDS) / FPS
    wave, rate_bpm = pulse_wave(SUBJECT, t_s)
    face = cv2.resize(Portrait().render(Pose(smile_lost=0.5)), (320, 240), interpolation=cv2.INTER_AREA) * 0.8
    rng = np.random.default_rng(1)
    with av.open(str(folder / "face.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = 320, 240, "yuv420p", 1
        stream.options = {"crf": "8", "preset": "ultrafast"}
        for value in wave:
            # Sensor noise carries a change of less than a level through the rounding to whole ones.
            seen = face * (1 + 0.004 * COLOUR_RATIO * value) + rng.normal(0, 2, face.shape)
            picture = av.VideoFrame.from_ndarray(np.clip(np.rint(seen), 0, 255).astype(np.uint8), format="rgb24")
            file.mux(stream.encode(picture))
        file.mux(stream.encode())
    every_second = slice(None, None, FPS)
    rows = np.column_stack((t_s[every_second], rate_bpm[every_second]))
    np.savetxt(folder / "sensor.csv", rows, delimiter=",", header="t_s,bpm", comments="")
    return folder / "face.mp4", folder / "sensor.csv"


def evaluate(monkeypatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["evaluate_pulse", *map(str, arguments)])
    return evaluate_pulse.main()


def test_a_recording_is_measured_beside_its_reference(recording, monkeypatch, capsys):
    video, reference = recording
    assert evaluate(monkeypatch, "--video", video, "--reference", reference, "--window", WINDOW_S, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["n_windows"] == 2
    assert figures["coverage"] == 1.0
    assert figures["mae_bpm"] < 3
    assert (figures["n_wrong"], figures["wrong_refused"]) == (0, None)


def test_a_recording_that_cannot_be_judged_is_refused_in_words(recording, monkeypatch, capsys, tmp_path):
    video, reference = recording
    (tmp_path / "other.csv").write_text("time,rate\n0,70\n1,70\n")
    assert evaluate(monkeypatch, "--video", video, "--reference", tmp_path / "other.csv") == 2
    assert "t_s and bpm" in capsys.readouterr().err
    assert evaluate(monkeypatch, "--video", tmp_path / "none.mp4", "--reference", reference) == 2
    with pytest.raises(SystemExit):
        evaluate(monkeypatch, "--video", video)


def test_figures_count_what_was_said_and_what_was_refused(monkeypatch):
    def window(rate_bpm: float, quality: float) -> evaluate_pulse.Judged:
        reason = evaluate_pulse.Reason.OK if quality >= 0.3 else evaluate_pulse.Reason.WEAK
        reading = evaluate_pulse.RateReading(
            rate_bpm=rate_bpm, snr_db=0.0, method="green", quality=quality, reason=reason
        )
        return evaluate_pulse.Judged(reading=reading, truth_bpm=70.0)

    figures = evaluate_pulse.summarise([window(71, 0.9), window(73, 0.5), window(90, 0.1), window(50, 0.4)])
    assert figures["coverage"] == 0.75
    assert figures["mae_bpm"] == 8.0
    assert figures["wrong_refused"] == 0.5
    assert evaluate_pulse.summarise([])["coverage"] is None
