"""Links between network namespaces: what tc is told, and that nothing of them is left."""

import subprocess

import pytest

from scripts.bench_network_faults import Faults
from scripts.bench_network_namespaces import NotPossible, discipline_of, namespaces


@pytest.mark.parametrize(
    ("faults", "up", "down"),
    [
        (Faults(loss=0.02), "netem limit 10000 delay 25.0ms loss 2%", "netem limit 10000 delay 25.0ms loss 2%"),
        (Faults(jitter_s=0.1), "netem limit 10000 delay 75.0ms 50.0ms", "netem limit 10000 delay 75.0ms 50.0ms"),
        (Faults(rate_bps=300_000), "tbf rate 300000bit burst 3000 latency 500ms", ""),
    ],
)
def test_faults_in_the_words_of_tc(faults, up, down):
    assert " ".join(discipline_of(faults, 0.05, is_upward=True)) == up
    assert " ".join(discipline_of(faults, 0.05, is_upward=False)) == down


def test_a_narrow_link_between_namespaces_that_leaves_nothing():
    try:
        with namespaces() as made:
            made.impair(Faults(rate_bps=300_000), 0.05)
            device = made.device(made.client, "ours")
            assert "tbf" in made.tc("qdisc", "show", "dev", device, namespace=made.client)
            assert made.loss("ours") == 0
    except NotPossible as exc:
        pytest.skip(str(exc))
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert made.client not in left
    assert made.server not in left
