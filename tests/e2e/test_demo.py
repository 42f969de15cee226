"""``serve --demo`` as a newcomer meets it, and the same with a file of one's own."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from playwright.sync_api import Browser, Page, expect

from server.demo.portrait import Portrait
from server.demo.story import Story
from server.demo.voice import RATE_HZ, speak_loop
from tests.e2e.journey import expect_moving_picture, expect_sound, new_page, watch_events
from tests.e2e.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "demo", "--demo")
    yield process
    process.stop()


def test_the_demo_is_alive_within_a_minute(demo: ServerProcess, browser: Browser):
    page, complaints = new_page(browser.new_context())
    events = watch_events(page)
    link = demo.wait_for(r"(\S+/enter/\S+)")
    page.goto(link)
    page.click("#enter")
    expect_moving_picture(page, "#candidate-video")
    expect(page.locator("#gauge [role=meter]")).to_have_attribute("aria-valuenow", re.compile(r"\d"), timeout=60_000)
    estimates = [event for event in events if event["type"] == "estimate"]
    assert estimates[-1]["face"]["quality"] > 0.3
    expect(page.locator("#connection-summary")).to_have_text(re.compile(r"(good|unstable|poor).* · \d+ ms · .* lost"))
    page.click("#connection summary")
    expect(page.locator("#connection-rows")).to_contain_text("Alex Example sends")
    expect(page.locator("#connection-rows")).to_contain_text("You receive")
    expect(page.locator("#connection-rows")).to_contain_text("Mbit/s")
    expect(page.locator("#level .bar-text")).to_have_text(re.compile("Low|Medium|High"), timeout=20_000)
    expect(page.locator("#eyes-worth")).to_have_text(re.compile(r"uality \d+ %"), timeout=20_000)
    expect_explanation(page)
    expect(page.locator("#explanation-about")).to_have_text(re.compile(r"\d\s% in the picture of \d:\d\d, .* old"))
    colours = "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, 288, 288).data).size"
    assert page.locator("#explanation-map").evaluate(colours) > 50
    page.click("#explanation-close")
    expect(page.locator("#explanation")).to_be_hidden()
    assert complaints == []
    page.goto(link)
    expect(page.locator("main")).to_contain_text(re.compile("used|too old"))


def expect_explanation(page: Page) -> None:
    """Ask what the network looked at until there is a picture: a busy machine may have none at a moment."""
    for _ in range(10):
        page.keyboard.press("x")
        expect(page.locator("#explain")).not_to_have_class(re.compile("is-waiting"), timeout=10_000)
        if (page.locator("#explanation-main").text_content() or "").startswith("Hiding "):
            break
        expect(page.locator("#explain")).to_have_attribute("aria-disabled", "false", timeout=10_000)
    expect(page.locator("#explanation-main")).to_have_text(re.compile("^Hiding "))


def _write_video(path: Path) -> None:
    """Write six seconds of the story as an ordinary MP4 file (H.264 and AAC)."""
    story, portrait, voice = Story(), Portrait(), speak_loop(Story())
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "26"})
        picture.width, picture.height, picture.pix_fmt = 640, 480, "yuv420p"
        sound = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for i in range(150):
            image = portrait.render(story.pose(10 + i / 25))
            container.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(voice[None, 10 * RATE_HZ : 16 * RATE_HZ], format="fltp", layout="mono")
        frame.sample_rate = RATE_HZ
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


def test_the_demo_plays_a_file(tmp_path: Path, browser: Browser):
    """With TEST_VIDEO in the environment that file is played, for example real people talking."""
    video = Path(os.environ.get("TEST_VIDEO", tmp_path / "candidate.mp4"))
    if not video.exists():
        _write_video(video)
    demo = ServerProcess(tmp_path / "demo", "--demo-video", str(video))
    try:
        page, _ = new_page(browser.new_context())
        events = watch_events(page)
        page.goto(demo.wait_for(r"(\S+/enter/\S+)"))
        page.click("#enter")
        # Longer than the file, so it has begun again.
        expect_moving_picture(page, "#candidate-video", frames=200)
        expect_sound(page, "#candidate-video")
        expect(page.locator("#gauge [role=meter]")).to_have_attribute(
            "aria-valuenow", re.compile(r"\d"), timeout=60_000
        )
        estimates = [event for event in events if event["type"] == "estimate"]
        assert estimates[-1]["face"]["quality"] > 0
    finally:
        demo.stop()
