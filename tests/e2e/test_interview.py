"""The main job in a real browser: schedule, join, talk, measure, look back."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.journey import (
    WAIT_MS,
    Call,
    admit,
    candidate_waits,
    enter_room,
    expect_moving_picture,
    expect_sound,
    invite_interviewer,
    make_first_account,
    new_page,
    schedule_interview,
    start_call,
    watch_events,
)
from tests.e2e.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

ANALYSIS_WORDS = re.compile("estimate|stress|emotion|gauge|history|peak|baseline", re.IGNORECASE)


def _keep_screenshot(page, name: str) -> None:
    """Keep a picture where SCREENSHOTS says, for people to look at."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_an_interview_from_the_setup_link_to_the_summary(server: ServerProcess, browser: Browser):
    ada, ada_complaints = new_page(browser.new_context())
    bob, bob_complaints = new_page(browser.new_context())
    sam, sam_complaints = new_page(browser.new_context())
    ada_events, bob_events, sam_events = watch_events(ada), watch_events(bob), watch_events(sam)

    make_first_account(ada, server.wait_for(r"(\S+/setup/\S+)"))
    invite_interviewer(ada, bob, server.base_url, email="bob@example.org", name="Bob Colleague")
    interview, join_link = schedule_interview(ada, server.base_url, others="bob@example.org")

    enter_room(ada, interview)
    candidate_waits(sam, join_link, agrees_to=("call", "analysis", "research"))
    admit(ada)
    enter_room(bob, interview, with_camera=False)

    for interviewer in (ada, bob):
        expect_moving_picture(interviewer, "#candidate-video")
        expect_sound(interviewer, "#candidate-video")
    expect_moving_picture(sam, "#tiles video")
    expect_sound(sam, "#tiles video")

    ada.click("#analysis-toggle")
    ada.wait_for_function("() => document.querySelector('#analysis-toggle').textContent.includes('Stop')")
    expect(sam.get_by_text(re.compile("analysis is on", re.IGNORECASE)).first).to_be_visible(timeout=WAIT_MS)
    call = Call(ada=ada, sam=sam, interview=interview, events=ada_events)

    # A busy machine may leave a face or a voice out now and then.
    call.wait_for(lambda: len(call.estimates()) >= 10, limit_ms=60_000)
    call.wait_for(
        lambda: any(item["emotions"] and item["voice"]["value"] is not None for item in call.estimates()),
        limit_ms=90_000,
        otherwise=lambda: f"never both: {[(item['face'], item['voice']) for item in call.estimates()]}",
    )
    estimates = call.estimates()
    expect(ada.locator("#gauge [role=meter]")).to_have_attribute("aria-valuenow", re.compile(r"\d"), timeout=WAIT_MS)
    _keep_screenshot(ada, "dashboard")
    _keep_screenshot(sam, "candidate")

    times = [estimate["t_s"] for estimate in estimates]
    assert times == [float(t) for t in range(int(times[0]), int(times[0]) + len(times))], "one estimate a second"
    for estimate in estimates:
        if estimate["emotions"]:
            assert estimate["face"]["quality"] > 0
            assert abs(sum(estimate["emotions"].values()) - 1) < 0.01
    assert len({estimate["stress"]["value"] for estimate in estimates}) > 3, "the trend moves"
    assert len([event for event in bob_events if event["type"] == "estimate"]) > 5
    health = server.health()
    assert health["workers"] == 1
    assert health["status"] == "ok"

    ada.keyboard.press("m")
    expect(bob.locator("#marker-list li")).to_have_count(1, timeout=WAIT_MS)
    ada.fill("#note-text", "Calm so far")
    expect(ada.locator("#note-list")).to_contain_text("Calm so far", timeout=WAIT_MS)

    ada.click("#open-end")
    ada.click("#end-confirm")
    for page, selector in ((ada, "#after"), (bob, "#after"), (sam, "#ended-title")):
        expect(page.locator(selector)).to_be_visible(timeout=WAIT_MS)
    ada.click("#after-links a[href^='/sessions/']")
    expect(ada.locator("#course-chart canvas")).to_be_visible(timeout=WAIT_MS)
    expect(ada.locator("main")).to_contain_text("Calm so far")
    _keep_screenshot(ada, "summary")

    received = {str(event["type"]) for event in sam_events}
    assert received <= {"welcome", "state", "pong", "error", "bye"}
    assert not any(ANALYSIS_WORDS.search(key) for event in sam_events for key in _keys(event))
    assert (ada_complaints, bob_complaints, sam_complaints) == ([], [], [])


def test_a_candidate_who_declines_analysis_has_a_normal_call(server: ServerProcess, browser: Browser):
    call = start_call(server, browser, agrees_to=("call",))
    expect_moving_picture(call.sam, "#tiles video")
    expect(call.ada.locator("#analysis-toggle")).to_be_disabled()
    expect(call.ada.locator("#analysis-hint")).to_contain_text(re.compile("consent|agree", re.IGNORECASE))
    assert server.health()["workers"] == 0


def test_withdrawing_consent_in_the_call_stops_the_analysis_and_not_the_call(server: ServerProcess, browser: Browser):
    call = start_call(server, browser, agrees_to=("call", "analysis"))
    call.ada.click("#analysis-toggle")
    call.wait_for(lambda: len(call.estimates()) >= 3, limit_ms=60_000)

    call.sam.click("#open-consents")
    call.sam.locator("[data-consent=analysis]").uncheck()
    expect(call.ada.locator("#analysis-toggle")).to_be_disabled(timeout=WAIT_MS)
    n_after = len(call.estimates())
    expect_moving_picture(call.ada, "#candidate-video", frames=60)
    assert len(call.estimates()) <= n_after + 1
    call.ada.goto(call.interview)
    expect(call.ada.locator("a[href^='/sessions/']")).to_have_count(1)


def test_a_reload_is_a_new_connection_of_the_same_session(server: ServerProcess, browser: Browser):
    call = start_call(server, browser, agrees_to=("call", "analysis"))
    call.ada.click("#analysis-toggle")
    call.wait_for(lambda: len(call.estimates()) >= 4, limit_ms=60_000)
    sessions = {estimate["session_id"] for estimate in call.estimates()}

    call.sam.reload()
    expect_moving_picture(call.sam, "#tiles video")
    expect_moving_picture(call.ada, "#candidate-video", frames=30)
    n_before = len(call.estimates())
    call.wait_for(
        lambda: any(estimate["face"]["quality"] > 0 for estimate in call.estimates()[n_before + 2 :]),
        limit_ms=30_000,
    )
    assert {estimate["session_id"] for estimate in call.estimates()} == sessions
    times = [estimate["t_s"] for estimate in call.estimates()]
    assert times == sorted(set(times))


def _keys(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)
