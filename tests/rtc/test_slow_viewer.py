"""One viewer whose connection is slow, from its reports to what it is sent."""

import itertools

import pytest

from server.media import Codec
from server.rtc.budget import SILENT_S
from server.rtc.layers import ALL_LAYERS
from server.rtc.outgoing import SLOW_KEYFRAME_PAUSE_S
from server.rtc.vp8 import parse_descriptor
from tests.fakes.layered import layer_of, layered, picture_of
from tests.fakes.rtc_packets import packet
from tests.rtc.test_outgoing import Bench, delta, key

COSTS = [400_000.0, 700_000.0, 1_400_000.0]


def busy(bench, n_bytes=175_000):
    """Let the viewer have been sent so much in the last second."""
    bench.track._rate.add(n_bytes, bench.time() - 0.5)


def report(bench, bits_per_s):
    busy(bench)
    bench.track.on_estimate(bits_per_s)


def sent_layers(bench, since=0):
    return {layer_of(outgoing.payload) for outgoing in bench.port.sent[since:]}


def test_a_slow_viewer_gets_fewer_pictures_without_a_gap():
    bench = Bench()
    bench.costs_bps = COSTS
    packets = layered(80)
    bench.forward(*packets[:40])
    assert sent_layers(bench) == {0, 1, 2}
    report(bench, 450_000)
    assert bench.track.budget_bps == 450_000
    assert bench.n_budgets == 1
    n_before = len(bench.port.sent)
    bench.forward(*packets[40:])
    bench.time.advance(1)
    assert sent_layers(bench, n_before) == {0}
    first = bench.seqs()[0]
    assert [(seq - first) & 0xFFFF for seq in bench.seqs()] == list(range(len(bench.port.sent)))
    ids = [parse_descriptor(outgoing.payload).picture_id for outgoing in bench.port.sent[::2]]
    assert all((b - a) & 0x7FFF == 1 for a, b in itertools.pairwise(ids))
    assert bench.track.statistics().layer == 0
    assert bench.track.statistics().packets_dropped == bench.counters.packets_withheld > 40


def test_retransmissions_are_the_same_bytes():
    bench = Bench()
    bench.costs_bps = COSTS
    packets = layered(80)
    bench.forward(*packets[:40])
    report(bench, 450_000)
    bench.forward(*packets[40:])
    bench.time.advance(1)
    assert bench.track.n_queued == 0
    for outgoing in bench.port.sent:
        bench.track.on_nack([outgoing.sequence_number])
    assert [(o.sequence_number, o.timestamp, o.payload) for o in bench.port.resent] == [
        (o.sequence_number, o.timestamp, o.payload) for o in bench.port.sent
    ]
    assert bench.track.statistics().packets_sent_again == len(bench.port.sent)


def test_a_full_link_is_not_filled_with_retransmissions():
    bench = Bench()
    bench.costs_bps = [300_000.0]
    bench.forward(key(1), *(packet(seq, payload=b"\x10\x01" + bytes(1000)) for seq in range(2, 300)))
    for _ in range(50):
        report(bench, 450_000)
        bench.track.on_report(loss_share=0.05, highest_seq=bench.seqs()[-1], jitter_s=0.1, rtt_s=0.4)
        for seq in bench.seqs():
            bench.track.on_nack([seq])
        bench.time.advance(0.1)
    resent_bps = 8 * sum(len(outgoing.payload) for outgoing in bench.port.resent) / 5
    assert 100_000 < resent_bps < 260_000, "half of what the connection carries"
    assert bench.counters.packets_not_sent_again > 1000


def test_a_key_frame_to_a_slow_viewer_is_spread_over_time():
    bench = Bench()
    bench.costs_bps = [300_000.0]
    bench.forward(key(1))
    report(bench, 400_000)
    bench.time.advance(1)
    n_before = len(bench.port.sent)
    bench.forward(packet(2, payload=b"\x10\x00" + bytes(998), marker=False, timestamp=6000))
    bench.forward(*(packet(seq, payload=b"\x00" + bytes(999), timestamp=6000) for seq in range(3, 32)))
    at_once = len(bench.port.sent) - n_before
    assert at_once < 10
    bench.time.advance(0.2)
    assert 15 < len(bench.port.sent) - n_before < 27
    bench.time.advance(0.3)
    assert len(bench.port.sent) - n_before == 30
    assert bench.track.n_queued == 0
    seqs = bench.seqs()
    assert all((b - a) & 0xFFFF == 1 for a, b in itertools.pairwise(seqs))


