"""Rooms while the database fails: what is due is done later, and nothing is left half begun."""

import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from server.db.engine import StorageError
from server.db.interviews import set_status
from server.sessions import live
from server.sessions.live_room import CHECK_LOGINS_S
from server.sessions.principals import Grant
from server.sessions.records import ConsentKind, InterviewStatus
from server.sessions.seat import GRACE_S, Connection
from tests.fakes.rooms import estimate
from tests.sessions.conftest import PASSWORD, Call, World, last, received, start_in_vain, types


def rename(world: World, table: str, name: str) -> None:
    with closing(sqlite3.connect(world.database.engine.url.database or "")) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO {name}")


@contextmanager
def without(world: World, table: str) -> Iterator[None]:
    """Let every query fail that needs a table."""
    rename(world, table, "away")
    yield
    rename(world, "away", table)


async def logged_in_page(call: Call, world: World) -> tuple[Connection, str]:
    """Return the page of an interviewer who came by a login, and that login's secret."""
    login, secret = await world.accounts.log_in(call.user.email, PASSWORD, address="")
    participant = await world.schedule.interviewer_participant(call.user, call.details.interview.id)
    token = world.tokens.access_token(participant, call.details.interview, Grant, login_id=login.login_session_id)
    return await world.rooms.connect(world.tokens.read_access(token)), secret


async def test_one_room_that_fails_does_not_hold_up_the_others(call: Call, world: World):
    await logged_in_page(call, world)
    other = Call(world, call.user, await world.interview(call.user))
    await other.wait()
    await world.rooms.disconnect(other.candidate)
    world.clock.pass_s(GRACE_S)
    with without(world, "login_sessions"):
        await world.rooms.sweep()
    assert await other.status() is InterviewStatus.SCHEDULED


async def test_time_goes_on_after_a_failure(
    call: Call, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(live, "SWEEP_S", 0.0)
    page, secret = await logged_in_page(call, world)
    received(page)
    task = asyncio.create_task(world.rooms.keep_time())
    async with asyncio.timeout(10):
        with without(world, "login_sessions"):
            world.clock.pass_s(CHECK_LOGINS_S)
            while not [record for record in caplog.records if record.levelno >= logging.ERROR]:  # noqa: ASYNC110
                await asyncio.sleep(0)
        await world.accounts.log_out(secret)
        world.clock.pass_s(CHECK_LOGINS_S)
        assert await page.outbox.get() == {"type": "bye", "reason": "expired"}
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


async def test_a_cancelled_interview_whose_candidate_is_overdue_does_not_stop_the_time(call: Call, world: World):
    await call.wait()
    await world.rooms.disconnect(call.candidate)
    world.clock.pass_s(GRACE_S)
    async with world.database.write() as connection:  # stored, but the room is not told yet
        await set_status(connection, call.details.interview.id, InterviewStatus.CANCELLED)
    await world.rooms.sweep()
    assert await call.status() is InterviewStatus.CANCELLED
    await world.rooms.evict(call.details.interview.id, "cancelled")
    assert received(call.interviewer)[-1] == {"type": "bye", "reason": "cancelled"}


async def test_who_is_overdue_is_put_out_once_the_database_answers_again(call: Call, world: World):
    await call.begin()
    world.publish(call.details.candidate, call.details, "interrupted")
    await world.rooms.disconnect(call.candidate)
    world.clock.pass_s(GRACE_S)
    with without(world, "participants"):
        await world.rooms.sweep()
    await world.rooms.sweep()
    again = await world.candidate_page(call.details)
    assert last(received(again), "state")["you"] == "absent"


async def test_a_session_whose_beginning_cannot_be_told_is_given_up(call: Call, world: World):
    await call.begin(ConsentKind.ANALYSIS)
    world.analysis.before_open = lambda: rename(world, "markers", "away")  # the pages' history needs it
    await start_in_vain(call, world)
    assert last(received(call.candidate), "state")["analysis"]["on"] is False
    assert world.analysis.newest.is_closed
    assert world.media.attached == []
    assert await world.summaries.sessions(call.details.interview.id) == ()
    world.analysis.before_open = lambda: None
    rename(world, "away", "markers")
    await world.say(call.interviewer, "start_analysis")
    await world.settle(call.details)
    assert len(world.media.attached) == 1


async def test_a_page_that_could_not_be_told_the_past_still_gets_what_comes(call: Call, world: World):
    await call.analyse()
    received(call.interviewer)
    with without(world, "markers"), pytest.raises(StorageError):
        await world.rooms.refresh(call.details.interview.id)
    world.analysis.newest.estimate(estimate(1.0), 0.0)
    assert "estimate" in types(received(call.interviewer))
