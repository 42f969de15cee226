"""The evidence on the dashboard and in the summary, with made-up signals, in a real browser."""

import json
from dataclasses import replace

import pytest
import pytest_asyncio
from playwright.async_api import Page, WebSocketRoute, expect

from server.db import annotations as annotation_rows
from server.db import series as series_rows
from server.http import keys
from server.protocol import estimate_message
from server.sessions.records import Marker, MarkerKind, StoredEstimate
from tests.fakes.evidence import a_series_with_signals, some_signals
from tests.fakes.series import an_estimate
from tests.http.world import World, a_world
from tests.pages.browser import browser, running_browser
from tests.web.test_pages_in_browser import a_page, expect_good

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

__all__ = ["browser", "running_browser"]

ADVICE = {
    "id": "rising-84",
    "text": "The stress indicators have been rising for 20 s since question 1: consider a pause.",
    "evidence": [{"name": "stress", "value": 0.62, "z": None}, {"name": "eyes.blink_rate", "value": 31.0, "z": 3.4}],
}
WHY = {
    "rise": 0.145,
    "parts": [
        {"signal": "face.fear", "amount": 0.11},
        {"signal": "voice.f0", "amount": 0.055},
        {"signal": "face.angry", "amount": -0.02},
    ],
    "moved": [{"name": "eyes.blink_rate", "value": 31.0, "z": 3.4, "quality": 0.8}],
}


@pytest_asyncio.fixture(loop_scope="module")
async def world(tmp_path):
    async with a_world(tmp_path) as running:
        rows = [StoredEstimate(session_id=running.session_id, estimate=item) for item in a_series_with_signals()]
        details = running.interview
        question = details.questions[0]
        marker = Marker(
            id="m1",
            interview_id=details.interview.id,
            session_id=running.session_id,
            t_s=30.0,
            kind=MarkerKind.QUESTION,
            label=question.text,
            question_id=question.id,
            author_id=details.candidate.id,
            author="Olga Operator",
            created_at=details.interview.scheduled_at,
        )
        async with running.app[keys.DATABASE].write() as connection:
            await series_rows.insert_estimates(connection, rows, "test")
            await annotation_rows.insert_marker(connection, marker)
        yield running


class Live:
    """A dashboard into which estimates can be put."""

    def __init__(self, page: Page, world: World) -> None:
        self.page = page
        self._world = world
        self._route: WebSocketRoute | None = None

    async def open(self) -> None:
        await self.page.route_web_socket("**/ws/**", self._pass_on)
        await self.page.goto(f"{self._world.url}/interviews/{self._world.interview.interview.id}/room")
        await self.page.click("#enter")
        await self.page.wait_for_selector("#question-list li")

    def _pass_on(self, route: WebSocketRoute) -> None:
        self._route = route
        server = route.connect_to_server()
        server.on_message(lambda message: route.send(self._with_analysis(message)))

    def _with_analysis(self, text: str | bytes) -> str | bytes:
        """The server runs no analysis here: say that it does."""
        message = json.loads(text)
        if message["type"] != "state":
            return text
        session_id = self._world.session_id
        message["analysis"] = {"on": True, "session_id": session_id, "t_s": 120.0, "worker": "ready", "allowed": True}
        return json.dumps(message)

    def put(self, t_s: int, *, n_faces: int = 1, **fields: object) -> None:
        assert self._route is not None
        estimate = replace(an_estimate(t_s), signals=some_signals(t_s, n_faces=n_faces))
        self._route.send(json.dumps({**estimate_message(self._world.session_id, estimate), **fields}))


async def test_dashboard_shows_evidence_and_forgets_it_when_nothing_comes(world, browser):
    async with a_page(browser, world) as (page, complaints):
        live = Live(page, world)
        await live.open()
        live.put(120, advice=[ADVICE])
        moved = page.locator("#signals-body > .signal-list > li")
        await expect(moved.first).to_contain_text("usual (")
        assert await moved.count() <= 5
        await expect(page.locator("#advice-list")).to_contain_text("Rests on: stress 0.62; blinks a minute 31")
        await expect(page.locator("#voice-body .contour-value").first).not_to_have_text("—")
        gaze = page.locator(".signal-group[data-key=gaze]")
        await gaze.locator("summary").first.click()
        assert not await page.locator("#other-faces").is_visible()
        live.put(121, n_faces=2, peak_t_s=90.0, peak_why=WHY)
        await expect(page.locator("#other-faces")).to_contain_text("2 faces are in the picture")
        await expect(page.locator("#no-advice")).to_be_visible()
        await expect(gaze.locator(".signal-group-state"), "nothing comes any more").to_have_text("not measured now")
        assert await page.locator(".signal-value").count() == 0, "no value that is not live"
        await expect(page.locator("#voice-body .contour-value").first).to_have_text("—")
        await page.click("#peak-list .peak-why summary")
        await expect(page.locator("#peak-list .why-parts .number").first).to_be_visible()
        shown = await page.locator("#peak-list .why-parts .number").all_inner_texts()
        assert sum(float(text.replace("−", "-")) for text in shown) == pytest.approx(0.14), "as the rise is shown"
        assert complaints == []


async def test_open_groups_are_remembered_and_quiet_mode_hides_all(world, browser):
    async with a_page(browser, world) as (page, _):
        live = Live(page, world)
        await live.open()
        live.put(120, n_faces=2, advice=[ADVICE])
        await page.locator(".signal-group[data-key=eyes] summary").first.click()
        await live.open()
        live.put(120, n_faces=2, advice=[ADVICE])
        await expect(page.locator(".signal-group[open]")).to_have_count(1)
        await expect(page.locator(".signal-group[data-key=eyes] .signal").first).to_contain_text("uality")
        await page.click("#quiet")
        for hidden in ("#signals-body", "#voice-body", "#advice-list"):
            await expect(page.locator(hidden)).not_to_be_visible()
        await expect(page.locator("#other-faces"), "whose face it is matters all the same").to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_evidence_is_accessible_and_fits(world, browser, scheme):
    async with a_page(browser, world, scheme=scheme) as (page, complaints):
        live = Live(page, world)
        await live.open()
        live.put(120, n_faces=2, advice=[ADVICE], peak_t_s=90.0, peak_why=WHY)
        await expect(page.locator("#peak-list .peak-why"), "of the past and of now").to_have_count(2)
        await page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        live.put(121, n_faces=2, advice=[ADVICE])
        await expect(page.locator("#peak-list .why-parts").first.locator("li")).to_have_count(3)
        await expect_good(page, complaints, scheme)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_summary_shows_evidence_by_question(world, browser, scheme):
    async with a_page(browser, world, scheme=scheme) as (page, complaints):
        await page.goto(f"{world.url}/sessions/{world.session_id}")
        await expect(page.locator("#index-bars .index").first.locator("li")).to_have_count(2)
        await expect(page.locator("#moved-lists .moved")).to_have_count(2)
        assert "above usual (+" in await page.inner_text("#moved-lists")
        await page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        await expect(page.locator("#signal-tables table").first.locator("thead th")).to_have_count(3)
        await expect(page.locator(".peak-why .why-parts .number").first).to_contain_text("+")
        await expect_good(page, complaints, scheme)
