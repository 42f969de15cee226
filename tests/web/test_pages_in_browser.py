"""Every page in a real browser: axe-core finds nothing, nothing is wider than the screen, nothing breaks the CSP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from scripts.vendor import ROOT
from server.db import series as series_rows
from server.http import keys
from server.sessions.records import StoredEstimate
from tests.fakes.series import a_series
from tests.http.world import World, a_world
from tests.pages.browser import browser, running_browser

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

__all__ = ["browser", "running_browser"]

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
FIND_VIOLATIONS = """async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const found = await axe.run(document, {runOnly: tags});
    return found.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.target.join(' ')).join(', ')}`);
}"""
IS_WIDER = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
WIDTHS_PX = {"light": 390, "dark": 1440}
"""Each page is searched on a phone in light colours and on a desk in dark ones, and measured on both."""


@pytest_asyncio.fixture(loop_scope="module")
async def world(tmp_path) -> AsyncIterator[World]:
    async with a_world(tmp_path) as running:
        rows = [StoredEstimate(session_id=running.session_id, estimate=estimate) for estimate in a_series()]
        async with running.app[keys.DATABASE].write() as connection:
            await series_rows.insert_estimates(connection, rows, "test")
        yield running


@asynccontextmanager
async def a_page(browser: Browser, world: World, *, scheme: str = "light") -> AsyncIterator[tuple[Page, list[str]]]:
    """Open a page logged in as the operator; yields it with the list of what goes wrong in it."""
    context = await browser.new_context(color_scheme=scheme)
    cookies = [
        {"name": cookie.key, "value": cookie.value, "url": world.url} for cookie in world.operator.http.cookie_jar
    ]
    await context.add_cookies(cookies)
    await context.add_init_script(path=AXE)
    page, complaints = await context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield page, complaints
    await context.close()


async def expect_good(page: Page, complaints: list[str], scheme: str) -> None:
    for width in sorted(WIDTHS_PX.values(), key=lambda width: width == WIDTHS_PX[scheme]):
        await page.set_viewport_size({"width": width, "height": 900})
        assert not await page.evaluate(IS_WIDER), f"{page.url} is wider than {width} px"
    assert await page.evaluate(FIND_VIOLATIONS) == [], f"{page.url} at {width} px"
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_are_accessible_and_fit(world, browser, scheme):
    interview = f"/interviews/{world.interview.interview.id}"
    paths = ["/login", "/interviews", "/interviews/new", "/people", "/account", interview, f"{interview}/edit"]
    paths += [f"/join/{world.join_token}", f"/sessions/{world.session_id}", "/nothing"]
    async with a_page(browser, world, scheme=scheme) as (page, complaints):
        for path in paths:
            await page.goto(world.url + path)
            await expect_good(page, complaints, scheme)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_dashboard_is_accessible_and_fits(world, browser, scheme):
    async with a_page(browser, world, scheme=scheme) as (page, complaints):
        await page.goto(f"{world.url}/interviews/{world.interview.interview.id}/room")
        await page.wait_for_selector("#ready-video-on[aria-pressed=true]")
        await expect_good(page, complaints, scheme)
        await page.click("#enter")
        await page.wait_for_selector("#question-list li")
        await expect_good(page, complaints, scheme)
        assert await page.inner_text("#analysis-hint") == "The candidate is not here yet."
        await page.evaluate("() => document.getElementById('open-keys').click()")  # phones have no such button
        await expect_good(page, complaints, scheme)


async def test_dashboard_works_by_keyboard_alone(world, browser):
    async with a_page(browser, world) as (page, complaints):
        await page.goto(f"{world.url}/interviews/{world.interview.interview.id}/room")
        await page.focus("#enter")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#question-list li")
        await page.keyboard.press("1")
        await page.wait_for_selector("#question-list [aria-current=step]")
        await page.keyboard.press("m")
        await page.wait_for_function("() => document.querySelectorAll('#marker-list li').length === 2")

        await page.keyboard.press("n")
        assert await page.evaluate("() => document.activeElement.id") == "note-text"
        await page.keyboard.type("more questions")  # m and q are letters here
        await page.keyboard.press("Control+Enter")
        await page.wait_for_function("() => document.querySelector('#note-list').innerText.includes('more questions')")
        assert await page.input_value("#note-text") == ""
        await expect(page.locator("#marker-list li")).to_have_count(2)
        await page.keyboard.press("Escape")

        await page.keyboard.press("?")
        assert await page.locator("#keys-dialog").is_visible()
        await page.keyboard.press("m")
        await page.keyboard.press("Escape")
        assert not await page.locator("#keys-dialog").is_visible()
        await expect(page.locator("#marker-list li")).to_have_count(2)
        assert complaints == []


async def test_quiet_mode_is_remembered_by_the_browser(world, browser):
    address = f"{world.url}/interviews/{world.interview.interview.id}/room"
    async with a_page(browser, world) as (page, _):
        await page.goto(address)
        await page.click("#enter")
        await page.click("#quiet")
        assert not await page.locator("#gauge").is_visible()
        assert not await page.locator("#trend").is_visible()
        await page.goto(address)
        await page.click("#enter")
        await page.wait_for_selector("#quiet[aria-pressed=true]")
        assert not await page.locator("#gauge").is_visible()


async def test_lost_connection_is_said_and_kept_marks_go_out_later(world, browser):
    open_routes, is_cut = [], False

    async def pass_on(route) -> None:
        if is_cut:
            await route.close()
        else:
            open_routes.append(route)
            route.connect_to_server()

    async with a_page(browser, world) as (page, complaints):
        await page.route_web_socket("**/ws/**", pass_on)
        await page.goto(f"{world.url}/interviews/{world.interview.interview.id}/room")
        await page.click("#enter")
        await page.wait_for_selector("#question-list li")
        is_cut = True
        await open_routes.pop().close()
        await page.keyboard.press("m")
        await page.wait_for_selector("#link-banner:not([hidden])")
        assert "Trying again" in await page.inner_text("#link-banner")
        await expect(page.locator("#marker-list li")).to_have_count(0)
        is_cut = False
        await page.wait_for_selector("#marker-list li")
        assert not await page.locator("#link-banner").is_visible()
        assert complaints == []


@pytest.mark.parametrize("deaf", ["server", "page"])
async def test_what_was_written_on_a_dead_line_is_stored_once(world, browser, deaf):
    """Nobody notices for seconds that nothing arrives at the server, or at the page."""
    open_routes, is_dead = [], False

    async def pass_on(route) -> None:
        server = route.connect_to_server()
        route.on_message(lambda message: None if is_dead and deaf == "server" else server.send(message))
        server.on_message(lambda message: None if is_dead and deaf == "page" else route.send(message))
        open_routes.append(route)

    async with a_page(browser, world) as (page, complaints):
        await page.route_web_socket("**/ws/**", pass_on)
        await page.goto(f"{world.url}/interviews/{world.interview.interview.id}/room")
        await page.click("#enter")
        await page.wait_for_selector("#question-list li")
        is_dead = True
        await page.keyboard.press("m")
        await page.fill("#note-text", "a thought")
        await page.press("#note-text", "Control+Enter")
        await expect(page.locator("#note-text")).to_have_value("")
        await expect(page.locator("#note-saved")).to_contain_text("Saving")
        is_dead = False
        await open_routes.pop().close()
        await expect(page.locator("#marker-list li")).to_have_count(1)
        await expect(page.locator("#note-list li")).to_have_count(1)
        await expect(page.locator("#note-saved")).to_be_empty()
        await page.reload()
        await page.click("#enter")
        await page.wait_for_selector("#question-list li")
        await expect(page.locator("#marker-list li")).to_have_count(1)
        await expect(page.locator("#note-list li")).to_have_count(1)
        assert complaints == []


REMEMBER_TRACKS = """
    window.tracks = [];
    window.skip_ms = 0;
    const now = performance.now.bind(performance);
    performance.now = () => now() + window.skip_ms;
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (constraints) => {
        const stream = await open(constraints);
        window.tracks.push(...stream.getTracks());
        return stream;
    };
"""


@pytest.mark.parametrize(
    ("status", "place", "words"),
    [
        (410, "#after-title", "The interview has ended"),
        (404, "#after-title", "You have no access to this room"),
        (401, "#link-text", "You were logged out"),
    ],
)
async def test_who_gets_no_access_any_more_is_neither_seen_nor_heard(world, browser, status, place, words):
    open_routes = []

    async def pass_on(route) -> None:
        open_routes.append(route)
        route.connect_to_server()

    async with a_page(browser, world) as (page, complaints):
        await page.add_init_script(REMEMBER_TRACKS)
        await page.route_web_socket("**/ws/**", pass_on)
        await page.goto(f"{world.url}/interviews/{world.interview.interview.id}/room")
        await page.wait_for_selector("#ready-video-on[aria-pressed=true]")
        await page.click("#enter")
        await page.wait_for_selector("#question-list li")
        await page.route("**/access", lambda route: route.fulfill(status=status, json={"message": "No."}))
        await page.evaluate("skip_ms = 6 * 60 * 1000")  # the token is too old to be used again
        await page.fill("#note-text", "a last thought")
        await open_routes.pop().close()
        await expect(page.locator(place)).to_be_visible()
        await expect(page.locator(place)).to_contain_text(words)
        states = await page.evaluate("tracks.map((track) => track.readyState)")
        assert states, "there was a camera"
        assert set(states) == {"ended"}
        await page.keyboard.press("Escape")
        await page.evaluate("document.getElementById('toggle-camera').click()")
        await page.wait_for_timeout(300)
        assert await page.evaluate("tracks.every((track) => track.readyState === 'ended')")
        if place == "#after-title":
            await expect(page.locator("#after-unsaved li")).to_have_text("a last thought")
        assert complaints == []


async def test_summary_draws_its_charts(world, browser):
    async with a_page(browser, world) as (page, complaints):
        await page.goto(f"{world.url}/sessions/{world.session_id}")
        await expect(page.locator("#course-chart canvas")).to_have_count(1)
        await expect(page.locator("#band-pie path")).to_have_count(3)
        await expect(page.locator("#emotion-pie path")).to_have_count(7)
        await page.click("#course-twin summary")
        rows = page.locator("#course-twin tbody tr")
        await expect(rows, "120 s in stretches of 5 s").to_have_count(24)
        assert "unknown" in await rows.nth(13).inner_text()
        assert complaints == []
