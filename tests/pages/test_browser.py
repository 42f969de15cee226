"""The pages in a real browser: what a keyboard, a phone, a screen reader and a failing camera make of them."""

from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import expect

from server.db import interviews as interview_rows
from server.http import keys
from server.sessions.consent import Answer
from server.sessions.consenttexts import consent_text
from server.sessions.records import ConsentKind, InterviewStatus
from tests.pages.browser import accessibility_problems, browser, new_page, running_browser
from tests.pages.conftest import a_site
from tests.pages.site import INTERVIEW, PASSWORD, join_path, schedule

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

__all__ = ["browser", "running_browser"]


@pytest_asyncio.fixture(loop_scope="module")
async def site(tmp_path):
    async with a_site(tmp_path) as running:
        yield running


# Fails as told for one kind, as often as told; remembers every track that was ever handed out.
FAILING = """([kinds, name, nTimes]) => {
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    window.tracks = [];
    window.nAsked = 0;
    navigator.mediaDevices.getUserMedia = async (constraints) => {
        window.nAsked += 1;
        if (kinds.some((kind) => constraints[kind]) && nTimes-- > 0) throw new DOMException('no', name);
        const stream = await real(constraints);
        window.tracks.push(...stream.getTracks());
        return stream;
    };
}"""


async def to_devices(page, site, path, failing=((), "", 0)):
    """Consent to the call alone and stand before the device check."""
    kinds, name, n_times = failing
    await page.goto(site.url + path)
    await page.evaluate(FAILING, [list(kinds), name, n_times])
    await page.check("[name=call]")
    await page.click("#consent-form [type=submit]")
    await expect(page.locator("#devices-title")).to_be_focused()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("NotAllowedError", "The browser was not allowed to use the camera."),
        ("NotFoundError", "No camera was found."),
        ("NotReadableError", "Most often another program is using it."),
        ("OverconstrainedError", "The camera you chose is not there any more."),
        ("SecurityError", "forbid the use of the camera."),
        ("AbortError", "The camera could not be started."),
    ],
)
async def test_a_camera_that_fails_has_its_sentence_a_retry_and_leaves_the_microphone(site, browser, error, sentence):
    path = join_path(await schedule(await site.operator()))
    page, complaints = await new_page(browser)
    # Fails together with the microphone and alone, then works.
    await to_devices(page, site, path, failing=(["video"], error, 2))
    await page.click("#ask-devices")
    problem = page.locator("[data-problem=video]")
    await expect(problem).to_contain_text(sentence)
    await expect(page.locator("[data-problem=audio]")).to_be_hidden()
    await expect(page.locator("#meter-words")).to_have_text("We can hear you")
    await expect(page.locator("#enter")).to_be_enabled()
    await expect(page.locator("#enter-hint")).to_have_text("You can go on without a camera.")
    await problem.get_by_role("button", name="Try again").click()
    await expect(problem).to_be_hidden()
    await expect(page.locator("#preview-note")).to_be_hidden()
    assert complaints == []


async def test_without_any_device_both_say_why_and_nobody_can_go_on(site, browser):
    path = join_path(await schedule(await site.operator()))
    page, _ = await new_page(browser)
    await to_devices(page, site, path, failing=(["audio", "video"], "NotAllowedError", 99))
    await page.click("#ask-devices")
    await expect(page.locator("[data-problem=audio]")).to_contain_text("not allowed to use the microphone")
    await expect(page.locator("[data-problem=video]")).to_contain_text("not allowed to use the camera")
    await expect(page.locator("#enter")).to_be_disabled()