def test_a_viewer_without_a_limit_is_not_kept_waiting():
    bench = Bench()
    bench.forward(key(1), *(packet(seq, payload=b"\x10\x01" + bytes(1000)) for seq in range(2, 300)))
    assert len(bench.port.sent) == 299


def test_a_packet_is_not_sent_again_within_a_round_trip():
    bench = Bench()
    bench.forward(key(1), delta(2))
    bench.track.on_report(loss_share=0.0, highest_seq=bench.seqs()[-1], jitter_s=0.0, rtt_s=0.3)
    for _ in range(10):
        bench.track.on_nack([bench.seqs()[1]])
        bench.time.advance(0.1)
    assert len(bench.port.resent) in (3, 4)


def test_a_number_kept_for_a_picture_that_is_left_out_is_filled():
    bench = Bench()
    bench.costs_bps = COSTS
    packets = layered(40, per_picture=3)
    bench.forward(*packets[:12])
    report(bench, 450_000)
    # Picture 4 loses its end and picture 5, of the highest layer, its beginning: whose are the two numbers?
    kept, missing = packets[12:14], packets[14:16]
    bench.forward(*kept, *packets[16:18], *packets[18:27])
    bench.time.advance(1)
    bench.forward(*missing)
    bench.time.advance(1)
    filler = [outgoing for outgoing in bench.port.sent if not outgoing.payload]
    assert [(outgoing.padding_size, outgoing.marker) for outgoing in filler] == [(1, 0)]
    seqs = sorted((seq - bench.seqs()[0]) & 0xFFFF for seq in bench.seqs())
    assert seqs == list(range(len(seqs)))
    bench.time.advance(1)
    bench.track.on_nack([filler[0].sequence_number])
    assert (bench.port.resent[-1].payload, bench.port.resent[-1].sequence_number) == (b"", filler[0].sequence_number)


def paused(bench, stream):
    """Bring the viewer to a pause."""
    bench.costs_bps = COSTS
    bench.forward(*itertools.islice(stream, 40))
    for _ in range(8):
        report(bench, 120_000)
        bench.time.advance(0.25)
        bench.track.adapt()
    assert bench.track.statistics().is_paused


def test_a_viewer_with_too_little_for_the_base_layer_has_its_video_paused_and_tried_again():
    bench = Bench()
    stream = iter(layered(200, keys=(0, 100)))
    paused(bench, stream)
    n_asked, n_sent = bench.n_asked, len(bench.port.sent)
    bench.forward(*itertools.islice(stream, 100))
    bench.track.on_keyframe_request()
    assert (bench.n_asked, len(bench.port.sent)) == (n_asked, n_sent), "nobody else pays for a viewer who is paused"
    assert not bench.track.wants_keyframe
    assert bench.counters.video_pauses == 1
    for _ in range(4 * 30):
        if not bench.track.statistics().is_paused:
            break
        bench.time.advance(0.25)
        bench.track.adapt()
    assert not bench.track.statistics().is_paused, "the limit grew until the base layer fitted"
    assert bench.n_asked == n_asked + 1
    assert bench.track.wants_keyframe
    bench.forward(*stream)
    resumed = bench.port.sent[n_sent:]
    assert picture_of(resumed[0].payload)[0] == 100, "it goes on with the key frame"
    assert {layer_of(outgoing.payload) for outgoing in resumed} == {0}
    last, first = (parse_descriptor(o.payload) for o in (bench.port.sent[n_sent - 1], resumed[0]))
    assert (first.picture_id - last.picture_id) & 0x7FFF == 1
    assert (first.base_index - last.base_index) & 0xFF == 1
    seqs = bench.seqs()
    assert all((b - a) & 0xFFFF == 1 for a, b in itertools.pairwise(seqs))


