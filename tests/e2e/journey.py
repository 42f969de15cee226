"""What people do on the pages, in the words of the manual; every wait is for something to see, with a limit."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.server_process import ServerProcess

PASSWORD = "a long and plain password"
WAIT_MS = 40_000
"""How long something may take is not what these tests are about; a busy machine is slow."""
expect.set_options(timeout=WAIT_MS)

DECODED_FRAMES = "video => video.getVideoPlaybackQuality().totalVideoFrames"

# Energy that an element's sound track has carried, by decoding it in the page.
LISTEN = """async (video) => {
    const context = new AudioContext();
    await context.resume();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(new MediaStream(video.srcObject.getAudioTracks())).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let peak = 0;
    for (let i = 0; i < 60 && peak < 0.01; i++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        analyser.getFloatTimeDomainData(samples);
        peak = Math.max(peak, ...samples.map(Math.abs));
    }
    await context.close();
    return peak;
}"""


def make_first_account(page: Page, setup_link: str, *, email: str = "ada@example.org") -> None:
    page.goto(setup_link)
    page.fill("#f-name", "Ada Host")
    page.fill("#f-email", email)
    page.fill("#f-password", PASSWORD)
    page.click("button[type=submit]")
    expect(page).to_have_url(re.compile("/interviews$"))


def invite_interviewer(operator: Page, guest: Page, base_url: str, *, email: str, name: str) -> None:
    """The operator makes an invitation; the guest makes an account with it."""
    operator.goto(f"{base_url}/people")
    operator.fill("#f-email", email)
    operator.click("form[action='/people'] button[type=submit]")
    guest.goto(operator.input_value("#invitation-link"))
    guest.fill("#f-name", name)
    guest.fill("#f-password", PASSWORD)
    guest.click("button[type=submit]")
    expect(guest).to_have_url(re.compile("/interviews$"))


def schedule_interview(page: Page, base_url: str, *, purpose: str = "practice", others: str = "") -> tuple[str, str]:
    """Fill in the form; return the interview's address and the candidate's join link."""
    page.goto(f"{base_url}/interviews/new")
    page.fill("#f-title", "Talk with Sam")
    page.fill("#f-candidate_name", "Sam Candidate")
    page.fill("#f-candidate_email", "sam@example.org")
    page.fill("#f-co_interviewers", others)
    now = datetime.now(UTC)
    page.fill("#f-date", now.strftime("%Y-%m-%d"))
    page.fill("#f-time", "23:30")
    page.fill("#f-duration_min", "45")
    page.check(f"input[name=purpose][value={purpose}]")
    page.fill("#f-questions", "What went well?\nWhat was hard?")
    page.click("#schedule button[type=submit]")
    expect(page.locator("#join-link")).to_be_visible()
    return page.url.split("?")[0], page.input_value("#join-link")


def candidate_waits(
    page: Page, join_link: str, *, agrees_to: tuple[str, ...], query: str = "", with_camera: bool = True
) -> None:
    """Answer the consents, check the devices, go to the waiting room."""
    page.goto(join_link + query)
    for kind in ("call", "analysis", "research", "transcription"):
        box = page.locator(f"#consent-form input[name={kind}]")
        if box.count():
            box.set_checked(kind in agrees_to)
    page.click("#consent-form button[type=submit]")
    page.click("#ask-devices")
    expect(page.locator("#enter")).to_be_enabled(timeout=WAIT_MS)
    expect(page.locator("#meter-words")).to_contain_text("hear you", timeout=WAIT_MS)
    if not with_camera:
        page.click("[data-toggle=video]")
    page.click("#enter")
    expect(page.locator("#waiting-title")).to_be_visible()


def enter_room(page: Page, interview_url: str, *, with_camera: bool = True, query: str = "") -> None:
    page.goto(f"{interview_url}/room{query}")
    # Both are on unless switched off.
    for kind in ("video", "audio"):
        toggle = page.locator(f"#ready-{kind}-on")
        expect(toggle).to_have_attribute("aria-pressed", "true", timeout=WAIT_MS)
        if not with_camera:
            toggle.click()
    page.click("#enter")
    expect(page.locator("#stage")).to_be_visible(timeout=WAIT_MS)


def admit(page: Page) -> None:
    expect(page.locator("#knock")).to_be_visible(timeout=WAIT_MS)
    page.click("#admit")


def expect_moving_picture(page: Page, selector: str, *, frames: int = 15) -> None:
    """The video shows decoded frames and goes on doing so; a busy machine may take a fifth of a second for each."""
    video = page.locator(selector).first
    expect(video).to_be_visible(timeout=WAIT_MS)
    page.wait_for_function(
        f"selector => ({DECODED_FRAMES})(document.querySelector(selector)) > 5", arg=selector, timeout=WAIT_MS
    )
    seen = video.evaluate(DECODED_FRAMES)
    page.wait_for_function(
        f"([selector, n]) => ({DECODED_FRAMES})(document.querySelector(selector)) > n",
        arg=[selector, seen + frames],
        timeout=WAIT_MS + 200 * frames,
    )


def expect_sound(page: Page, selector: str) -> None:
    """The element's stream carries sound that is not silence."""
    assert page.locator(selector).first.evaluate(LISTEN) > 0.01


