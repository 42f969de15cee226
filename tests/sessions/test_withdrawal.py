"""Taking consents back when the interview is over, cancelled or long past, and what is left on the disk then."""

from pathlib import Path

import pytest

from server.db.words import find_words
from server.errors import Gone
from server.sessions.principals import JoinPrincipal
from server.sessions.records import ConsentKind
from tests.fakes.talk import talk
from tests.sessions.conftest import Call, World, answer, interview_form
from tests.sessions.test_live_words import News, world

__all__ = ["world"]

TRANSCRIPTION = ConsentKind.TRANSCRIPTION
SECRET = "umbrellas"


async def say_the_secret(call: Call, world: World) -> None:
    world.analysis.newest.words(News(talk(f"{SECRET} are secret")))
    await world.settle(call.details)


async def n_words(world: World, session_id: str) -> int:
    async with world.database.read() as connection:
        words, _ = await find_words(connection, session_id)
    return len(words)


def is_on_disk(folder: Path, text: str = SECRET) -> bool:
    return any(text.encode() in path.read_bytes() for path in folder.glob("composure.db*"))


async def holder_of(call: Call, world: World) -> JoinPrincipal:
    token = world.tokens.join_token(call.details.interview, call.details.candidate)
    return await world.tokens.read_join(token, may_be_closed=True)


async def test_withdrawn_words_are_not_on_the_disk_any_more(call: Call, world: World, tmp_path: Path):
    await call.analyse(TRANSCRIPTION)
    await say_the_secret(call, world)
    assert is_on_disk(tmp_path)
    await world.consent(call.details, TRANSCRIPTION, granted=False)
    assert not is_on_disk(tmp_path)


async def test_a_reader_keeps_withdrawn_words_on_the_disk_only_until_the_next_sweep(
    call: Call, world: World, tmp_path: Path
):
    session_id = await call.analyse(TRANSCRIPTION)
    await say_the_secret(call, world)
    async with world.database.read() as reading:
        await find_words(reading, session_id)
        await world.consent(call.details, TRANSCRIPTION, granted=False)
        assert is_on_disk(tmp_path)
    await world.rooms.sweep()
    assert not is_on_disk(tmp_path)


async def test_nothing_of_a_candidate_who_was_replaced_is_on_the_disk(call: Call, world: World, tmp_path: Path):
    await world.consent(call.details, *ConsentKind)
    gone = call.details.candidate.id
    assert is_on_disk(tmp_path, gone)
    await world.schedule.edit(call.user, call.details.interview.id, interview_form(candidate_email="n@example.org"))
    assert not is_on_disk(tmp_path, gone)
    assert not is_on_disk(tmp_path, "cleo@example.org")


@pytest.mark.parametrize("is_cancelled", [True, False])
async def test_by_a_closed_link_consents_are_taken_back_but_not_given(call: Call, world: World, is_cancelled: bool):
    session_id = await call.analyse(TRANSCRIPTION)
    await say_the_secret(call, world)
    if is_cancelled:
        await world.schedule.cancel(call.user, call.details.interview.id)
    else:
        await world.say(call.interviewer, "end")
        world.clock.pass_s(30 * 24 * 3600)
    holder = await holder_of(call, world)
    assert holder.why_closed
    with pytest.raises(Gone, match="cancelled" if is_cancelled else "expired"):
        await world.rooms.store_consents(holder, [answer(call.details, ConsentKind.RESEARCH)])
    assert await n_words(world, session_id) == 3
    await world.rooms.store_consents(holder, [answer(call.details, TRANSCRIPTION, granted=False)])
    assert await n_words(world, session_id) == 0
    assert (await world.rooms.consent_state(holder)).granted == {ConsentKind.CALL, ConsentKind.ANALYSIS}


async def test_by_a_link_that_expired_before_anybody_came_nothing_can_be_given(call: Call, world: World):
    await world.consent(call.details, ConsentKind.RESEARCH)
    world.clock.pass_s(30 * 24 * 3600)
    holder = await holder_of(call, world)
    answers = [answer(call.details, ConsentKind.CALL), answer(call.details, ConsentKind.RESEARCH, granted=False)]
    with pytest.raises(Gone, match="expired"):
        await world.rooms.store_consents(holder, answers)
    assert (await world.rooms.consent_state(holder)).granted == frozenset()  # the no counts, the yes does not


async def test_words_that_are_still_being_stored_when_the_interview_ends_are_deleted_too(call: Call, world: World):
    session_id = await call.analyse(TRANSCRIPTION)
    feed = world.analysis.newest
    await world.say(call.interviewer, "end")
    room = world.rooms._rooms[call.details.interview.room_id]
    for n in range(3):
        room.words.take(session_id, talk(f"word {n}"), "test 1", 0.0)
    assert feed.is_closed
    await world.consent(call.details, TRANSCRIPTION, granted=False)
    await world.settle(call.details)
    assert await n_words(world, session_id) == 0
