from dataclasses import replace

import numpy as np
import pytest

from pipeline.audio.reading import read_voice
from pipeline.audio.score import Range
from pipeline.audio.voice import SpeechFrames, VoiceWindow
from pipeline.types import Reason
from tests.pipeline.audio.test_score import MIDDLE, RANGES, SILENT

NONE = np.zeros(0)
FRAMES = SpeechFrames(t_s=NONE, rms=NONE, centroid_hz=NONE, f0_hz=NONE)
TALK = VoiceWindow(features=MIDDLE, speech=FRAMES, measured_s=3.0, is_noisy=False)
SILENCE = VoiceWindow(features=SILENT, speech=FRAMES, measured_s=3.0, is_noisy=False)


def test_clear_speech_is_fully_trusted() -> None:
    view = read_voice(TALK, RANGES, 1.0, 0.1, has_gap=False)
    assert view.reading.value == pytest.approx(0.5)
    assert view.reading.quality == 1.0
    assert view.reading.reason is Reason.OK
    assert view.reading.age_s == 0.1
    assert sum(view.parts.values()) == view.reading.value


@pytest.mark.parametrize(
    ("snr_db", "quality", "reason"), [(15.0, 0.75, Reason.OK), (8.0, 0.4, Reason.NOISE), (-3.0, 0.0, Reason.NOISE)]
)
def test_noise_lowers_the_quality(snr_db: float, quality: float, reason: Reason) -> None:
    window = replace(TALK, features=replace(MIDDLE, snr_db=snr_db))
    reading = read_voice(window, RANGES, 1.0, 0.0, has_gap=False).reading
    assert reading.quality == pytest.approx(quality)
    assert reading.reason is reason


@pytest.mark.parametrize(
    ("under_db", "share", "reason"), [(7, 1.0, Reason.OK), (14, 0.5, Reason.FAINT), (25, 0.0, Reason.FAINT)]
)
def test_a_voice_far_weaker_than_the_persons_own_is_not_trusted(under_db: int, share: float, reason: Reason) -> None:
    ranges = replace(RANGES, energy_db=Range(minimum=-50.0, maximum=-18.0))  # around -30 dB
    window = replace(TALK, features=replace(MIDDLE, rms=10 ** ((-30 - under_db) / 20)))
    reading = read_voice(window, ranges, 1.0, 0.0, has_gap=False).reading
    assert reading.quality == pytest.approx(share, abs=0.01)
    assert reading.reason is reason


def test_little_speech_lowers_the_quality() -> None:
    window = replace(TALK, features=replace(MIDDLE, speech_share=0.2))
    assert read_voice(window, RANGES, 1.0, 0.0, has_gap=False).reading.quality == pytest.approx(0.6)


def test_silence_is_no_value() -> None:
    reading = read_voice(SILENCE, RANGES, 1.0, 0.0, has_gap=False).reading
    assert (reading.value, reading.quality, reading.reason) == (None, 0.0, Reason.SILENCE)


def test_noise_without_a_voice_is_no_value() -> None:
    reading = read_voice(replace(SILENCE, is_noisy=True), RANGES, 1.0, 0.0, has_gap=False).reading
    assert (reading.value, reading.reason) == (None, Reason.NOISE)


def test_a_window_that_is_mostly_lost_is_a_gap_and_not_silence() -> None:
    mostly_lost = replace(SILENCE, measured_s=1.0)
    assert read_voice(mostly_lost, RANGES, 1.0, 0.0, has_gap=True).reading.reason is Reason.GAP
    assert read_voice(mostly_lost, RANGES, 1.0, 0.0, has_gap=False).reading.reason is Reason.SILENCE


def test_calibration_is_said_and_counts_against_the_quality() -> None:
    before = read_voice(TALK, None, 0.1, 0.0, has_gap=False).reading
    assert (before.value, before.quality, before.reason) == (None, 0.0, Reason.CALIBRATING)
    during = read_voice(TALK, RANGES, 0.5, 0.0, has_gap=False).reading
    assert (during.quality, during.reason) == (0.5, Reason.CALIBRATING)
