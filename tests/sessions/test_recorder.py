import asyncio

import pytest

from server.db.engine import Database, StorageError
from server.db.series import find_estimates
from server.sessions import recorder as recorder_module
from server.sessions.recorder import EstimateRecorder
from server.sessions.records import StoredEstimate
from tests.fakes.rooms import estimate
from tests.sessions.conftest import Call, World


@pytest.fixture
def recorder(database: Database) -> EstimateRecorder:
    return EstimateRecorder(database, model_version="m")


async def stored(database: Database, session_id: str) -> list[float]:
    async with database.read() as connection:
        return [item.t_s for item in await find_estimates(connection, session_id)]


async def test_it_writes_by_itself_as_they_come(
    call: Call, world: World, recorder: EstimateRecorder, monkeypatch: pytest.MonkeyPatch
):
    session_id = await call.analyse()
    written = asyncio.Event()
    flush = recorder.flush

    async def flush_and_tell() -> None:
        await flush()
        written.set()

    monkeypatch.setattr(recorder, "flush", flush_and_tell)
    task = asyncio.create_task(recorder.run())
    for n in (1, 2, 3):
        recorder.add(StoredEstimate(session_id=session_id, estimate=estimate(float(n))))
        async with asyncio.timeout(10):
            await written.wait()
        written.clear()
        assert len(await stored(world.database, session_id)) == n
    task.cancel()
    await asyncio.wait([task])


async def test_rows_of_a_deleted_session_do_not_spoil_the_others(call: Call, world: World, recorder: EstimateRecorder):
    session_id = await call.analyse()
    for t_s in (1.0, 2.0):
        recorder.add(StoredEstimate(session_id="gone", estimate=estimate(t_s)))
        recorder.add(StoredEstimate(session_id=session_id, estimate=estimate(t_s)))
    await recorder.flush()
    assert await stored(world.database, session_id) == [1.0, 2.0]
    assert recorder.dropped == 2


async def test_writing_a_tick_twice_keeps_the_first(call: Call, world: World, recorder: EstimateRecorder):
    session_id = await call.analyse()
    for stress in (0.1, 0.9):
        recorder.add(StoredEstimate(session_id=session_id, estimate=estimate(1.0, stress)))
        await recorder.flush()
    async with world.database.read() as connection:
        assert [item.stress.value for item in await find_estimates(connection, session_id)] == [0.1]


async def test_a_database_that_fails_loses_nothing(
    call: Call, world: World, recorder: EstimateRecorder, monkeypatch: pytest.MonkeyPatch
):
    session_id = await call.analyse()
    insert = recorder._insert

    async def fail(rows):
        recorder.add(StoredEstimate(session_id=session_id, estimate=estimate(2.0)))
        raise StorageError("disk full")

    recorder.add(StoredEstimate(session_id=session_id, estimate=estimate(1.0)))
    monkeypatch.setattr(recorder, "_insert", fail)
    with pytest.raises(StorageError):
        await recorder.flush()
    monkeypatch.setattr(recorder, "_insert", insert)
    await recorder.flush()
    assert await stored(world.database, session_id) == [1.0, 2.0]


async def test_memory_is_bounded(recorder: EstimateRecorder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recorder_module, "MAX_WAITING", 10)
    for n in range(15):
        recorder.add(StoredEstimate(session_id="s", estimate=estimate(float(n))))
    assert recorder.dropped == 5
