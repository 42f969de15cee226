import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from server.rtc.layers import ALL_LAYERS, FIRST_RETRY_S, PAUSE_AFTER_S, LayerChoice, Thinner, Verdict
from server.rtc.rewrite import StreamMap
from server.rtc.vp8 import parse_descriptor, renumbered
from tests.fakes.layered import layer_of, layered, picture_of

COSTS = [400_000.0, 700_000.0, 1_200_000.0]


def chosen(choice, budget_bps, now_s, costs=COSTS):
    choice.update(costs, budget_bps, now_s)
    return None if choice.is_paused else choice.highest


def test_all_layers_without_a_limit():
    assert chosen(LayerChoice(), None, 0) == ALL_LAYERS


def test_the_layers_that_fit():
    assert [chosen(LayerChoice(), budget, 0) for budget in (450_000, 800_000, 1_300_000)] == [0, 1, ALL_LAYERS]


def test_a_little_too_much_is_borne_but_does_not_bring_a_layer_back():
    choice = LayerChoice()
    assert chosen(choice, 1_100_000, 0) == ALL_LAYERS
    assert chosen(choice, 1_000_000, 1) == 1
    assert chosen(choice, 1_100_000, 5) == 1
    assert chosen(choice, 1_200_000, 6) == ALL_LAYERS


def test_layers_come_back_one_by_one():
    choice = LayerChoice()
    assert chosen(choice, 450_000, 0) == 0
    assert chosen(choice, None, 0.5) == 0
    assert chosen(choice, 5_000_000, 1.0) == 1
    assert chosen(choice, 5_000_000, 1.5) == 1
    assert chosen(choice, 5_000_000, 2.0) == ALL_LAYERS


def test_a_base_layer_that_does_not_fit_is_paused_and_tried_less_and_less_often():
    choice, now_s, pauses_s = LayerChoice(), 0.0, []
    for _ in range(4):
        start_s = now_s
        while chosen(choice, 200_000, now_s) is not None:
            now_s += 0.25
        assert PAUSE_AFTER_S <= now_s - start_s < PAUSE_AFTER_S + 0.5
        paused_s = now_s
        while chosen(choice, 500_000, now_s) is None:
            now_s += 0.25
        pauses_s.append(now_s - paused_s)
        assert choice.highest == 0
    assert pauses_s == [FIRST_RETRY_S * 2**n for n in range(4)]


def test_a_sender_who_follows_is_not_paused():
    choice = LayerChoice()
    assert chosen(choice, 200_000, 0) == 0
    assert chosen(choice, 200_000, 1) == 0
    assert chosen(choice, 200_000, 1.4, [60_000, 100_000, 190_000]) == 1
    assert chosen(choice, 200_000, 3, [60_000, 100_000, 190_000]) == ALL_LAYERS


def test_a_stream_without_layers_is_whole_or_paused():
    choice = LayerChoice()
    assert chosen(choice, 300_000, 0, [1_200_000]) == ALL_LAYERS
    assert chosen(choice, 300_000, 2, [1_200_000]) is None
    assert chosen(choice, None, 20, [1_200_000]) == ALL_LAYERS


class Viewer:
    """What a browser behind a thinned stream gets, with the checks that libwebrtc's reference finder implies."""

    def __init__(self, first_seq=100):
        self.numbers = StreamMap(first_seq=first_seq, first_timestamp=0, clock_rate_hz=90_000)
        self.thinner = Thinner(self.numbers)
        self.highest = ALL_LAYERS
        self.got = {}
        self.fillers = set()
        self.order = []

    def take(self, packets):
        for item in packets:
            if not self.order and item.starts_keyframe:
                self.numbers.begin(item)
            verdict = self.thinner.judge(item, parse_descriptor(item.payload), self.highest)
            if verdict is Verdict.LEAVE_OUT:
                continue
            numbers = self.numbers.map(item)
            assert numbers is not None
            assert numbers.seq not in self.got, "a number is given once"
            payload = renumbered(item.payload, picture_shift=numbers.picture_shift, base_shift=numbers.base_shift)
            if verdict is Verdict.FILL:
                self.fillers.add(numbers.seq)
                payload = b""
            self.got[numbers.seq] = payload
            self.order.append((numbers.seq, item))

    def pictures(self):
        """Return (picture id, source picture, layer) of the whole pictures, by sequence number."""
        seqs = sorted(self.got)
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "no gap in the numbers"
        whole = []
        for seq in seqs:
            if self.got[seq]:
                number, _ = picture_of(self.got[seq])
                entry = (parse_descriptor(self.got[seq]).picture_id, number, layer_of(self.got[seq]))
                if not whole or whole[-1] != entry:
                    whole.append(entry)
        return whole


