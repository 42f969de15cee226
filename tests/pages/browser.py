"""A real Chromium for the pages, with a synthetic camera and microphone."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
AXE = Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run the system's Chromium, or the one named by CHROMIUM."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "no Chromium: scripts/test installs it"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
        try:
            yield browser
        finally:
            await browser.close()


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
