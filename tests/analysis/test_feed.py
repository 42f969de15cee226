"""The feed of a session without a worker: the test takes what a worker would."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pipeline.types import BrowserAudio
from server.analysis.feed import AnalysisFeed, WorkerState
from server.analysis.messages import (
    Checkpoint,
    HearThrough,
    MarkGap,
    MarkQuestion,
    Open,
    OthersSpeak,
    Recalibrate,
    Transcribe,
)


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now_s = 1010.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def feed(clock: Clock) -> AsyncIterator[AnalysisFeed]:
    feed = AnalysisFeed(
        "a",
        origin_s=1000.0,
        analysis_fps=5.0,
        landmark_fps=30.0,
        clock=clock,
        on_estimate=lambda estimate, arrival_s: None,
        on_health=lambda health: None,
        on_words=lambda words: None,
    )
    yield feed
    feed.detach(WorkerState.FAILED)
    await feed.close()


def told(feed: AnalysisFeed) -> list[tuple[float, bool]]:
    messages = []
    while (message := feed.take()) is not None:
        messages.append(message)
    return [(item.t_s, item.is_speaking) for item in messages if isinstance(item, OthersSpeak)]


async def test_the_worker_is_told_in_session_time_who_else_speaks(feed: AnalysisFeed):
    n_woken = []
    feed.attach(lambda: n_woken.append(1))
    assert told(feed) == []
    n_woken.clear()
    feed.hear_others(True, 1004.5)
    feed.hear_others(False, 1006.25)
    assert len(n_woken) == 2
    assert told(feed) == [(4.5, True), (6.25, False)]


async def test_a_worker_that_comes_later_is_told_how_it_is_now(feed: AnalysisFeed):
    feed.hear_others(False, 999.0)
    feed.hear_others(True, 1001.0)
    assert told(feed) == []
    feed.attach(lambda: None)
    assert told(feed) == [(10.0, True)]
    feed.detach(WorkerState.RESTARTING)
    feed.hear_others(False, 1009.0)
    feed.attach(lambda: None)
    assert told(feed) == [(10.0, False)]


async def test_every_worker_is_told_what_the_browser_does_to_the_sound(feed: AnalysisFeed):
    levelled = BrowserAudio(has_automatic_gain=True, has_noise_suppression=False)
    as_it_is = BrowserAudio(has_automatic_gain=False, has_noise_suppression=False)

    def heard() -> list[BrowserAudio]:
        messages = iter(feed.take, None)
        return [item.audio for item in messages if isinstance(item, HearThrough)]

    feed.attach(lambda: None)
    assert heard() == [], "nothing is made up"
    feed.hear_through(levelled)
    assert heard() == [levelled]
    feed.detach(WorkerState.RESTARTING)
    feed.hear_through(as_it_is)
    feed.attach(lambda: None)
    assert heard() == [as_it_is]


async def test_every_worker_is_told_whether_words_are_written_down(feed: AnalysisFeed):
    """A checkpoint may be of before the withdrawal: its words must not go on."""

    def switched() -> list[bool]:
        return [item.is_on for item in iter(feed.take, None) if isinstance(item, Transcribe)]

    feed.attach(lambda: None)
    assert switched() == [False]
    feed.transcribe(is_on=True)
    assert switched() == [True]
    feed.take_checkpoint(Checkpoint(session_id="a", t_s=11.0, state=b"with words"))
    feed.detach(WorkerState.RESTARTING)
    feed.attach(lambda: None)
    assert switched() == [True]
    feed.detach(WorkerState.RESTARTING)
    feed.transcribe(is_on=False)
    feed.attach(lambda: None)
    assert switched() == [False]


async def test_words_of_an_earlier_consent_end_where_a_later_one_is_newer_than_the_checkpoint(feed: AnalysisFeed):
    feed.attach(lambda: None)
    feed.transcribe(is_on=True)
    feed.take_checkpoint(Checkpoint(session_id="a", t_s=9.0, state=b"with words"))
    feed.transcribe(is_on=False)
    feed.transcribe(is_on=True)
    feed.detach(WorkerState.RESTARTING)
    feed.attach(lambda: None)
    assert [item.is_on for item in iter(feed.take, None) if isinstance(item, Transcribe)] == [False, True]


@pytest.mark.parametrize("is_attached", [True, False])
async def test_a_baseline_is_begun_anew_by_each_worker_until_a_checkpoint_is_later(
    feed: AnalysisFeed, is_attached: bool
):
    def begun() -> list[float]:
        return [item.t_s for item in iter(feed.take, None) if isinstance(item, Recalibrate)]

    if is_attached:
        feed.attach(lambda: None)
    feed.recalibrate()
    assert begun() == [10.0] * is_attached
    for t_s, expected in ((9.0, [10.0]), (11.0, [])):
        feed.detach(WorkerState.RESTARTING)
        feed.attach(lambda: None)
        assert begun() == [10.0]
        feed.take_checkpoint(Checkpoint(session_id="a", t_s=t_s, state=b""))
        feed.detach(WorkerState.RESTARTING)
        feed.attach(lambda: None)
        assert begun() == expected


async def test_a_session_that_meets_an_error_goes_on_from_its_checkpoint_then_from_nothing_then_ends(
    feed: AnalysisFeed, clock: Clock
):
    def opened() -> list[bytes | None]:
        return [item.state for item in iter(feed.take, None) if isinstance(item, Open)]

    feed.attach(lambda: None)
    feed.take_checkpoint(Checkpoint(session_id="a", t_s=9.0, state=b"nine"))
    assert opened() == [None]
    for now_s, expected in ((1010.0, b"nine"), (1071.0, b"nine"), (1072.0, None)):
        clock.now_s = now_s
        assert feed.start_over(lambda: None)
        messages = list(iter(feed.take, None))
        assert [item.state for item in messages if isinstance(item, Open)] == [expected]
        (gap,) = (item for item in messages if isinstance(item, MarkGap))
        assert (gap.from_s, gap.to_s) == (9.0, now_s - 1000.0)
    assert not feed.start_over(lambda: None)


async def test_a_session_that_is_being_closed_does_not_start_over(feed: AnalysisFeed):
    feed.attach(lambda: None)
    closing = asyncio.create_task(feed.close())
    await asyncio.sleep(0)
    assert not feed.start_over(lambda: None)
    feed.finish(has_failed=True)
    await closing


async def test_a_time_before_the_session_is_its_beginning(feed: AnalysisFeed):
    feed.attach(lambda: None)
    feed.hear_others(True, 998.0)
    assert told(feed) == [(0.0, True)]


async def test_a_question_is_told_to_the_worker_that_is_there(feed: AnalysisFeed):
    feed.mark_question(3.0)
    n_woken = []
    feed.attach(lambda: n_woken.append(1))
    n_woken.clear()
    feed.mark_question(4.5)
    assert n_woken == [1]
    messages = []
    while (message := feed.take()) is not None:
        messages.append(message)
    assert messages[-1] == MarkQuestion(session_id="a", t_s=4.5)
    assert sum(isinstance(message, MarkQuestion) for message in messages) == 1
