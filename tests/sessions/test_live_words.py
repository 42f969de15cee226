from dataclasses import dataclass

import pytest

from pipeline.language.words import Word
from server.config import Config
from server.db.words import find_words
from server.sessions.consenttexts import consent_text
from server.sessions.records import ConsentKind, Purpose
from tests.fakes.talk import talk
from tests.sessions.conftest import Call, World, last, received, types

TRANSCRIPTION = ConsentKind.TRANSCRIPTION


@dataclass(frozen=True)
class News:
    words: tuple[Word, ...]
    transcriber: str = "test 1"
    lost_s: float = 0.0


@pytest.fixture
async def world(database, clock, tmp_path):
    made = World(database, clock, Config(data_dir=tmp_path, transcriber="pocketsphinx"))
    yield made
    await made.rooms.close()


async def stored(world: World, session_id: str) -> str:
    async with world.database.read() as connection:
        words, _ = await find_words(connection, session_id)
    return " ".join(word.text for word in words)


async def change(world: World, call: Call, granted: bool):
    return await world.say(
        call.candidate,
        "consent",
        kind="transcription",
        granted=granted,
        text_version=consent_text(TRANSCRIPTION, Purpose.PRACTICE).version,
    )


async def test_without_the_consent_nothing_is_written_down(call: Call, world: World):
    session_id = await call.analyse()
    feed = world.analysis.newest
    assert not any(feed.transcribed)
    feed.words(News(talk("secret words")))
    await world.settle(call.details)
    assert await stored(world, session_id) == ""
    assert "caption" not in types(received(call.interviewer))


async def test_words_are_stored_and_shown_to_interviewers_alone(call: Call, world: World):
    session_id = await call.analyse()
    await change(world, call, True)
    feed = world.analysis.newest
    assert feed.transcribed[-1] is True
    received(call.interviewer), received(call.candidate)
    feed.words(News(talk("kids are talking"), lost_s=3.0))
    await world.settle(call.details)
    caption = last(received(call.interviewer), "caption")
    assert [word["text"] for word in caption["words"]] == ["kids", "are", "talking"]
    assert (caption["session_id"], caption["lost_s"], caption["complete"]) == (session_id, 3.0, False)
    assert "caption" not in types(received(call.candidate))
    assert await stored(world, session_id) == "kids are talking"


async def test_a_withdrawal_in_the_call_stops_it_and_deletes_what_was_written(call: Call, world: World):
    session_id = await call.analyse()
    await change(world, call, True)
    feed = world.analysis.newest
    feed.words(News(talk("first words")))
    await world.settle(call.details)
    feed.words(News(talk("on their way")))  # not stored yet when the withdrawal comes
    await change(world, call, False)
    feed.words(News(talk("late words")))
    await world.settle(call.details)
    assert feed.transcribed[-1] is False
    assert not feed.is_closed  # the analysis goes on
    assert await stored(world, session_id) == ""
    captions = [message for message in received(call.interviewer) if message["type"] == "caption"]
    assert captions[-1]["words"] == []
    assert captions[-1]["complete"] is True


async def test_a_withdrawal_after_the_interview_deletes_too(call: Call, world: World):
    session_id = await call.analyse()
    await change(world, call, True)
    world.analysis.newest.words(News(talk("some words")))
    await world.settle(call.details)
    await world.say(call.interviewer, "end")
    await world.settle(call.details)
    assert await stored(world, session_id) == "some words"
    await world.consent(call.details, TRANSCRIPTION, granted=False)
    assert await stored(world, session_id) == ""


async def test_deleting_the_interview_deletes_the_words(call: Call, world: World):
    session_id = await call.analyse()
    await change(world, call, True)
    world.analysis.newest.words(News(talk("some words")))
    await world.settle(call.details)
    await world.say(call.interviewer, "end")
    await world.settle(call.details)
    await world.schedule.delete(call.user, call.details.interview.id)
    assert await stored(world, session_id) == ""


async def test_a_page_that_comes_in_gets_the_newest_words_and_the_report_has_all(call: Call, world: World):
    session_id = await call.analyse()
    await change(world, call, True)
    world.analysis.newest.words(News(talk("one two three")))
    await world.settle(call.details)
    page = await world.interviewer_page(call.user, call.details)
    caption = last(received(page), "caption")
    assert [word["text"] for word in caption["words"]] == ["one", "two", "three"]
    assert caption["complete"] is True
    report = await world.summaries.report(call.user, session_id)
    assert (" ".join(word.text for word in report.words), report.transcriber) == ("one two three", "test 1")


async def test_interviewers_are_told_why_there_are_no_words(call: Call, world: World):
    await call.analyse()
    await change(world, call, False)
    assert last(received(call.interviewer), "state")["analysis"]["captions"] == "no_consent"
    messages = await change(world, call, True)
    assert last(received(call.interviewer), "state")["analysis"]["captions"] == "on"
    assert "captions" not in last(messages, "state")["analysis"]


async def test_an_operator_who_wants_no_transcripts_gets_none(database, clock, tmp_path):
    world = World(database, clock, Config(data_dir=tmp_path))
    user = await world.operator()
    call = Call(world, user, await world.interview(user))
    session_id = await call.analyse(TRANSCRIPTION)
    assert not any(world.analysis.newest.transcribed)
    world.analysis.newest.words(News(talk("some words")))
    await world.settle(call.details)
    assert await stored(world, session_id) == ""
    await world.rooms.close()
