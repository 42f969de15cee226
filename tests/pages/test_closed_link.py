"""Where a join link leads that lets nobody in any more."""

import re

from tests.pages.site import join_path, schedule
from tests.pages.test_join_page import script_page


async def test_what_was_agreed_to_can_be_taken_back_after_the_interview_was_cancelled(site):
    operator = await site.operator()
    interview = await schedule(operator)
    path, candidate = join_path(interview), site.visitor()
    page = await candidate.get(path)
    token = re.search(r'name="csrf" content="([^"]+)"', page.html)
    versions = script_page(page)["versions"]
    answers = [{"kind": kind, "granted": True, "text_version": versions[kind]} for kind in versions]
    async with candidate.http.post(
        f"{site.url}/api{path}/consent", json={"answers": answers}, headers={"X-CSRF-Token": token[1]}
    ) as response:
        assert response.status == 200, await response.text()
    here = interview.path.partition("?")[0]
    await operator.post(f"{here}/cancel", {}, on=here)
    page = await candidate.get(path)
    assert page.status == 410
    assert "This interview was cancelled." in page.text
    assert "Measuring signs of stress" in page.text
    page = await candidate.post(f"{path}/take-back", {}, on=path)
    assert (page.status, "You have taken it back." in page.text) == (410, True)
    assert "What you agreed to" not in page.text
    shown = (await operator.get(here)).text
    assert "Research use No" in shown
    assert "Analysis No" in shown


async def test_a_cancelled_interview_of_somebody_who_agreed_to_nothing_gets_a_plain_page(site):
    operator = await site.operator()
    interview = await schedule(operator)
    here = interview.path.partition("?")[0]
    await operator.post(f"{here}/cancel", {}, on=here)
    page = await site.visitor().get(join_path(interview))
    assert page.status == 410
    assert "This interview was cancelled." in page.text
    assert "take" not in page.text
