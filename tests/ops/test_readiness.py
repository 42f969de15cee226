"""What speaks against sending people here."""

import pytest

from server.analysis.feed import WorkerState
from server.ops.loopback import LoopbackResult
from server.ops.readiness import MAX_AGE_S, Reason, SelfTest, reasons_against
from server.ops.versions import damaged_models
from tests.fakes.rtc_time import ManualTime


def result(*, ok=True):
    return LoopbackResult(
        ok=ok, connected_s=0.1 if ok else None, first_packet_s=0.2 if ok else None, reason="" if ok else "no port"
    )


class Bench:
    def __init__(self, *outcomes, damaged=()):
        self.time, self.outcomes = ManualTime(), list(outcomes)
        self.self_test = SelfTest(self.call, self.time, damaged=lambda: damaged)

    async def call(self):
        return result(ok=self.outcomes.pop(0))

    def against(self, **changes):
        given = {
            "is_draining": False,
            "has_database": True,
            "worker_states": (),
            "lag_p99_ms": 3.0,
        } | changes
        return reasons_against(self_test=self.self_test, **given)


async def test_nothing_is_ready_before_a_call_has_worked():
    bench = Bench(True)
    assert bench.against() == (Reason.MODELS, Reason.MEDIA)
    assert bench.self_test.age_s is None
    await bench.self_test.test()
    assert bench.against() == ()


async def test_one_failed_call_is_bad_luck_two_are_not_and_a_good_one_mends_it():
    bench = Bench(True, False, False, True)
    for expected in ((), (), (Reason.MEDIA,), ()):
        await bench.self_test.test()
        assert bench.against() == expected
    assert (bench.self_test.calls, bench.self_test.failures) == (4, 2)


async def test_a_call_proves_nothing_for_ever():
    bench = Bench(True)
    await bench.self_test.test()
    bench.time.advance(MAX_AGE_S + 1)
    assert bench.against() == (Reason.MEDIA,)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"is_draining": True}, Reason.DRAINING),
        ({"has_database": False}, Reason.DATABASE),
        ({"worker_states": (WorkerState.READY, WorkerState.FAILED)}, Reason.WORKERS),
        ({"lag_p99_ms": 501.0}, Reason.LOOP_LAG),
    ],
)
async def test_each_reason_is_named(changes, reason):
    bench = Bench(True)
    await bench.self_test.test()
    assert bench.against(**changes) == (reason,)


async def test_workers_that_start_or_restart_and_a_lag_not_measured_yet_are_well():
    bench = Bench(True)
    await bench.self_test.test()
    assert bench.against(worker_states=(WorkerState.STARTING, WorkerState.RESTARTING), lag_p99_ms=None) == ()


async def test_damaged_models_are_a_reason(caplog):
    bench = Bench(True, damaged=("emotion",))
    await bench.self_test.test()
    assert bench.against() == (Reason.MODELS,)
    assert "emotion" in caplog.text


def test_a_model_that_is_not_the_manifests_is_found(tmp_path):
    manifest = tmp_path / "manifest.toml"
    assert damaged_models(manifest) == ("manifest.toml",)
    manifest.write_text('[emotion]\nfile = "emotion.onnx"\nsha256 = "00"\n[face]\nfile = "face.onnx"\nsha256 = "00"\n')
    (tmp_path / "emotion.onnx").write_bytes(b"weights")
    assert damaged_models(manifest) == ("emotion", "face")
    assert damaged_models() == ()
