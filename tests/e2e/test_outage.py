"""The network of a real browser fails, the server restarts, the machine sleeps: the call comes back by itself."""

import contextlib
import math
import os
import signal
import time

import pytest
from playwright.sync_api import expect

from tests.e2e.journey import WAIT_MS
from tests.e2e.network import NotPermitted
from tests.e2e.outage import quantile, remote_call

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

BACK_S = 3.0
"""What is promised for the 95th percentile; ``python -m tests.e2e.outage`` measures more of them."""


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """Opens calls when asked to; keeps the last one for the tests that follow."""
    with contextlib.ExitStack() as stack:
        kept = []

        def call():
            if not kept or math.inf in kept[0].back_after_s(time.time() * 1000, limit_s=10).values():
                stack.close()
                kept[:] = [stack.enter_context(remote_call(tmp_path_factory.mktemp("call")))]
            return kept[0]

        yield call


@pytest.fixture
def remote(calls):
    """A call with pictures on both sides; the one of the test before, if it has come back."""
    try:
        return calls()
    except NotPermitted as exc:
        pytest.skip(f"network namespaces are not permitted here ({exc}); tests/e2e/test_fault_switches.py stands in")


def test_the_picture_is_back_soon_after_the_network(remote):
    ada, sam = remote.call.ada, remote.call.sam
    back_s = [*remote.outage("cut", 4).values(), *remote.outage("unplug", 4).values()]

    remote.network.cut()
    expect(sam.locator("#banner")).to_contain_text("reconnects by itself", timeout=12_000)
    expect(ada.locator("#candidate-note")).to_contain_text("has been interrupted for", timeout=5_000)
    sam.wait_for_timeout(8_000)
    # By now the server has given the connection up.
    back_s += remote.outage("cut", 4).values()
    # Of the shorter ones, as long as the server waits before it calls it an interruption, it may have noticed nothing.
    expect(ada.locator("#candidate-gap")).to_contain_text("Last interruption", timeout=WAIT_MS)
    assert quantile(back_s, 0.5) <= BACK_S, back_s
    assert max(back_s) <= 3 * BACK_S, f"a busy machine takes longer, but not so long: {back_s}"
    expect(sam.locator("#banner")).to_be_hidden()
    expect(ada.locator("#candidate-note")).to_be_hidden()


def test_another_address_of_the_same_machine_is_the_same_call(remote):
    remote.network.move()
    back_s = remote.back_after_s(time.time() * 1000 + 200)
    assert max(back_s.values()) <= 4 * BACK_S, back_s
    expect(remote.call.sam.locator("#banner")).to_be_hidden(timeout=WAIT_MS)


def test_a_machine_that_slept_comes_back(remote):
    """Longer than the server waits (12 s): it has given the connections up, the page does not know."""
    pids = remote.browser_pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        expect(remote.call.ada.locator("#candidate-note")).to_contain_text("has been interrupted for", timeout=10_000)
        remote.call.ada.wait_for_timeout(11_000)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    back_s = remote.back_after_s(time.time() * 1000 + 200)
    assert max(back_s.values()) <= 4 * BACK_S, back_s
