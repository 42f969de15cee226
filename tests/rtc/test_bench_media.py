import pytest

from scripts.bench_media import Run, compare


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (list("abcabd"), (True, 0)),
        (list("cab"), (True, 0)),
        (list("bd"), (True, 0)),
        (list("cd"), (True, 2)),
        (list("axb"), (False, 0)),
        (list("db"), (False, 0)),
        ([], (False, 0)),
    ],
)
def test_frames_are_exact_only_if_each_was_sent_and_in_order(received, expected):
    assert compare(list("abcabd"), received) == expected


def test_what_the_server_adds_is_taken_packet_by_packet():
    """The viewer is busy for a while: both ways are late then, the server is not to blame."""
    left = [0.02 * n for n in range(400)]
    late = [0.05 if 250 <= n < 300 else 0.0 for n in range(400)]
    sent = {"served": {f"s{n}": [t] for n, t in enumerate(left)}, "direct": {f"d{n}": [t] for n, t in enumerate(left)}}
    received = {
        "served": {f"s{n}": [t + 0.003 + late[n]] for n, t in enumerate(left)},
        "direct": {f"d{n}": [t + 0.001 + late[n]] for n, t in enumerate(left)},
    }
    run = Run(cores=0.1, sent={"times": sent}, received={"times": received})
    assert run.added_delays_s() == pytest.approx(0.002)
    assert 0 < len(run.added_delays_s()) < 400
