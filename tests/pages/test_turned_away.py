"""What a browser shows while the server takes nobody in, and that it comes in by itself afterwards."""

from datetime import timedelta

import pytest
from playwright.async_api import expect

from server import clock
from server.http import keys
from server.sessions import live
from tests.pages.browser import accessibility_problems, chromium, new_page
from tests.pages.site import join_path, schedule

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def test_a_candidate_who_is_turned_away_reads_why_and_gets_in_without_doing_anything(site, monkeypatch, tmp_path):
    path = join_path(await schedule(await site.operator()))
    rooms = site.app[keys.ROOMS]
    rooms.drain(clock.utc_now() + timedelta(minutes=10))
    async with chromium() as browser:
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
