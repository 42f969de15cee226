"""The figures a track gives about itself, from simulated streams whose truth is known."""

import pytest

from server.media import Codec, Kind
from server.rtc.arrivals import Arrivals, Freezes
from tests.fakes.rtc_packets import KEY, packet
from tests.fakes.uplink import Line, Uplink


def figures(uplink, kind=Kind.VIDEO):
    return uplink.publisher.tracks[kind].statistics()


def test_a_clean_stream():
    uplink = Uplink(Line())
    uplink.time.advance(20.0)
    for kind, per_s in ((Kind.VIDEO, 150), (Kind.AUDIO, 50)):
        told = figures(uplink, kind)
        assert (told.packets_lost, told.packets_repaired, told.nacks, told.loss_share) == (0, 0, 0, 0.0)
        assert told.packets == pytest.approx(20 * per_s, rel=0.01)
        assert told.bits_per_s == pytest.approx(8 * told.bytes / 20, rel=0.1)
        assert told.frozen_s == told.buffered_packets == 0
    assert figures(uplink, Kind.AUDIO).jitter_s < 1e-6


@pytest.mark.parametrize("loss", [0.02, 0.1])
def test_loss_is_what_did_not_come_at_first(loss):
    uplink = Uplink(Line(loss=loss))
    uplink.time.advance(5.0)
    shares = []
    for _ in range(12):
        uplink.time.advance(5.0)
        shares.append(figures(uplink).loss_share)
    assert sum(shares) / len(shares) == pytest.approx(loss, rel=0.25)
    told = figures(uplink)
    assert told.packets_repaired == pytest.approx(loss * told.packets, rel=0.25)
    assert told.nacks >= told.packets_repaired
    assert told.packets_lost <= 0.1 * told.packets_repaired
    sound = figures(uplink, Kind.AUDIO)
    assert sound.packets_lost == pytest.approx(loss * 65 * 50, rel=0.3)
    assert sound.packets_repaired == sound.nacks == 0


def test_jitter_as_rfc_3550_has_it():
    arrivals = Arrivals(48_000)
    for n in range(1000):
        item = packet(n, codec=Codec.OPUS, timestamp=960 * n, arrival_s=0.02 * n + 0.03 * (n % 2))
        arrivals.add(item, is_retransmission=False)
    assert arrivals.jitter_s == pytest.approx(0.03, abs=0.001)


def test_the_time_a_picture_stood_is_counted_whether_or_not_anybody_watches():
    uplink = Uplink(Line())
    uplink.time.advance(5.0)
    uplink.line.loss = 1.0
    uplink.time.advance(1.5)
    uplink.line.loss = 0.0
    # The outage, the way up, a request that waits for the last packet given up, and the key frame it brings.
    uplink.time.advance(5.0)
    assert figures(uplink).frozen_s == pytest.approx(1.5 - 0.3 + 0.1, abs=0.1)


def test_a_freeze_that_lasts_is_counted_as_it_goes_on():
    uplink = Uplink(Line())
    uplink.time.advance(5.0)
    uplink.force_keyframe = lambda: None
    uplink.line.loss = 1.0
    uplink.time.advance(0.1)
    uplink.line.loss = 0.0
    uplink.send_again = lambda kind, seq: None
    uplink.time.advance(2.0)
    told = figures(uplink)
    assert told.frozen_s == pytest.approx(2.1 - 0.3, abs=0.1)
    assert told.buffered_packets > 200


def test_a_publisher_who_is_silent_for_long_is_interrupted_not_frozen():
    uplink = Uplink(Line())
    uplink.time.advance(5.0)
    uplink.is_sending = False
    uplink.time.advance(60.0)
    uplink.is_sending = True
    uplink.time.advance(5.0)
    assert figures(uplink).frozen_s == 0.0


def test_a_sender_that_makes_a_picture_a_second_is_not_frozen():
    """A camera that is off sends a black picture now and then."""
    history = {}
    freezes = Freezes(90_000, history.get)
    for n in range(20):
        item = packet(n, payload=KEY, timestamp=90_000 * n, arrival_s=float(n))
        history[n] = item
        freezes.add(item)
    assert freezes.frozen_s(19.0) == 0.0


def test_numbers_that_leap_cost_no_time():
    freezes = Freezes(90_000, lambda seq: None)
    freezes.add(packet(1, payload=KEY, arrival_s=0.0))
    freezes.add(packet(10**12, arrival_s=0.1))
    assert freezes.n_waiting() == 0
