"""The language review from the button to the page, with a model's server on the loopback."""

import asyncio
import json

from pipeline.language.words import Word
from server.db import words as word_rows
from server.http import keys
from server.review import reviews as reviews_module
from server.sessions.records import ConsentKind, StoredWords
from tests.http.test_pages_interview import annotate, summary
from tests.http.world import a_world
from tests.review.test_answer import GOOD, SAID
from tests.review.test_client import a_model, always, completion


async def say(world, text: str = SAID) -> None:
    """Store words after the question at 30 s."""
    words = tuple(
        Word(text=word, from_s=31.0 + i, to_s=31.5 + i, confidence=0.9) for i, word in enumerate(text.split())
    )
    async with world.app[keys.DATABASE].write() as connection:
        batch = StoredWords(session_id=world.session_id, words=words, transcriber="test")
        await word_rows.insert_words(connection, batch)


async def press(world) -> int:
    status, _ = await world.operator.ask("POST", f"/sessions/{world.session_id}/review")
    return status


async def n_rows(world) -> int:
    return len((await world.stored())["reviews"])


def settings(endpoint) -> dict[str, str]:
    return {"review_url": endpoint.url, "review_model": "llama-test", "transcriber": "pocketsphinx"}


async def test_a_review_is_asked_for_made_and_shown_once(tmp_path):
    hostile = GOOD | {"clarity": {"level": "clear", "reason": "<script>alert(1)</script>"}}
    async with (
        a_model(always(lambda: completion(json.dumps(hostile)))) as (endpoint, asked),
        a_world(tmp_path, **settings(endpoint)) as world,
    ):
        await annotate(world)
        assert "Ask for a language review" not in await summary(world), "nothing was said"
        await say(world)
        assert "Ask for a language review" in await summary(world)
        assert asked == [], "never by itself"
        assert await press(world) == 303
        await world.app[keys.REVIEWS].settle()
        text = await summary(world)
        assert "Clarity: clear." in text
        assert "<blockquote>First we looked  at the logs</blockquote>" in text
        assert "<script>alert(1)" not in text
        assert "llama-test" in text
        assert "1 of 1 answers is reviewed" in text
        assert "Ask for" not in text, "nothing is left to ask for"
        assert await press(world) == 303
        await world.app[keys.REVIEWS].settle()
        assert len(asked) == 1, "what has a review is not sent again"


async def test_asking_answers_at_once_and_twice_is_once(tmp_path):
    go_on = asyncio.Event()

    async def slow(request):
        await go_on.wait()
        return completion(json.dumps(GOOD))

    async with a_model(slow) as (endpoint, asked), a_world(tmp_path, **settings(endpoint)) as world:
        await annotate(world)
        await say(world)
        assert [await press(world), await press(world)] == [303, 303]
        assert "0 of 1 done" in await summary(world)
        go_on.set()
        await world.app[keys.REVIEWS].settle()
        assert len(asked) == 1
        assert "Structure: structured." in await summary(world)


async def test_withdrawal_deletes_reviews_and_one_on_its_way_is_not_stored(tmp_path):
    came, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request):
        came.set()
        await go_on.wait()
        return completion(json.dumps(GOOD))

    async with a_model(slow) as (endpoint, _), a_world(tmp_path, **settings(endpoint)) as world:
        await annotate(world)
        await say(world)
        await press(world)
        await came.wait()
        await world.consent(ConsentKind.TRANSCRIPTION, granted=False)
        go_on.set()
        await world.app[keys.REVIEWS].settle()
        assert await n_rows(world) == 0
        await say(world)
        await press(world)
        await world.app[keys.REVIEWS].settle()
        assert await n_rows(world) == 1
        await world.consent(ConsentKind.TRANSCRIPTION, granted=False)
        assert await n_rows(world) == 0


async def test_failures_are_said_and_count_towards_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(reviews_module, "MAX_CALLS", 2)
    async with (
        a_model(always(lambda: completion("no"))) as (endpoint, asked),
        a_world(tmp_path, **settings(endpoint)) as world,
    ):
        await annotate(world)
        await say(world)
        for _ in range(4):
            await press(world)
            await world.app[keys.REVIEWS].settle()
        assert len(asked) == 2
        assert "No review: The model&#39;s reply is not JSON." in await summary(world)
        assert "Ask for the reviews that are missing" in await summary(world)


async def test_short_answers_are_not_sent(tmp_path):
    async with a_model(always(lambda: completion("no"))) as (endpoint, asked):
        async with a_world(tmp_path, **settings(endpoint)) as world:
            await annotate(world)
            await say(world, "only a few words")
            await press(world)
            await world.app[keys.REVIEWS].settle()
        assert asked == []


async def test_without_a_model_the_page_says_so_and_nothing_is_done(world):
    await annotate(world)
    await say(world)
    text = await summary(world)
    assert "No language model is set up" in text
    assert "Ask for a language review" not in text
    assert await press(world) == 409


async def test_a_restart_does_not_wait_for_a_model(tmp_path):
    came = asyncio.Event()

    async def silent(request):
        came.set()
        await asyncio.sleep(30)

    async with a_model(silent) as (endpoint, _):
        async with asyncio.timeout(10):
            async with a_world(tmp_path, **settings(endpoint)) as world:
                await annotate(world)
                await say(world)
                await press(world)
                await came.wait()
                await world.app[keys.REVIEWS].close()
                assert not world.app[keys.REVIEWS].is_running(world.session_id)
