"""A join link of a cancelled interview, or past its time: it takes consents back and does nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from server import clock
from server.db import interviews as interview_rows
from server.http import keys
from server.http.access import Who
from server.http.enforce import RULES
from server.sessions.records import ConsentKind, InterviewStatus


async def close(world, how: str) -> None:
    interview = world.interview.interview
    if how == "cancelled":
        changed = replace(interview, status=InterviewStatus.CANCELLED)
    else:
        changed = replace(interview, scheduled_at=clock.utc_now() - timedelta(days=8))
    async with world.app[keys.DATABASE].write() as connection:
        await interview_rows.update_interview(connection, changed)


async def granted(world) -> frozenset[ConsentKind]:
    interview = world.interview
    return (await world.app[keys.CONSENTS].state(interview.candidate.id, interview.interview.purpose)).granted


@pytest.mark.parametrize("how", ["cancelled", "expired"])
async def test_no_door_opens_but_the_one_for_withdrawal(world, how):
    await world.consent(ConsentKind.CALL, ConsentKind.RESEARCH)
    await close(world, how)
    before = await world.stored()
    n_refused = 0
    for route in world.app.router.routes():
        rule = world.app[RULES][route]
        if rule.who is Who.JOIN_LINK and not rule.may_be_closed:
            path = route.resource.canonical.replace("{token}", world.join_token)
            status, body = await world.anonymous.ask(route.method, path, data=b"")
            assert status == 410, f"{route.method} {route.resource.canonical}: {status} {body[:200]}"
            n_refused += 1
    assert n_refused >= 3
    status, body = await world.consent(ConsentKind.ANALYSIS)
    assert (status, how in body["message"]) == (410, True)
    assert await world.stored() == before
    status, body = await world.consent(ConsentKind.RESEARCH, granted=False)
    assert (status, body) == (200, {"granted": ["call"]})
    assert await granted(world) == {ConsentKind.CALL}


async def test_a_link_that_was_replaced_takes_nothing_back(world):
    await world.consent(ConsentKind.CALL, ConsentKind.RESEARCH)
    interview = replace(world.interview.interview, link_version=2, status=InterviewStatus.CANCELLED)
    async with world.app[keys.DATABASE].write() as connection:
        await interview_rows.update_interview(connection, interview)
    assert (await world.consent(ConsentKind.RESEARCH, granted=False))[0] == 410
    assert (await world.anonymous.ask("POST", f"/join/{world.join_token}/take-back"))[0] == 410
    assert await granted(world) == {ConsentKind.CALL, ConsentKind.RESEARCH}
