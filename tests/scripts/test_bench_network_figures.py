import pytest

from scripts.bench_network_figures import Window, audio_lag_s, audio_lost, decodable_s, freezes
from scripts.bench_network_media import Sent

WINDOW = Window(from_s=0.0, to_s=10.0, settled_s=2.0)


def sounds(n=500):
    return [Sent(0.02 * i, b"sound" + i.to_bytes(4, "big"), True) for i in range(n)]


def pictures(n=300, keys=(0,)):
    return [Sent(i / 30, b"picture" + i.to_bytes(4, "big"), i in keys) for i in range(n)]


def handed(sent, *, delay_s=0.025, without=()):
    return [(frame.at_s + delay_s, frame.data) for i, frame in enumerate(sent) if i not in without]


def test_lost_sounds_are_those_never_handed_out():
    sent = sounds()
    assert audio_lost(sent, handed(sent), WINDOW) == 0
    assert audio_lost(sent, handed(sent, without=range(100, 125)), WINDOW) == pytest.approx(0.05)


def test_sounds_sent_outside_the_window_do_not_count():
    sent = sounds(1000)
    assert audio_lost(sent, handed(sent, without=range(500, 1000)), WINDOW) == 0


def test_lag_is_what_comes_on_top_of_the_network():
    sent = sounds()
    assert audio_lag_s(sent, handed(sent, delay_s=0.105), WINDOW, 0.025) == pytest.approx(0.08)
    assert audio_lag_s(sent, [], WINDOW, 0.025) is None


def test_a_sound_that_repeats_is_taken_for_the_newest_one_sent():
    sent = [Sent(0.02 * i, b"same" if i % 50 == 0 else bytes([i % 50]), True) for i in range(500)]
    assert audio_lag_s(sent, handed(sent), WINDOW, 0.025) == pytest.approx(0, abs=1e-9)


def test_pictures_after_a_lost_one_cannot_be_decoded_until_the_next_key_frame():
    sent = pictures(keys=(0, 60))
    times_s = decodable_s(sent, handed(sent, without=(50,)))
    shown = [round((at_s - 0.025) * 30) for at_s in times_s]
    assert shown == [*range(50), *range(60, 300)]


def test_a_picture_that_is_not_whole_breaks_the_chain():
    sent = pictures(keys=(0, 20))
    out = handed(sent)
    out[10] = (out[10][0], out[10][1][3:])
    assert len(decodable_s(sent, out)) == 290


def test_what_is_no_picture_at_all_is_none():
    sent = pictures()
    assert decodable_s(sent, [(0.1, b""), (0.2, b"\xff\xff\xff\xff")]) == []


def test_frozen_is_what_goes_beyond_300_ms():
    times_s = [i / 30 for i in range(300) if not 100 <= i < 130]  # a gap of 31 pictures
    frozen, longest_s = freezes(times_s, WINDOW)
    assert longest_s == pytest.approx(31 / 30)
    assert frozen == pytest.approx((31 / 30 - 0.3) / 10)


def test_no_picture_at_all_is_one_long_freeze():
    assert freezes([], WINDOW) == (pytest.approx(0.97), 10.0)
