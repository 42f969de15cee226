"""Scheduling: the form, the list, one interview and what can be done to it."""

from urllib.parse import urlsplit

import pytest

from tests.pages.site import INTERVIEW, join_path, schedule


def here(page):
    """Return the path of an interview's page."""
    return urlsplit(page.path).path


async def test_a_local_time_is_stored_as_utc_and_shown_in_the_viewers_zone(site):
    operator = await site.operator()
    page = await schedule(operator)
    assert "Practice talk" in page.text
    assert page.times[0] == "2030-07-01T12:30:00Z", "14:30 in Berlin in summer"
    edit = await operator.get(f"{here(page)}/edit")
    assert 'data-utc="2030-07-01T12:30Z"' in edit.html


async def test_the_form_comes_back_with_errors_beside_the_fields_and_inputs_kept(site):
    operator = await site.operator()
    fields = {
        **INTERVIEW,
        "title": " ",
        "candidate_email": "jonas",
        "date": "",
        "duration_min": "3",
        "purpose": "fun",
        "co_interviewers": "tom@example.org",
    }
    page = await operator.post("/interviews/new", fields, on="/interviews/new")
    assert page.status == 400
    assert {"title", "candidate_email", "scheduled_at", "duration_min", "purpose"} <= set(page.errors)
    assert page.values["candidate_name"] == "Jonas Weber"
    assert page.values["candidate_email"] == "jonas"
    assert page.values["time"] == "14:30"
    assert page.values["questions"].splitlines()[0] == "Tell me about yourself."
    assert (await operator.get("/interviews")).text.count("Practice talk") == 0


async def test_a_time_that_the_clock_change_skips_is_refused(site):
    operator = await site.operator()
    fields = {**INTERVIEW, "date": "2030-03-31", "time": "02:30"}
    page = await operator.post("/interviews/new", fields, on="/interviews/new")
    assert page.status == 400
    assert "clocks go forward" in page.errors["scheduled_at"]


async def test_an_unknown_co_interviewer_is_named(site):
    operator = await site.operator()
    fields = {**INTERVIEW, "co_interviewers": "ghost@example.org"}
    page = await operator.post("/interviews/new", fields, on="/interviews/new")
    assert page.status == 400
    assert "ghost@example.org" in page.errors["co_interviewers"]


async def test_editing_changes_what_people_see(site):
    operator = await site.operator()
    page = await schedule(operator)
    edit = f"{here(page)}/edit"
    form = await operator.get(edit)
    assert form.values["questions"] == "Tell me about yourself.\nWhat was hard last week?"
    changed = {**INTERVIEW, "title": "Another title", "timezone": "America/New_York", "questions": "One only?"}
    page = await operator.post(edit, changed, on=edit)
    assert "Another title" in page.text
    assert "One only?" in page.text
    assert "Tell me about yourself" not in page.text
    assert page.times[0] == "2030-07-01T18:30:00Z"


async def test_only_interviewers_of_the_interview_find_it(site):
    operator = await site.operator()
    tom = await site.colleague(operator, "Tom Okafor", "tom@example.org")
    page = await schedule(operator)
    assert (await tom.get(here(page))).status == 404
    assert "Practice talk" not in (await tom.get("/interviews")).text
    added = await operator.post(f"{here(page)}/interviewers", {"email": "tom@example.org"}, on=here(page))
    assert "Tom Okafor" in added.text
    assert (await tom.get(here(page))).status == 200
    assert "Practice talk" in (await tom.get("/interviews")).text


async def test_adding_somebody_unknown_says_so_and_keeps_the_address(site):
    operator = await site.operator()
    page = await schedule(operator)
    page = await operator.post(f"{here(page)}/interviewers", {"email": "ghost@example.org"}, on=here(page))
    assert page.status == 400
    assert set(page.errors) == {"email"}
    assert page.values["email"] == "ghost@example.org"


async def test_cancelling_voids_the_link_and_keeps_the_page(site):
    operator = await site.operator()
    page = await schedule(operator)
    link = join_path(page)
    page = await operator.post(f"{here(page)}/cancel", {}, on=here(page))
    assert "Cancelled" in page.text
    assert "join-link" not in page.by_id
    gone = await site.visitor().get(link)
    assert gone.status == 410
    assert "This interview was cancelled." in gone.text
    assert (await operator.get(f"{here(page)}/edit")).status in (200, 409)
    again = await operator.post(f"{here(page)}/edit", INTERVIEW, on=here(page))
    assert again.status == 409


async def test_a_new_link_voids_the_old_one(site):
    operator = await site.operator()
    page = await schedule(operator)
    old = join_path(page)
    assert (await site.visitor().get(old)).status == 200
    page = await operator.post(f"{here(page)}/join-link", {}, on=here(page))
    new = join_path(page)
    assert new != old
    gone = await site.visitor().get(old)
    assert gone.status == 410
    assert "replaced by a newer one" in gone.text
    assert (await site.visitor().get(new)).status == 200


async def test_deleting_needs_the_tick_and_removes_everything(site):
    operator = await site.operator()
    page = await schedule(operator)
    path, link = here(page), join_path(page)
    page = await operator.post(f"{path}/delete", {}, on=path)
    assert page.status == 400
    assert set(page.errors) == {"confirm"}
    page = await operator.post(f"{path}/delete", {"confirm": "yes"}, on=path)
    assert page.path == "/interviews"
    assert "Practice talk" not in page.text
    assert (await operator.get(path)).status == 404
    assert (await site.visitor().get(link)).status == 404


async def test_a_tap_token_is_shown_once_and_can_be_revoked(site):
    operator = await site.operator()
    path = here(await schedule(operator))
    page = await operator.post(f"{path}/taps", {"label": "Speech lab"}, on=path)
    secret = page.by_id["tap-token"]
    assert secret.startswith("tap_")
    assert f'Bearer {secret}" -i {site.url}/taps/' in page.text
    later = await operator.get(path)
    assert secret not in later.html
    assert "Speech lab" in later.text
    revoke = next(part for part in later.html.split('"') if part.endswith("/revoke"))
    assert "Revoked" in (await operator.post(revoke, {}, on=path)).text


async def test_a_tap_needs_a_label(site):
    operator = await site.operator()
    path = here(await schedule(operator))
    page = await operator.post(f"{path}/taps", {"label": ""}, on=path)
    assert page.status == 400
    assert set(page.errors) == {"label"}


@pytest.mark.parametrize(("purpose", "words"), [("practice", "Possible, with consent"), ("selection", "Not for this")])
async def test_the_page_says_whether_the_purpose_may_be_measured(site, purpose, words):
    operator = await site.operator()
    assert words in (await schedule(operator, purpose=purpose)).text


async def test_the_list_parts_now_upcoming_and_past(site):
    operator = await site.operator()
    await schedule(operator, title="Far ahead")
    await schedule(operator, title="Long ago", date="2020-01-01")
    text = (await operator.get("/interviews")).text
    assert text.index("Upcoming") < text.index("Far ahead") < text.index("Past") < text.index("Long ago")
