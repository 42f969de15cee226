import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.review.answer import ReviewError
from server.review.client import MAX_ANSWER_CHARS, MAX_REPLY_BYTES, Endpoint, ask_reviewer
from tests.review.test_answer import GOOD, SAID


def completion(content: object) -> web.Response:
    return web.json_response({"id": "1", "choices": [{"index": 0, "message": {"content": content}}], "usage": {}})


@asynccontextmanager
async def a_model(answer, **settings) -> AsyncIterator[tuple[Endpoint, list]]:
    """Run a language model's server on the loopback that answers as told; gives what it was asked, too."""
    asked: list = []

    async def complete(request: web.Request) -> web.StreamResponse:
        asked.append((dict(request.headers), await request.json()))
        return await answer(request)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    async with TestServer(app) as server:
        yield Endpoint(url=str(server.make_url("/v1")), model="m", **settings), asked


def always(make):
    async def answer(request: web.Request) -> web.StreamResponse:
        return make()

    return answer


async def test_a_model_that_behaves_is_asked_for_the_wording_alone():
    async with a_model(always(lambda: completion(json.dumps(GOOD))), key="k-1") as (endpoint, asked):
        review = await ask_reviewer(endpoint, "What went wrong?", SAID)
    assert review.clarity_reason == "Each step is named."
    [(headers, body)] = asked
    assert headers["Authorization"] == "Bearer k-1"
    assert (body["model"], body["temperature"], body["response_format"]["type"]) == ("m", 0, "json_schema")
    assert "never the person" in body["messages"][0]["content"]
    assert json.loads(body["messages"][1]["content"]) == {"question": "What went wrong?", "answer": SAID}
    assert "k-1" not in repr(endpoint)


async def test_only_the_beginning_of_a_long_answer_is_sent():
    async with a_model(always(lambda: completion(json.dumps(GOOD)))) as (endpoint, asked):
        await ask_reviewer(endpoint, "Q", f"{SAID} " + "word " * 5_000)
    sent = json.loads(asked[0][1]["messages"][1]["content"])["answer"]
    assert MAX_ANSWER_CHARS - 10 < len(sent) <= MAX_ANSWER_CHARS
    assert sent.endswith(" word")


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: completion("Sure! Here is my review."), "not JSON"),
        (lambda: completion(json.dumps(GOOD | {"hire": True})), "exactly these fields"),
        (lambda: completion(json.dumps(GOOD | {"quotes": ["we never tested it"]})), "not said"),
        (lambda: completion(None), "no chat completion|not a chat completion"),
        (lambda: web.json_response({"choices": []}), "not a chat completion"),
        (lambda: web.Response(text="<html>"), "not a chat completion"),
        (lambda: web.Response(body=b"\xff\xfe\xff"), "not a chat completion"),
        (lambda: web.Response(status=401), "status 401"),
        (lambda: web.Response(status=500), "status 500"),
        (lambda: web.Response(status=307, headers={"Location": "/v1/chat/completions"}), "status 307"),
        (lambda: web.Response(body=b"x" * (MAX_REPLY_BYTES + 1)), f"more than {MAX_REPLY_BYTES}"),
    ],
)
async def test_a_model_that_misbehaves_gives_no_review(make, complaint):
    async with a_model(always(make)) as (endpoint, asked):
        with pytest.raises(ReviewError, match=complaint):
            await ask_reviewer(endpoint, "Q", SAID)
    assert len(asked) == 1, "no second try, no redirect followed"


async def test_a_slow_model_is_given_up():
    async def slow(request):
        await asyncio.sleep(5)

    async with a_model(slow, timeout_s=0.1) as (endpoint, _):
        began = time.monotonic()
        with pytest.raises(ReviewError, match=r"within 0\.1 s"):
            await ask_reviewer(endpoint, "Q", SAID)
        assert time.monotonic() - began < 2


async def test_a_model_that_hangs_up_or_is_not_there_gives_no_review():
    async def hang_up(request):
        request.transport.close()
        return web.Response()

    async with a_model(hang_up) as (endpoint, _):
        with pytest.raises(ReviewError, match="cannot be reached"):
            await ask_reviewer(endpoint, "Q", SAID)
    with pytest.raises(ReviewError, match="cannot be reached"):
        await ask_reviewer(endpoint, "Q", SAID)