async def test_the_waiting_room_survives_a_reload_and_leaving_turns_everything_off(site, browser):
    path = join_path(await schedule(await site.operator()))
    page, complaints = await new_page(browser)
    await to_devices(page, site, path)
    await page.click("#ask-devices")
    await page.click("#enter")
    await expect(page.locator("#waiting-words")).to_contain_text("will be told at once that you are waiting")
    await page.reload()
    await page.evaluate(FAILING, [[], "", 0])
    await expect(page.locator("#waiting-words")).to_contain_text("will be told at once that you are waiting")
    await page.click("#back-to-devices")
    await page.click("[data-toggle=video]")
    await page.click("[data-toggle=video]")
    await expect(page.locator("#preview-note")).to_be_hidden()
    await page.click("#enter")
    await page.click("[data-step=waiting] [data-leave]")
    await expect(page.locator("#ended-title")).to_have_text("You have left")
    assert await page.evaluate("tracks.map((track) => track.readyState)") == ["ended"]
    assert await page.evaluate("document.querySelector('#preview').srcObject") is None
    assert complaints == []


async def test_after_the_interview_the_link_says_that_it_is_over(site, browser):
    path = join_path(await schedule(await site.operator()))
    holder = await site.app[keys.TOKENS].read_join(path.removeprefix("/join/"))
    async with site.app[keys.DATABASE].write() as connection:
        await interview_rows.set_status(connection, holder.interview.id, InterviewStatus.ENDED)
    page, complaints = await new_page(browser)
    await page.goto(site.url + path)
    await expect(page.locator("#ended-title")).to_have_text("The interview has ended")
    await expect(page.locator("#consent-form")).to_be_hidden()
    await expect(page.locator("#standing")).to_be_hidden()
    assert complaints == []


async def test_a_consent_can_be_taken_back_after_the_interview(site, browser):
    path = join_path(await schedule(await site.operator()))
    holder = await site.app[keys.TOKENS].read_join(path.removeprefix("/join/"))
    version = consent_text(ConsentKind.RESEARCH, holder.interview.purpose).version
    yes = Answer(kind=ConsentKind.RESEARCH, granted=True, text_version=version)
    await site.app[keys.ROOMS].store_consents(holder, [yes])
    async with site.app[keys.DATABASE].write() as connection:
        await interview_rows.set_status(connection, holder.interview.id, InterviewStatus.ENDED)
    await site.app[keys.ROOMS].evict(holder.interview.id, "ended")
    page, complaints = await new_page(browser)
    await page.goto(site.url + path)
    await page.click("#take-back")
    await expect(page.locator("#taken-back")).to_have_text("You have taken it back.")
    await expect(page.locator("#standing")).to_be_hidden()
    assert not (await site.app[keys.ROOMS].consent_state(holder)).has(ConsentKind.RESEARCH)
    assert complaints == []


async def test_a_consent_is_changed_in_the_call_only_when_the_server_confirms_it(site, browser):
    path = join_path(await schedule(await site.operator()))
    holder = await site.app[keys.TOKENS].read_join(path.removeprefix("/join/"))

    async def stands():
        return (await site.app[keys.ROOMS].consent_state(holder)).has(ConsentKind.RESEARCH)

    page, complaints = await new_page(browser)
    await page.goto(site.url + path)
    await page.check("[name=research]")
    await page.check("[name=call]")
    await page.click("#consent-form [type=submit]")
    await expect(page.locator("#devices-title")).to_be_focused()
    await page.evaluate("document.getElementById('consents-dialog').showModal()")
    box, trouble = page.locator("[data-consent=research]"), page.locator("#consents-trouble")
    await page.route("**/consent", lambda route: route.abort())
    await box.click()
    await expect(trouble).to_contain_text("The server did not confirm this")
    await expect(box).to_be_checked()
    assert await stands()
    await page.unroute("**/consent")
    await box.click()
    await expect(trouble).to_be_hidden()
    await expect(box).to_be_enabled()
    await expect(box).not_to_be_checked()
    assert not await stands()
    # Back at the form the answer is the one given last.
    await page.click("#consents-dialog [data-close]")
    await page.click("#back-to-consent")
    await expect(page.locator("[name=research]")).not_to_be_checked()
    await page.click("#consent-form [type=submit]")
    await expect(page.locator("#devices-title")).to_be_focused()
    assert not await stands()
    assert complaints == []