def test_a_stream_without_layers_is_paused_and_resumed_too():
    bench = Bench(Codec.H264)
    bench.costs_bps = [1_400_000.0]
    sps = bytes([0x67, 1, 2])
    bench.forward(packet(1, codec=Codec.H264, payload=sps))
    for _ in range(8):
        report(bench, 300_000)
        bench.time.advance(0.25)
        bench.track.adapt()
    assert bench.track.statistics().is_paused
    bench.costs_bps = [250_000.0]
    bench.time.advance(6)
    bench.track.adapt()
    assert bench.track.wants_keyframe
    n_sent = len(bench.port.sent)
    bench.forward(packet(2, codec=Codec.H264, payload=bytes([0x41, 1])), packet(3, codec=Codec.H264, payload=sps))
    assert [outgoing.payload for outgoing in bench.port.sent[n_sent:]] == [sps]


def test_without_news_the_viewer_gets_everything_again():
    bench = Bench()
    bench.costs_bps = COSTS
    bench.forward(*layered(4))
    report(bench, 450_000)
    assert bench.track.statistics().layer == 0
    for _ in range(3):
        bench.time.advance(SILENT_S / 2)
        bench.track.adapt()
    assert bench.track.budget_bps is None
    assert bench.track._choice.highest in (1, ALL_LAYERS)


def test_a_slow_viewer_may_ask_for_key_frames_now_and_then_only():
    bench = Bench()
    bench.costs_bps = COSTS
    bench.forward(key(1), delta(2))
    report(bench, 450_000)
    n_asked = bench.n_asked
    for _ in range(5):
        bench.track.on_keyframe_request()
    assert bench.n_asked == n_asked + 1
    bench.time.advance(SLOW_KEYFRAME_PAUSE_S)
    bench.track.on_keyframe_request()
    assert bench.n_asked == n_asked + 2


def test_audio_is_never_left_out_for_videos_sake():
    bench = Bench(Codec.OPUS)
    bench.costs_bps = COSTS
    bench.track.on_estimate(10_000)
    bench.track.on_report(loss_share=0.5, highest_seq=0, jitter_s=0.1, rtt_s=2.0)
    bench.time.advance(5)
    bench.track.adapt()
    sounds = [packet(seq, codec=Codec.OPUS, payload=b"%d" % seq) for seq in range(50)]
    bench.forward(*sounds)
    assert bench.payloads() == [sound.payload for sound in sounds]
    assert bench.counters.packets_withheld == 0


def test_what_the_publishers_uplink_lost_is_no_limit_of_the_viewers_connection():
    bench = Bench()
    bench.costs_bps = COSTS
    bench.forward(key(1), *(delta(seq) for seq in range(2, 11)))
    bench.forward(*(delta(seq) for seq in range(91, 111)))  # 80 in a row never came
    busy(bench)
    bench.track.on_report(loss_share=80 / 110, highest_seq=bench.seqs()[-1], jitter_s=0.01, rtt_s=0.05)
    assert bench.track.budget_bps is None
    assert bench.track.statistics().loss_share == 0.0
    bench.time.advance(1.0)
    bench.forward(*(delta(seq) for seq in range(111, 171)), *(delta(seq) for seq in range(191, 211)))
    busy(bench)
    # Of 100 numbers 20 were never sent, and 40 of the 80 others did not arrive.
    bench.track.on_report(loss_share=0.6, highest_seq=bench.seqs()[-1], jitter_s=0.01, rtt_s=0.05)
    assert bench.track.statistics().loss_share == pytest.approx(0.5)
    assert bench.track.budget_bps is not None


def test_the_figures_of_a_track():
    bench = Bench()
    bench.forward(key(1), delta(2))
    before = bench.track.statistics()
    assert (before.packets, before.bytes) == (2, len(KEY_AND_DELTA))
    assert (before.loss_share, before.rtt_s, before.budget_bits_per_s, before.layer) == (None, None, None, None)
    bench.track.on_report(loss_share=0.02, highest_seq=bench.seqs()[-1], jitter_s=0.004, rtt_s=0.05)
    after = bench.track.statistics()
    assert (after.loss_share, after.jitter_s, after.rtt_s) == (0.02, 0.004, 0.05)
    assert after.bits_per_s == pytest.approx(8 * after.bytes / 0.5)


KEY_AND_DELTA = key(1).payload + delta(2).payload