def watch_events(page: Page) -> list[dict[str, object]]:
    """Collect every websocket message the page receives; call before it connects."""
    events: list[dict[str, object]] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda text: events.append(json.loads(text))))
    return events


@dataclass(slots=True, kw_only=True)
class Call:
    """An interviewer and a candidate in the middle of an interview."""

    ada: Page
    sam: Page
    interview: str
    """Address of the interview's page."""
    events: list[dict[str, object]]
    """What the interviewer's websocket received so far."""

    def estimates(self) -> list[dict[str, object]]:
        return [event for event in list(self.events) if event["type"] == "estimate"]

    def wait_for(
        self,
        condition: Callable[[], bool],
        *,
        limit_ms: int,
        otherwise: Callable[[], str] = lambda: "this did not happen in time",
    ) -> None:
        """Let the pages work until a condition on the events holds; ``otherwise`` says what is wrong without it."""
        waited_ms = 0
        while not condition():
            assert waited_ms < limit_ms, otherwise()
            self.ada.wait_for_timeout(200)
            waited_ms += 200


def start_call(
    server: ServerProcess,
    browser: Browser,
    *,
    agrees_to: tuple[str, ...],
    query: str = "",
    candidate_browser: Browser | None = None,
    candidate_url: str | None = None,
    with_cameras: bool = True,
) -> Call:
    """Go from the setup link to a call in which the interviewer sees the candidate.

    Args:
        query: added to the addresses of both people's pages.
        candidate_browser: the candidate's, if it is another one.
        candidate_url: by which the candidate reaches the server, if it is another one.
        with_cameras: False for a call of sound alone, which costs the machine little.
    """
    ada, _ = new_page(browser.new_context())
    sam, _ = new_page((candidate_browser or browser).new_context())
    join_base = candidate_url or server.base_url
    events = watch_events(ada)
    make_first_account(ada, server.wait_for(r"(\S+/setup/\S+)"))
    interview, join_link = schedule_interview(ada, server.base_url)
    enter_room(ada, interview, query=query, with_camera=with_cameras)
    own_link = join_link.replace(server.base_url, join_base)
    candidate_waits(sam, own_link, agrees_to=agrees_to, query=query, with_camera=with_cameras)
    admit(ada)
    if with_cameras:
        expect_moving_picture(ada, "#candidate-video")
    return Call(ada=ada, sam=sam, interview=interview, events=events)


def new_page(context: BrowserContext) -> tuple[Page, list[str]]:
    """Open a page; what it complains about (errors, blocked content) is collected."""
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None,
    )
    return page, complaints
