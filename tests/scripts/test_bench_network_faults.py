import itertools

import pytest

from scripts.bench_network_faults import Direction, Faults

SPACING_S = 0.01


def send(faults, *, n=20_000, seed=1, name="up", label="audio", size=200, spacing_s=SPACING_S, delay_s=0.025):
    """Return (sent, due or None) of packets sent at even distances."""
    direction = Direction(name, seed, delay_s)
    direction.begin(faults, 0.0)
    return [(i * spacing_s, direction.due_s(label, size, i * spacing_s)) for i in range(n)], direction


def test_without_faults_every_packet_takes_the_base_delay():
    packets, direction = send(Faults())
    assert all(due_s == pytest.approx(sent_s + 0.025, abs=1e-4) for sent_s, due_s in packets)
    assert direction.tallies["audio"].lost == 0


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1])
def test_loss_is_the_share_asked_for_and_comes_singly(share):
    packets, direction = send(Faults(loss=share))
    is_lost = [due_s is None for _, due_s in packets]
    assert sum(is_lost) / len(is_lost) == pytest.approx(share, rel=0.15)
    in_pairs = sum(a and b for a, b in itertools.pairwise(is_lost))
    assert in_pairs / len(is_lost) == pytest.approx(share**2, abs=0.003)
    tally = direction.tallies["audio"]
    assert (tally.packets, tally.lost) == (len(is_lost), sum(is_lost))


def test_the_same_seed_decides_the_same_whatever_other_streams_do():
    faults = Faults(loss=0.05, jitter_s=0.1, jitter_reorders=True)
    alone, _ = send(faults, n=2000)
    busy = Direction("up", 1, 0.025)
    busy.begin(faults, 0.0)
    among = []
    for sent_s, _ in alone:
        busy.due_s("video", 1000, sent_s)
        among.append((sent_s, busy.due_s("audio", 200, sent_s)))
    assert among == alone


def test_seed_and_direction_make_a_difference():
    lost = [
        {sent_s for sent_s, due_s in send(Faults(loss=0.05), n=2000, seed=seed, name=name)[0] if due_s is None}
        for seed, name in [(1, "up"), (2, "up"), (1, "down")]
    ]
    assert all(len(a & b) < min(len(a), len(b)) / 2 for a, b in itertools.combinations(lost, 2))


def test_uneven_delay_stays_within_bounds_and_lets_nothing_overtake():
    packets, _ = send(Faults(jitter_s=0.2), spacing_s=0.001)
    delays_s = [due_s - sent_s - 0.025 for sent_s, due_s in packets]
    assert min(delays_s) >= -1e-9
    assert max(delays_s) == pytest.approx(0.2, abs=0.03)
    assert all(a < b for (_, a), (_, b) in itertools.pairwise(packets))
    steps_s = [abs(b - a) for a, b in itertools.pairwise(delays_s)]
    assert max(steps_s) < 0.002


def test_jitter_of_each_packet_reorders():
    packets, _ = send(Faults(jitter_s=0.1, jitter_reorders=True))
    n_overtaken = sum(a > b for (_, a), (_, b) in itertools.pairwise(packets))
    assert n_overtaken > len(packets) / 4
    assert all(0.025 <= due_s - sent_s < 0.1251 for sent_s, due_s in packets)


def test_reordering_holds_back_the_share_asked_for():
    packets, _ = send(Faults(reorder=0.02))
    held_s = [due_s - sent_s - 0.025 for sent_s, due_s in packets if due_s - sent_s > 0.026]
    assert len(held_s) / len(packets) == pytest.approx(0.02, rel=0.15)
    assert all(0.025 <= hold_s <= 0.06 for hold_s in held_s)


def test_nothing_passes_in_an_outage():
    packets, _ = send(Faults(outage_s=20.0), n=3000)
    assert all((due_s is None) == (sent_s < 20.0) for sent_s, due_s in packets)


def test_a_narrow_link_passes_its_rate_and_drops_what_its_queue_cannot_hold():
    size, rate_bps, queue_s = 1172, 300_000, 0.5  # with headers 1200
    faults = Faults(rate_bps=rate_bps, queue_s=queue_s)
    packets, direction = send(faults, n=4000, size=size)  # 960 kbit/s
    passed = [(sent_s, due_s) for sent_s, due_s in packets if due_s is not None]
    seconds = packets[-1][0]
    assert len(passed) * 8 * 1200 / seconds == pytest.approx(rate_bps, rel=0.03)
    assert max(due_s - sent_s for sent_s, due_s in passed) <= queue_s + 0.026
    assert direction.tallies["audio"].lost == len(packets) - len(passed)
    assert all(a < b for (_, a), (_, b) in itertools.pairwise(passed))


def test_a_narrow_link_does_nothing_to_those_who_keep_to_its_rate():
    packets, _ = send(Faults(rate_bps=300_000), size=300)  # 262 kbit/s
    assert all(due_s - sent_s == pytest.approx(0.025, abs=0.001) for sent_s, due_s in packets)