async def test_a_waiting_candidate_whose_interview_gets_another_purpose_is_asked_anew(site, browser):
    operator = await site.operator()
    interview = await schedule(operator)
    page, complaints = await new_page(browser)
    await to_devices(page, site, join_path(interview))
    await page.click("#ask-devices")
    await page.click("#enter")
    await expect(page.locator("#waiting-words")).to_contain_text("will be told at once that you are waiting")
    edit = f"{urlsplit(interview.path).path}/edit"
    await operator.post(edit, {**INTERVIEW, "purpose": "research"}, on=edit)
    await expect(page.locator("#trouble")).to_contain_text("The interview was changed.")
    await expect(page.locator("[name=call]")).not_to_be_checked()
    await expect(page.locator("[data-step=consent]")).to_contain_text("research")
    assert complaints == []


async def test_a_page_that_is_out_of_date_comes_back_by_itself_and_a_void_link_can_be_tried_again(site, browser):
    path = join_path(await schedule(await site.operator()))
    page, complaints = await new_page(browser)
    await to_devices(page, site, path)
    await page.click("#ask-devices")
    await expect(page.locator("#enter")).to_be_enabled()
    await page.context.clear_cookies()
    await page.click("#enter")
    await expect(page.locator("#waiting-words")).to_contain_text("will be told at once that you are waiting")
    await page.click("#back-to-devices")
    await page.route("**/access", lambda route: route.fulfill(status=410, json={"message": "Over."}))
    await page.wait_for_timeout(2_100)  # until the page asks for access again
    await page.click("#enter")
    await expect(page.locator("#ended-title")).to_have_text("You cannot go in with this link")
    await expect(page.locator("#rejoin")).to_be_visible()
    assert complaints == []


async def test_a_keyboard_alone_gets_to_the_waiting_room(site, browser):
    path = join_path(await schedule(await site.operator()))
    page, _ = await new_page(browser)
    await page.goto(site.url + path)

    async def tab_to(selector):
        for _ in range(40):
            await page.keyboard.press("Tab")
            if await page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"no way to {selector} with the Tab key")

    await tab_to("#consent-form [type=submit]")
    await page.keyboard.press("Enter")
    await expect(page.locator("#consent-error")).to_contain_text("tick the box of the call")
    await expect(page.locator("[name=call]")).to_be_focused()
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await expect(page.locator("#devices-title")).to_be_focused()
    await tab_to("#ask-devices")
    await page.keyboard.press("Enter")
    await expect(page.locator("#enter")).to_be_enabled()
    await tab_to("#enter")
    await page.keyboard.press("Enter")
    await expect(page.locator("#waiting-title")).to_be_focused()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
async def test_what_a_form_or_a_button_leads_to_is_accessible_and_fits(site, browser, width, scheme):
    """The pages as they come are searched in ``tests/web/test_pages_in_browser.py``."""
    operator = await site.operator()
    interview = await schedule(operator)
    page, complaints = await new_page(browser, width=width, scheme=scheme)

    async def check(name):
        assert await accessibility_problems(page) == [], name
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is too wide"

    await page.goto(f"{site.url}/login")
    await page.fill("#f-email", "maria@example.org")
    await page.fill("#f-password", "wrong")
    await page.click("main [type=submit]")
    await check("login with an error")
    await page.fill("#f-password", PASSWORD)
    await page.click("main [type=submit]")
    await expect(page).to_have_url(f"{site.url}/interviews")
    await page.goto(f"{site.url}/interviews/new")
    await page.fill("#f-date", "")
    await page.click("main [type=submit]")
    await check("form with errors")

    await page.goto(site.url + join_path(interview))
    await page.check("[name=call]")
    await page.click("#consent-form [type=submit]")
    await page.click("#ask-devices")
    await expect(page.locator("#enter")).to_be_enabled()
    await check("devices")
    await page.click("#enter")
    await expect(page.locator("#waiting-words")).to_contain_text("will be told at once")
    await check("waiting room")
    await page.click("[data-step=waiting] [data-leave]")
    await check("after leaving")
    assert complaints == []
