"""What a browser shows while the server takes nobody in, and that it comes in by itself afterwards."""

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import expect

from server import clock
from server.http import keys
from server.sessions import live
from tests.pages.browser import accessibility_problems, browser, new_page, running_browser
from tests.pages.conftest import a_site
from tests.pages.site import PASSWORD, join_path, schedule

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

__all__ = ["browser", "running_browser"]


@pytest_asyncio.fixture(loop_scope="module")
async def site(tmp_path):
    async with a_site(tmp_path) as running:
        yield running


async def test_a_candidate_who_is_turned_away_reads_why_and_gets_in_without_doing_anything(
    site, browser, monkeypatch, tmp_path
):
    path = join_path(await schedule(await site.operator()))
    rooms = site.app[keys.ROOMS]
    rooms.drain(clock.utc_now() + timedelta(minutes=10))
    page, _ = await new_page(browser)
    answer = await page.goto(site.url + path)
    assert answer.status == 503
    await expect(page.locator("h1")).to_have_text("Not available right now")
    await expect(page.locator("main")).to_contain_text("This server is about to restart")
    await expect(page.locator("#try-again")).to_contain_text("tries again by itself")
    assert await accessibility_problems(page) == []
    await page.screenshot(path=tmp_path / "turned-away.png")
    monkeypatch.setattr(live, "DRAINING_RETRY_S", 1)
    await page.reload()
    rooms._draining_until = None  # the server that was restarted
    await expect(page.locator("[name=call]")).to_be_visible(timeout=20_000)


async def test_a_candidate_in_the_waiting_room_reads_of_the_restart(site, browser):
    interview = await schedule(await site.operator())
    page, _ = await new_page(browser)
    await page.goto(site.url + join_path(interview))
    await page.check("[name=call]")
    await page.click("#consent-form [type=submit]")
    await page.click("#ask-devices")
    await page.click("#enter")
    await expect(page.locator("#waiting-words")).to_contain_text("The interviewer is not here yet")
    site.app[keys.ROOMS].drain(clock.utc_now() + timedelta(minutes=10))
    await expect(page.locator("#waiting-words")).to_contain_text("The server is about to restart")


async def test_an_interviewer_in_the_room_reads_of_the_restart(site, browser, tmp_path):
    interview = await schedule(await site.operator())
    page, _ = await new_page(browser)
    await page.goto(f"{site.url}/login")
    await page.fill("#f-email", "maria@example.org")
    await page.fill("#f-password", PASSWORD)
    await page.click("button[type=submit]")
    await expect(page.locator("#f-password")).to_have_count(0)
    await page.goto(f"{site.url}{urlsplit(interview.path).path}/room")
    await page.click("#enter")
    rooms = site.app[keys.ROOMS]
    async with asyncio.timeout(20):
        while rooms.stats()["connections"] == 0:  # noqa: ASYNC110 - the page's websocket
            await asyncio.sleep(0.05)
    await expect(page.locator("#server-note")).to_be_hidden()
    rooms.drain(clock.utc_now() + timedelta(minutes=10))
    note = page.locator("#server-note")
    await expect(note).to_contain_text("The server restarts when the running interviews are over, at ")
    await expect(note).to_contain_text("Nobody can be admitted until it is back.")
    assert await accessibility_problems(page) == []
    await page.screenshot(path=tmp_path / "note.png")
