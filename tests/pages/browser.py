"""A real Chromium for the pages, with a synthetic camera and microphone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.e2e.conftest import CHROMIUM_OPTIONS, chromium_path

expect.set_options(timeout=20_000)  # a busy machine is slow
AXE = Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run the system's Chromium, or the one named by CHROMIUM."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=list(CHROMIUM_OPTIONS))
        try:
            yield browser
        finally:
            await browser.close()


# Fixtures for modules whose tests and other fixtures run on one event loop (loop_scope="module"): a browser lives on
# the loop that started it.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def browser(running_browser: Browser) -> AsyncIterator[Browser]:
    """A browser that nobody has used: the pages of a test go with it."""
    yield running_browser
    for context in running_browser.contexts:
        await context.close()


async def new_page(browser: Browser, *, width: int = 1440, scheme: str = "light") -> tuple[Page, list[str]]:
    """Open a page with cookies of its own; returns it and what it complains about."""
    context = await browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page, complaints = await context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    return page, complaints


async def accessibility_problems(page: Page) -> list[str]:
    """Return what axe-core finds on the page as it is now (WCAG 2.2 A and AA)."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate(
        """async () => {
            const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
            const {violations} = await axe.run(document, {runOnly: {type: 'tag', values: tags}});
            return violations.map(({id, nodes}) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(' | ')}`);
        }"""
    )
    return [str(line) for line in found]
