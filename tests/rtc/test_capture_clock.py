import random

import pytest

from server.rtc.capture_clock import CaptureClock, SenderClock

RATE = 90_000
NTP = 1 << 32


def test_without_reports_the_fastest_packet_tells():
    clock = CaptureClock(RATE, SenderClock())
    rng = random.Random(3)
    captured = [n / 30 for n in range(300)]
    delays = [0.02 + rng.random() * 0.2 for _ in captured]
    delays[5] = 0.02
    estimates = [clock.capture_s(round(t * RATE), 50 + t + d) for t, d in zip(captured, delays, strict=True)]
    errors = [e - (50 + t + 0.02) for e, t in zip(estimates[5:150], captured[5:150], strict=True)]
    assert max(abs(error) for error in errors) < 0.001


def test_reports_make_audio_and_video_agree():
    sender = SenderClock()
    video, audio = CaptureClock(90_000, sender), CaptureClock(48_000, sender)
    ntp_s = 4_000_000_000.0
    # The video's RTP clock starts at 5 s, the audio's at 9 s; both were captured at the same NTP times.
    video.report(5 * 90_000, int(ntp_s * NTP), 200.05)
    audio.report(9 * 48_000, int(ntp_s * NTP), 200.03)
    assert video.capture_s(6 * 90_000, 201.3) == pytest.approx(201.03)
    assert audio.capture_s(10 * 48_000, 201.1) == pytest.approx(201.03)


def test_capture_is_never_after_arrival():
    sender = SenderClock()
    clock = CaptureClock(RATE, sender)
    clock.report(0, 10 * NTP, 100.5)
    assert clock.capture_s(RATE, 101.2) == 101.2


def test_a_report_without_time_or_with_nonsense_is_not_believed():
    clock = CaptureClock(RATE, SenderClock())
    clock.report(0, 0, 100.0)
    assert clock.capture_s(0, 100.0) == 100.0
    clock.report(RATE * 5000, 77 * NTP, 100.0)
    assert clock.capture_s(RATE, 101.0) == pytest.approx(101.0)


def test_what_is_reported_keeps_its_distance_from_the_senders_clock():
    sender = SenderClock()
    clock = CaptureClock(RATE, sender)
    assert clock.reported_s(0, 100.0) is None
    clock.report(0, 10 * NTP, 100.2)  # delayed by 0.2 s
    assert clock.reported_s(RATE, 101.05) == pytest.approx(101.2)
    clock.report(RATE, 11 * NTP, 101.0)  # not delayed: the best guess jumps, what is reported does not
    assert clock.capture_s(2 * RATE, 102.05) == pytest.approx(102.0)
    assert clock.reported_s(2 * RATE, 102.05) == pytest.approx(102.2, abs=0.001)


def test_what_is_reported_follows_a_clock_that_runs_away():
    sender = SenderClock()
    clock = CaptureClock(RATE, sender)
    for second in range(3600):
        clock.report(second * RATE, second * NTP, 100.0 + 1.0001 * second)
    assert clock.reported_s(3600 * RATE, 3700.36) == pytest.approx(3700.36, abs=0.05)


def test_what_is_reported_follows_a_clock_that_was_set():
    sender = SenderClock()
    clock = CaptureClock(RATE, sender)
    clock.report(0, 10 * NTP, 100.0)
    clock.report(RATE, 5000 * NTP, 101.0)
    assert clock.reported_s(2 * RATE, 102.0) == pytest.approx(102.0)