def test_higher_layers_are_left_out_without_a_trace():
    viewer = Viewer()
    packets = layered(64)
    viewer.take(packets[:16])
    viewer.highest = 0
    viewer.take(packets[16:])
    pictures = viewer.pictures()
    assert [layer for _, _, layer in pictures[8:]] == [0] * 14
    ids = [picture_id for picture_id, _, _ in pictures]
    assert all((b - a) & 0x7FFF == 1 for a, b in itertools.pairwise(ids))


def test_a_layer_comes_back_only_where_it_can_be_decoded():
    viewer = Viewer()
    packets = layered(80)
    viewer.highest = 0
    viewer.take(packets[:20])
    viewer.highest = ALL_LAYERS
    viewer.take(packets[20:])
    later = [(number, layer) for _, number, layer in viewer.pictures() if number >= 10]
    first_1 = next(number for number, layer in later if layer == 1)
    first_2 = next(number for number, layer in later if layer == 2)
    assert first_1 == 10  # the next T1 with the Y bit, as PATTERN[2]
    assert first_2 == 17  # the next T2 with the Y bit behind that, as PATTERN[1]
    assert [number for number, _ in later if number > 17] == list(range(18, 80))


def test_a_key_frame_brings_everything_back_at_once():
    viewer = Viewer()
    packets = layered(40, keys=(0, 21))
    viewer.highest = 0
    viewer.take(packets[:40])
    viewer.highest = ALL_LAYERS
    viewer.take(packets[40:44])
    before = len(viewer.pictures())
    viewer.take(packets[44:])
    assert [number for _, number, _ in viewer.pictures()[before:]] == [*range(22, 40)]


def test_what_is_asked_for_again_is_found_and_the_same():
    viewer = Viewer(first_seq=65_500)
    packets = layered(60)
    viewer.highest = 1
    viewer.take(packets)
    by_seq = {item.seq: item for item in packets}
    for seq, item in viewer.order[-100:]:
        assert viewer.numbers.source_of(seq) == (1, item.seq)
        numbers = viewer.numbers.map(by_seq[item.seq])
        again = renumbered(item.payload, picture_shift=numbers.picture_shift, base_shift=numbers.base_shift)
        assert (numbers.seq, again) == (seq, viewer.got[seq])


def test_a_stream_without_layers_is_not_touched():
    viewer = Viewer()
    viewer.highest = 0
    packets = [type(p)(**{n: getattr(p, n) for n in p.__slots__} | {"payload": b"\x10\x01x"}) for p in layered(8)]
    viewer.numbers.begin(packets[0])
    for item in packets:
        assert viewer.thinner.judge(item, parse_descriptor(item.payload), 0) is Verdict.SEND
        viewer.numbers.map(item)


def disturbed(packets, rng):
    """Reorder packets by a few places, and bring some of them late, as after a retransmission."""
    keyed = [(n + rng.choice((0, 0, 0, 0, 0, 1.5, 2.5, 6.5, 30.5)) * (n > 3), n) for n in range(len(packets))]
    return [packets[n] for _, n in sorted(keyed)]


@given(st.integers(0, 2**32), st.integers(1, 4))
def test_reordered_and_repaired_streams_have_no_gap_and_no_half_picture_either(seed, per_picture):
    rng = random.Random(seed)
    viewer = Viewer()
    packets = layered(96, per_picture=per_picture)
    arriving = disturbed(packets, rng)
    step = len(arriving) // 6
    for n in range(6):
        viewer.highest = rng.choice((0, 1, 2, ALL_LAYERS))
        viewer.take(arriving[n * step : (n + 1) * step] if n < 5 else arriving[n * step :])
    viewer.pictures()
    parts = {}
    for payload in viewer.got.values():
        if payload:
            number, part = picture_of(payload)
            parts.setdefault(number, set()).add(part)
    base = [n for n in range(96) if layer_of(packets[n * per_picture].payload) == 0]
    assert all(parts.get(n) == set(range(per_picture)) for n in base), "the base layer is never left out"
    # A late packet of a picture whose fate was unknown may come alone; a decoder never sees such a picture.
    ids = {}
    for payload in viewer.got.values():
        if payload and parts[picture_of(payload)[0]] == set(range(per_picture)):
            ids.setdefault(parse_descriptor(payload).picture_id, set()).add(picture_of(payload)[0])
    assert all(len(numbers) == 1 for numbers in ids.values()), "no picture id is given twice"
