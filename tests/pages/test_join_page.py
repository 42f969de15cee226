"""The candidate's page as it comes from the server."""

import json
import re
from pathlib import Path

import pytest

from tests.pages.conftest import a_site
from tests.pages.site import PASSWORD, join_path, schedule

WEB = Path(__file__).resolve().parents[2] / "web"


def script_page(page):
    """Return what the page tells its script."""
    found = re.search(r"data-page='([^']+)'", page.html)
    assert found is not None
    return json.loads(found[1].replace("&#34;", '"').replace("&amp;", "&"))


def ticks(page):
    """Return the names of the boxes to tick in the consent form."""
    return re.findall(r'<input type="checkbox" name="(\w+)"', page.html)


async def test_it_says_by_whom_for_what_and_asks_separate_consents(site):
    page = await site.visitor().get(join_path(await schedule(await site.operator())))
    assert page.status == 200
    assert "Maria Schneider invited you" in page.text
    assert "No lie detector" in page.text
    assert ticks(page) == ["call", "analysis", "research"]
    assert re.findall(r'name="(\w+)"[^>]* checked', page.html) == [], "nothing is ticked for the candidate"
    assert set(script_page(page)["versions"]) == {"call", "analysis", "research"}
    assert page.text.count("until the interviewers delete") == page.text.count("You can change your mind") == 1
    assert "records neither sound nor picture" in page.text


async def test_where_the_purpose_is_not_analysed_there_is_no_box_for_it(site):
    page = await site.visitor().get(join_path(await schedule(await site.operator(), purpose="selection")))
    assert "analysis" not in ticks(page)
    assert "analysis" not in script_page(page)["versions"]
    assert "nothing is measured" in page.text


async def test_answers_are_remembered_over_a_reload(site):
    path, candidate = join_path(await schedule(await site.operator())), site.visitor()
    page = await candidate.get(path)
    assert script_page(page)["has_consented"] is False
    token = re.search(r'name="csrf" content="([^"]+)"', page.html)
    versions = script_page(page)["versions"]
    answers = [
        {"kind": kind, "granted": kind in ("call", "research"), "text_version": versions[kind]} for kind in versions
    ]
    async with candidate.http.post(
        f"{site.url}/api{path}/consent", json={"answers": answers}, headers={"X-CSRF-Token": token[1]}
    ) as response:
        assert response.status == 200, await response.text()
    page = await candidate.get(path)
    assert script_page(page)["has_consented"] is True
    assert re.findall(r'name="(\w+)" checked', page.html) == ["call", "research"]


@pytest.mark.parametrize("transcriber", ["off", "pocketsphinx"])
async def test_taking_back_after_the_call_says_what_is_deleted_and_what_stays(tmp_path, transcriber):
    async with a_site(tmp_path, transcriber=transcriber) as site:
        page = await site.visitor().get(join_path(await schedule(await site.operator())))
        text = " ".join(page.text.split())
        assert "What was measured until now stays with the interview." in text
        assert ("The words that were written down, and what was said about them, are deleted." in text) is (
            transcriber != "off"
        )


async def test_the_interviewers_page_shows_the_answers(site):
    operator = await site.operator()
    page = await schedule(operator)
    assert page.text.count("Not answered yet") == 3


async def test_a_link_that_is_none_gets_a_plain_page(site):
    page = await site.visitor().get("/join/nonsense")
    assert page.status == 404
    assert "This link is not valid. Please ask for the link again." in page.text
    assert "<h1" in page.html


async def test_an_expired_link_gets_a_plain_page(site):
    page = await schedule(await site.operator(), date="2020-01-01")
    gone = await site.visitor().get(join_path(page))
    assert gone.status == 410
    assert "This link has expired. Please ask the interviewer for a new one." in gone.text


async def test_a_candidate_may_make_an_account_that_lists_the_interview(site):
    operator = await site.operator()
    path = join_path(await schedule(operator))
    candidate = site.visitor()
    page = await candidate.post(f"{path}/account", {"password": "short"}, on=f"{path}/account")
    assert page.status == 400
    assert set(page.errors) == {"password"}
    page = await candidate.post(f"{path}/account", {"password": PASSWORD}, on=f"{path}/account")
    assert (page.status, page.path) == (200, "/interviews")
    assert "Practice talk" in page.text
    assert path in page.links
    assert "Schedule an interview" not in page.text
    assert (await candidate.get("/interviews/new")).status == 403
    # Another interview of the same address is listed once its own link was opened, not before.
    other = join_path(await schedule(operator, title="Second talk"))
    assert "Second talk" not in (await candidate.get("/interviews")).text
    assert (await candidate.get(other)).status == 200
    assert "Second talk" in (await candidate.get("/interviews")).text
    # A second account for the same address is refused.
    page = await site.visitor().post(f"{path}/account", {"password": PASSWORD}, on=f"{path}/account")
    assert page.status == 400
    assert "There is an account with this e-mail already." in page.text
    # Without any interview the list says truly when one is listed.
    mine = [
        link for link in (await operator.get("/interviews")).links if re.fullmatch(r"/interviews/[0-9a-f]{16}", link)
    ]
    for interview in mine:
        await operator.post(f"{interview}/delete", {"confirm": "yes"}, on=interview)
    assert "open its link once while you are logged in" in (await candidate.get("/interviews")).text


def modules_from(name, seen):
    """Collect the module and everything it imports."""
    if name not in seen:
        seen.add(name)
        source = (WEB / "static/js" / name).read_text()
        for other in re.findall(r"""from ['"]\./([\w.]+)['"]""", source):
            modules_from(other, seen)
    return seen


def test_the_candidates_modules_carry_no_analysis_code():
    modules = modules_from("join.js", set())
    assert "call.js" in modules
    assert not modules & {"gauge.js", "chart.js", "bars.js", "series.js", "room_model.js", "live_view.js", "news.js"}
    for name in modules:
        source = (WEB / "static/js" / name).read_text()
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", source, flags=re.DOTALL)
        assert not re.search(r"stress|estimate|emotion|evidence|contribution", code, re.IGNORECASE), name
